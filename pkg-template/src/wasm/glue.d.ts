// The private boundary between TypeScript and the wasm module. `#glue` is the glue that wasm-bindgen writes, wrapped in
// a function: each call gives glue of its own, so that a fresh instance shares nothing with one that has trapped.
// None of this is published.

declare module "#inlined" {
  /** The wasm module as base64 text. */
  const text: string;
  export default text;
}

declare module "#shell" {
  /** The shell of `src/shell`; tests put a scripted one in its place. */
  export { default } from "../shell/shell.js";
}

declare module "#glue" {
  /** One machine inside the wasm module: numbers in, numbers out (`src/shell/numbers.ts`). */
  export interface Machine {
    event(kind: number, ...numbers: number[]): void;
    token(restored: boolean, id: number, token: number, text: string, userId: string, sessionId: string): void;
    free(): void;
  }

  /** Takes note of what the machine wants. */
  export interface MachineHost {
    effect(kind: number, ...args: number[]): void;
    wait(kind: number, a: number, b: number, ms: number): void;
    log(name: string, backend: number, template: number, reason: string, ms: number): void;
  }

  export interface Glue {
    Machine: new (
      host: MachineHost,
      /** 0 nothing, 1 identity, 2 tokens. */
      persist: number,
      leewayMs: number,
      fetchTimeoutMs: number,
      sourceTimeoutMs: number,
      /** Any number below 2^53. */
      seed: number,
    ) => Machine;
    start(exports: object): void;
    [imported: string]: any;
  }

  export default function makeGlue(): Glue;
}
