// Where the private modules that the sources import really are. Bundling and tests share this map. Nothing of it is
// published.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** What `cargo xtask build` has made of the Rust sources. */
export const wasmFolder = join(dirname(here), "target/wasm");

export const privateModules = {
  /** The shell around the machine; tests put a scripted one in its place. */
  "#shell": join(here, "src/shell/shell.ts"),
  /** The wasm as base64 text, its default export. */
  "#inlined": join(wasmFolder, "clerk_bridge_inlined.js"),
};
