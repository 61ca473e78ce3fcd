// Where the two private modules that the sources import really are. `cargo xtask build` makes both; bundling
// and tests share this map. Nothing of it is published.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What wasm-bindgen and wasm-opt have made. */
export const wasmFolder = join(dirname(dirname(fileURLToPath(import.meta.url))), "target/wasm-bindgen");

export const privateModules = {
  /** The shell around the machine; tests put a scripted one in its place. */
  "#shell": join(dirname(fileURLToPath(import.meta.url)), "src/shell/shell.ts"),
  /** Its default export makes the glue of wasm-bindgen: the class `Machine`, `start`, and what wasm imports. */
  "#glue": join(wasmFolder, "clerk_bridge_glue.js"),
  /** The wasm as base64 text, its default export. */
  "#inlined": join(wasmFolder, "clerk_bridge_inlined.js"),
};
