// The private modules, which `private-modules.mjs` maps. None of this is published.

declare module "#inlined" {
  /** The wasm module as base64 text. */
  const text: string;
  export default text;
}

declare module "#shell" {
  /** The shell of `src/shell`; tests put a scripted one in its place. */
  export { default } from "../shell/shell.js";
}
