// Compiles the optimised wasm, which is the proof that an engine accepts it, and makes the JavaScript module that carries
// it as base64 text. The wasm in, the module out.
import { readFileSync, writeFileSync } from "node:fs";

const [wasm, module] = process.argv.slice(1);
const bytes = readFileSync(wasm);
new WebAssembly.Module(bytes);
writeFileSync(module, `export default "${bytes.toString("base64")}";\n`);
