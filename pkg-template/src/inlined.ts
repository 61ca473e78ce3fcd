// The wasm module inside JavaScript: works in every bundler, in Node and under Vitest, at the price of base64.
// It must be decoded and compiled only when a bridge begins.
import text from "#inlined";

/** @internal A plain loop: three times faster than `Uint8Array.from` with a callback. */
export const inlined = (): Promise<WebAssembly.Module> => {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return WebAssembly.compile(bytes);
};
