// The options of a bridge, checked once: a call that could never work must throw at once and name the field; what a
// browser forbids must never be judged here.
import { type Adapter, adapterOf } from "./backend.js";
import { demand, hasMethods } from "./demand.js";
import type { BridgeOptions } from "./types.js";

const TYPES: Record<string, string> = {
  backends: "object",
  name: "string",
  shareTabs: "boolean",
  onEvent: "function",
  leewaySeconds: "number",
  fetchTimeoutMs: "number",
  sourceTimeoutMs: "number",
};

/** @internal The options, with their defaults as the shell takes them, and the adapters by name. */
export const checkOptions = (given: BridgeOptions<any> = {}) => {
  demand(given && typeof given === "object", "options", "an object");
  const {
    source,
    backends = {},
    name = "clerk-bridge",
    persist = "identity",
    shareTabs = true,
    leewaySeconds = 10,
    fetchTimeoutMs = 10_000,
    sourceTimeoutMs = 15_000,
    onEvent,
  } = given;
  for (const field in TYPES) {
    const it: any = given[field as keyof BridgeOptions];
    const type = TYPES[field]!;
    const fits = typeof it === type && (type === "number" ? it >= 0 && it < Infinity : it || type === "boolean");
    demand(it === undefined || fits, field, `a valid ${type}`);
  }
  demand(
    source === undefined || hasMethods(source, "addListener") || hasMethods(source, "getSession", "subscribe", "getToken"),
    "source",
    "Clerk or a token source",
  );
  const level = [false, "identity", "tokens"].indexOf(persist);
  demand(level >= 0, "persist", '"identity", "tokens" or false');
  const names = Object.keys(backends);
  const adapters = names.map((name): Adapter => {
    const adapter = adapterOf(backends[name]);
    demand(adapter, "backends." + name, "made by an adapter");
    return adapter!;
  });
  return {
    source,
    onEvent,
    backends,
    names,
    adapters,
    settings: [name, level, shareTabs, leewaySeconds * 1000, fetchTimeoutMs, sourceTimeoutMs] as const,
  };
};
