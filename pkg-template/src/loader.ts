// Where the wasm module comes from, and its instances. Importing this has no effect and touches no browser API; a
// module that cannot be had is a rejected promise with a code, never a throw. (I1, I4)
import { BridgeError, numbered } from "./errors.js";
import { type CreateMachine, open } from "./shell/module.js";

/** @internal A running instance. */
export interface Instance {
  readonly createMachine: CreateMachine;
  /** The one way into it. The first exception that comes out is the last: it is dead then, and whoever comes, timers
   *  and listeners too, finds the door closed. (J1) */
  enter<T>(go: () => T): T | undefined;
  /** Told once, when the instance traps. */
  readonly traps: Set<(error: unknown) => void>;
}

type ModuleSource = () => Promise<WebAssembly.Module>;

/** Set before the first bridge begins: by an entry, or else by React. */
let source: ModuleSource;
let current: Promise<Instance> | undefined;

/** @internal When to ask again after a failure. */
export let retryMs = 10_000;

/** @internal The entry that the app imported says where the module comes from. */
export const provide = (from: ModuleSource, retry = 10_000): void => {
  source = from;
  retryMs = retry;
};

/** @internal Where it comes from unless an entry says so. */
export const fallBack = (from: ModuleSource): void => {
  source ??= from;
};

/** @internal Why there is no module. */
export const wasmError = (error: any): BridgeError =>
  // Only the text tells a policy from a damaged file: Chrome and Safari name the directive, Firefox says CSP.
  error instanceof BridgeError ? error : numbered(/CSP|unsafe-eval/.test(error?.message) ? 4 : 5, null, error);

const instantiate = async (): Promise<Instance> => {
  const createMachine = await open(await source());
  const traps: Instance["traps"] = new Set();
  let dead: boolean | undefined;
  return {
    createMachine,
    traps,
    enter(go) {
      if (dead) return;
      try {
        return go();
      } catch (error) {
        dead = true;
        current = undefined;
        for (const trap of traps) queueMicrotask(() => trap(error));
      }
    },
  };
};

/** @internal The instance that new shells live in. A failure is not kept: the next call tries again. */
export const instance = (): Promise<Instance> =>
  (current ??= instantiate().catch((error) => {
    current = undefined;
    throw wasmError(error);
  }));
