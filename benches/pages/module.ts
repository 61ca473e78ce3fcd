// What the pages share that measure the wasm module alone.
import { began } from "./began";

let running: number;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...module: [any]) => {
  const instance = await instantiate(...module);
  running = performance.now() - began;
  return instance;
};

/** Milliseconds since the script began: when the module ran, and when its first answer was there. */
export const ready = (answer: Promise<unknown>) =>
  answer.then(() => Object.assign(window, { ready: { running, answered: performance.now() - began } }));
