// What survives a reload, in storage that works, is blocked, full, missing or damaged. (F1)
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { read, write } from "../src/shell/storage.js";

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe.each(["localStorage", "sessionStorage"] as const)("%s", (area) => {
  it("gives_back_what_was_written_under_its_name", () => {
    expect(read(area, "app")).toBeUndefined();
    expect(write(area, "app", ["user", null, "ü \u2028 \"", ""])).toBe(true);
    expect(read(area, "app")).toEqual(["user", null, "ü \u2028 \"", ""]);
    expect(read(area, "other")).toBeUndefined();
    expect(window[area]).toHaveLength(1);
  });

  it("f4_nothing_leaves_nothing_behind", () => {
    write(area, "app", ["user"]);
    expect(write(area, "app")).toBe(true);
    expect(window[area]).toHaveLength(0);
  });

  it.each<[string, string]>([
    ["no JSON", "{"],
    ["nothing", ""],
    ["null", "null"],
    ["a number", "1"],
    ["an object", '{"0":"clerk-bridge 1"}'],
    ["a list without a version", "[]"],
    ["another version", '["clerk-bridge 2","user"]'],
    ["somebody else's list", '["user","org"]'],
    ["a list of other things", '["clerk-bridge 1",{"user":1}]'],
    ["a list of numbers", '["clerk-bridge 1",1]'],
    ["more than was ever written", JSON.stringify(["clerk-bridge 1", "x".repeat(1 << 19)])],
  ])("f1_%s_is_not_one_of_ours", (_, text) => {
    window[area].setItem("app", text);
    expect(read(area, "app")).toBeNull();
    expect(write(area, "app", ["user"])).toBe(true);
    expect(read(area, "app")).toEqual(["user"]);
  });

  it("f1_blocked_storage_finds_nothing_and_says_so", () => {
    vi.spyOn(window, area, "get").mockImplementation(() => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    });
    expect(read(area, "app")).toBeUndefined();
    expect(write(area, "app", ["user"])).toBe(false);
    expect(write(area, "app")).toBe(false);
  });

  it("f1_full_storage_says_so", () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("", "QuotaExceededError");
    });
    expect(write(area, "app", ["user"])).toBe(false);
  });

  it("f1_storage_that_is_missing_is_blocked", () => {
    vi.stubGlobal("window", {});
    expect(read(area, "app")).toBeUndefined();
    expect(write(area, "app", ["user"])).toBe(false);
  });
});
