// A call that could never work throws ERR_OPTIONS at once and names the field.
import { describe, expect, it } from "vitest";
import { convex } from "../src/convex.js";
import { BridgeError, createBridge, defineBackend } from "../src/index.js";
import { createTestSource } from "../src/testing.js";

const failure = (call: () => unknown): BridgeError => {
  try {
    call();
  } catch (error) {
    return error as BridgeError;
  }
  throw new Error("did not throw");
};

const source = createTestSource();
const { getSession, subscribe } = source;

describe("createBridge", () => {
  it.each<[field: string, options: any]>([
    ["options", null],
    ["options", "clerk"],
    ["source", { source: null }],
    ["source", { source: {} }],
    ["source", { source: { getSession, subscribe } }],
    ["source", { source: () => "token" }],
    ["backends", { backends: null }],
    ["backends", { backends: "convex" }],
    ["backends.mine", { backends: { mine: {} } }],
    ["backends.mine", { backends: { mine: undefined } }],
    ["backends.mine", { backends: { mine: { kind: "convex" } } }],
    ["name", { name: "" }],
    ["name", { name: 1 }],
    ["persist", { persist: true }],
    ["persist", { persist: "token" }],
    ["persist", { persist: null }],
    ["shareTabs", { shareTabs: "yes" }],
    ["shareTabs", { shareTabs: null }],
    ...["leewaySeconds", "fetchTimeoutMs", "sourceTimeoutMs"].flatMap((field): Array<[string, object]> => [
      [field, { [field]: -1 }],
      [field, { [field]: Number.NaN }],
      [field, { [field]: Number.POSITIVE_INFINITY }],
      [field, { [field]: "10" }],
      [field, { [field]: null }],
    ]),
    ["onEvent", { onEvent: {} }],
    ["onEvent", { onEvent: null }],
  ])("names `%s` for %j", (field, options) => {
    const error = failure(() => createBridge(options));
    expect(error).toBeInstanceOf(BridgeError);
    expect(error.code).toBe("ERR_OPTIONS");
    expect(error.hint).toContain(`\`${field}\``);
    expect(error.message).toContain(field);
  });

  it("takes whatever is left out", () => {
    createBridge().dispose();
    createBridge({ source, name: undefined, backends: undefined, leewaySeconds: 0, persist: false }).dispose();
  });
});

describe("defineBackend and adapters", () => {
  const attach = () => {};
  it.each<[field: string, definition: any]>([
    ["kind", undefined],
    ["kind", { attach, detach: attach }],
    ["kind", { kind: "", attach, detach: attach }],
    ["template", { kind: "x", template: 1, attach, detach: attach }],
    ["adapter", { kind: "x", detach: attach }],
    ["adapter", { kind: "x", attach }],
    ["update", { kind: "x", attach, detach: attach, update: "attach" }],
  ])("names `%s` for %j", (field, definition) => {
    const { code, hint } = failure(() => defineBackend(definition));
    expect([code, hint]).toEqual(["ERR_OPTIONS", expect.stringContaining(`\`${field}\``)]);
  });

  it("names the client that is none", () => {
    for (const client of [undefined, null, {}, { setAuth: 1 }] as any[]) {
      expect(failure(() => convex(client)).hint).toContain("`client`");
    }
    expect(failure(() => convex({ setAuth() {} }, { template: 1 as any })).hint).toContain("`template`");
  });
});
