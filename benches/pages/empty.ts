// The floor under any module: one without a single function.
import { ready } from "./module";

ready(WebAssembly.instantiate(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)));
