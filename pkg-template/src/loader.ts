// Where the wasm module comes from, and its instances. Importing this has no effect and touches no browser API; a
// module that cannot be had is a rejected promise with a code, never a throw. (I1, I4)
import makeGlue from "#glue";
import createShell from "#shell";
import { BridgeError } from "./errors.js";
import type { Shell, ShellSettings } from "./shell/contract.js";

/** @internal A running instance. After a trap it is never entered again. (J1) */
export interface Instance {
  /** A shell around a machine that lives in it. */
  open(...settings: ShellSettings): Shell;
  /** Told once, when the instance traps. */
  readonly traps: Set<(error: unknown) => void>;
}

type ModuleSource = () => Promise<WebAssembly.Module>;

/** Unless the app imported an entry that says otherwise. */
let source: ModuleSource = () => import("./inlined.js").then(({ inlined }) => inlined());
let current: Promise<Instance> | undefined;

/** @internal When to ask again after a failure. */
export let retryMs = 10_000;

/** @internal The entry that the app imported says where the module comes from. */
export const provide = (from: ModuleSource, retry = 10_000): void => {
  source = from;
  retryMs = retry;
};

/** @internal Why there is no module. */
export const wasmError = (error: any): BridgeError =>
  error instanceof BridgeError
    ? error
    : new BridgeError(
        // Only the text tells a policy from a damaged file: Chrome and Safari name the directive, Firefox says CSP.
        /CSP|unsafe-eval/.test(error?.message) ? "ERR_WASM_BLOCKED" : "ERR_WASM_LOAD",
        null,
        null,
        error,
      );

/** Every way into the instance. The first exception that comes out of it is the last: it is dead then, and its timers
 *  and listeners find closed doors. */
const guarded = (exports: Record<string, any>, trapped: (error: unknown) => void) => {
  let dead: boolean | undefined;
  const guard =
    (enter: (...args: any[]) => unknown) =>
    (...args: any[]) => {
      if (dead) return;
      try {
        return enter(...args);
      } catch (error) {
        dead = true;
        trapped(error);
      }
    };
  return Object.fromEntries(
    Object.entries(exports).map(([name, it]) => [name, typeof it === "function" ? guard(it) : it]),
  );
};

const instantiate = async (): Promise<Instance> => {
  const glue = makeGlue();
  const { exports } = await WebAssembly.instantiate(await source(), { "./clerk_bridge_bg.js": glue });
  const traps: Instance["traps"] = new Set();
  const doors: any = guarded(exports, (error) => {
    current = undefined;
    for (const trap of traps) queueMicrotask(() => trap(error));
  });
  glue.__wbg_set_wasm(doors);
  doors.__wbindgen_start();
  return { open: (...settings) => createShell(glue.Machine, ...settings), traps };
};

/** @internal The instance that new shells live in. A failure is not kept: the next call tries again. */
export const instance = (): Promise<Instance> =>
  (current ??= instantiate().catch((error) => {
    current = undefined;
    throw wasmError(error);
  }));
