// The entry point that most apps import: everything, with the wasm module inside.
import { create } from "./bridge.js";
import { inlined } from "./inlined.js";
import { provide } from "./loader.js";

provide(inlined);

export { defineBackend } from "./backend.js";
export { BridgeError } from "./errors.js";
export type * from "./types.js";

// Its own binding, so that a bundler that follows re-exports cannot leave out what stands above.
/** {@inheritDoc create} */
export const createBridge = create;
