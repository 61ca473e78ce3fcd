// The entry point without the inlined wasm module: the app says where the file is, by one call of `loadWasm`. Bridges
// wait for that call; it must be possible to make it again after a failure.
import { create } from "./bridge.js";
import { BridgeError } from "./errors.js";
import { provide, wasmError } from "./loader.js";
import type { Backends, Bridge, BridgeOptions } from "./types.js";

export { defineBackend } from "./backend.js";
export { BridgeError };
export type * from "./types.js";

/** What the next call of `loadWasm` loads, or why it could not, and the way to say so. */
let module: Promise<WebAssembly.Module>;
let settle: [resolve: (module: WebAssembly.Module) => void, reject: (error: unknown) => void];
let loaded: boolean | undefined;

const awaitNext = () => {
  module = new Promise((...both) => {
    settle = both;
  });
  module.catch(() => {}); // nobody may be waiting
};
awaitNext();

// A bridge that saw a failure waits at once for the next call.
provide(() => module, 0);

// Not a mere re-export: bundlers follow those, and would leave out what stands above.
/**
 * Make a bridge. Synchronous: the state is `loading` until the wasm module and the source are ready. Never throws for a
 * browser condition (blocked storage, no wasm): that is state or an event. Throws `BridgeError` (`ERR_OPTIONS`) for a
 * call that could never work. Safe to call while rendering on a server.
 *
 * @example
 * ```ts
 * import { createBridge } from "clerk-bridge/slim";
 * import { convex } from "clerk-bridge/convex";
 *
 * const bridge = createBridge({ source: window.Clerk, backends: { convex: convex(client) } });
 * bridge.subscribe(() => console.log(bridge.getSnapshot().status));
 * ```
 */
export function createBridge<B extends Backends = {}>(options?: BridgeOptions<B>): Bridge<B> {
  return create(options);
}

/** Whatever the app has at hand, as a module. */
const compile = async (source: any): Promise<WebAssembly.Module> => {
  if (source instanceof WebAssembly.Module) return source;
  if (source.byteLength === undefined) {
    const response: Response = source.ok === undefined ? await fetch(source) : source;
    source = await response.arrayBuffer(); // a page that says "not found" does not compile
  }
  return WebAssembly.compile(source);
};

/**
 * Say where the wasm module is; once, before or after bridges are made. Rejects with `ERR_WASM_LOAD` or
 * `ERR_WASM_BLOCKED`, and may be called again then; bridges wait for it.
 *
 * @example
 * ```ts
 * import { loadWasm } from "clerk-bridge/slim";
 * import url from "clerk-bridge/clerk_bridge.wasm?url"; // Vite
 *
 * await loadWasm(url);
 * ```
 */
export async function loadWasm(
  source: string | URL | Request | Response | BufferSource | WebAssembly.Module,
): Promise<void> {
  try {
    settle[0](await compile(source));
    loaded = true;
  } catch (error) {
    if (!loaded) {
      settle[1](error);
      awaitNext();
    }
    throw wasmError(error);
  }
}
