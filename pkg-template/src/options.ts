// The options of a bridge, checked once: a call that could never work must throw at once and name the field; what a
// browser forbids must never be judged here.
import { adapterOf } from "./backend.js";
import { demand, hasMethods } from "./demand.js";
import type { Backends, BridgeEvent, BridgeOptions } from "./types.js";

/** What is left out is so, and what is given must be of the same type. */
const DEFAULTS = {
  backends: {},
  name: "clerk-bridge",
  shareTabs: true,
  leewaySeconds: 10,
  fetchTimeoutMs: 10_000,
  sourceTimeoutMs: 15_000,
  onEvent(_: BridgeEvent) {},
};

/** @internal The options as the bridge and its shell take them. */
export interface Options extends Omit<Required<BridgeOptions<Backends>>, "source" | "persist"> {
  readonly source: BridgeOptions["source"];
  /** 0 nothing, 1 identity, 2 tokens. */
  readonly persist: number;
}

/** @internal */
export const checkOptions = (given: BridgeOptions<any> = {}): Options => {
  demand(given && typeof given === "object", "options", "an object");
  const { source, persist = "identity" } = given;
  demand(
    source === undefined || hasMethods(source, "addListener") || hasMethods(source, "getSession", "subscribe", "getToken"),
    "source",
    "Clerk or a token source",
  );
  const level = [false, "identity", "tokens"].indexOf(persist);
  demand(level >= 0, "persist", '"identity", "tokens" or false');
  const options: any = { source, persist: level };
  for (const [field, standard] of Object.entries(DEFAULTS)) {
    const { [field]: it = standard }: any = given;
    const type = typeof standard;
    const fits = type === "number" ? it >= 0 && it < Infinity : it || it === false;
    demand(typeof it === type && fits, field, `a valid ${type}`);
    // A browser's timers know no more. (C4)
    options[field] = type === "number" ? Math.min(it, 2 ** 31 - 1) : it;
  }
  for (const [name, backend] of Object.entries(options.backends))
    demand(adapterOf(backend), "backends." + name, "made by an adapter");
  return options;
};
