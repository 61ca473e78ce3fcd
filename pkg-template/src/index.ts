// The entry point that most apps import: everything, with the wasm module inside.
import { create } from "./bridge.js";
import { inlined } from "./inlined.js";
import { provide } from "./loader.js";
import type { Backends, Bridge, BridgeOptions } from "./types.js";

provide(inlined);

export { defineBackend } from "./backend.js";
export { BridgeError } from "./errors.js";
export type * from "./types.js";

// Not a mere re-export: bundlers follow those, and would leave out what stands above.
/**
 * Make a bridge. Synchronous: the state is `loading` until the wasm module and the source are ready. Never throws for a
 * browser condition (blocked storage, no wasm): that is state or an event. Throws `BridgeError` (`ERR_OPTIONS`) for a
 * call that could never work. Safe to call while rendering on a server.
 *
 * @example
 * ```ts
 * import { createBridge } from "clerk-bridge";
 * import { convex } from "clerk-bridge/convex";
 *
 * const bridge = createBridge({ source: window.Clerk, backends: { convex: convex(client) } });
 * bridge.subscribe(() => console.log(bridge.getSnapshot().status));
 * ```
 */
export function createBridge<B extends Backends = {}>(options?: BridgeOptions<B>): Bridge<B> {
  return create(options);
}
