// What survives a reload, in storage that works, is blocked, full, missing or damaged. (F1)
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Area, load, type Row, save } from "../src/shell/storage.js";

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const told: string[] = [];
const tell = (event: string) => void told.push(event);
const read = (area: Area, key = "app") => load(area, key, tell);
const write = (area: Area, ...rows: Row[]) => save(area, "app", rows, tell);
beforeEach(() => {
  told.length = 0;
});

describe.each(["localStorage", "sessionStorage"] as const)("%s", (area) => {
  it("gives_back_what_was_written_under_its_name", () => {
    const rows = [["user", null], ["ü \u2028 \"", ""], []];
    expect(read(area)).toEqual([]);
    write(area, ...rows);
    expect(read(area)).toEqual(rows);
    expect(read(area, "other")).toEqual([]);
    expect(window[area]).toHaveLength(1);
    expect(told).toEqual([]);
  });

  it("f4_nothing_leaves_nothing_behind", () => {
    write(area, ["user"]);
    write(area);
    expect(window[area]).toHaveLength(0);
    expect(told).toEqual([]);
  });

  it.each<[string, string]>([
    ["no JSON", "{"],
    ["nothing", ""],
    ["null", "null"],
    ["a number", "1"],
    ["an object", '{"0":"clerk-bridge 1"}'],
    ["a list without a version", "[]"],
    ["another version", '["clerk-bridge 2",["user"]]'],
    ["somebody else's list", '["user","org"]'],
    ["a list of strings", '["clerk-bridge 1","user"]'],
    ["a list of nothing", '["clerk-bridge 1",null]'],
    ["a list of other things", '["clerk-bridge 1",{"user":1}]'],
    ["a table of other things", '["clerk-bridge 1",["user",{"user":1}]]'],
    ["a table of numbers", '["clerk-bridge 1",[1]]'],
    ["more than was ever written", JSON.stringify(["clerk-bridge 1", ["x".repeat(1 << 19)]])],
  ])("f1_%s_is_not_one_of_ours_and_is_told_once", (_, text) => {
    window[area].setItem("app", text);
    expect([read(area), read(area)]).toEqual([[], []]);
    expect(told).toEqual(["record.discarded"]);
    write(area, ["user"]);
    expect(read(area)).toEqual([["user"]]);
  });

  it("f1_blocked_storage_finds_nothing_and_says_so_when_something_is_to_be_kept", () => {
    vi.spyOn(window, area, "get").mockImplementation(() => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    });
    expect(read(area)).toEqual([]);
    expect(told).toEqual([]);
    write(area, ["user"]);
    write(area);
    expect(told).toEqual(["storage.failed", "storage.failed"]);
  });

  it("f1_full_storage_says_so", () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("", "QuotaExceededError");
    });
    write(area, ["user"]);
    expect(told).toEqual(["storage.failed"]);
  });

  it("f1_storage_that_is_missing_is_blocked", () => {
    vi.stubGlobal("window", {});
    expect(read(area)).toEqual([]);
    write(area, ["user"]);
    expect(told).toEqual(["storage.failed"]);
  });
});
