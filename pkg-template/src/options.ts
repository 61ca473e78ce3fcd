// The options of a bridge, checked once: a call that could never work must throw at once and name the field; what a
// browser forbids must never be judged here.
import { adapterOf } from "./backend.js";
import { demand, hasMethods } from "./demand.js";
import type { BridgeEvent, BridgeOptions } from "./types.js";

/** What is left out is so, and what is given must be of the same type. */
const DEFAULTS = {
  backends: {} as Record<string, unknown>,
  name: "clerk-bridge",
  shareTabs: true,
  leewaySeconds: 10,
  fetchTimeoutMs: 10_000,
  sourceTimeoutMs: 15_000,
  onEvent(_: BridgeEvent) {},
};

/** @internal The options, with their defaults as the shell takes them, and the adapters by name. */
export const checkOptions = (given: BridgeOptions<any> = {}) => {
  demand(given && typeof given === "object", "options", "an object");
  const { source, persist = "identity" } = given;
  demand(
    source === undefined || hasMethods(source, "addListener") || hasMethods(source, "getSession", "subscribe", "getToken"),
    "source",
    "Clerk or a token source",
  );
  const level = [false, "identity", "tokens"].indexOf(persist);
  demand(level >= 0, "persist", '"identity", "tokens" or false');
  const options = { ...DEFAULTS };
  for (const field in DEFAULTS) {
    const it = (given as any)[field];
    if (it === undefined) continue;
    const type = typeof DEFAULTS[field as keyof typeof DEFAULTS];
    const fits = type === "number" ? it >= 0 && it < Infinity : it || it === false;
    demand(typeof it === type && fits, field, `a valid ${type}`);
    (options as any)[field] = it;
  }
  const { backends, name, shareTabs, leewaySeconds, fetchTimeoutMs, sourceTimeoutMs, onEvent } = options;
  const names = Object.keys(backends);
  const adapters = names.map((name) => {
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
    fetchTimeoutMs,
    settings: [name, level, shareTabs, leewaySeconds * 1000, fetchTimeoutMs, sourceTimeoutMs] as const,
  };
};
