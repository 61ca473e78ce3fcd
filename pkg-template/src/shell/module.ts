// The inside of the wasm module (`src/browser/exports.rs`): only numbers cross, but for the texts of the event log.
// Whose machine is called is remembered while it is, which is all the time that it calls back.

/** @internal One machine: numbers in, numbers out (`numbers.ts`). */
export interface Machine {
  event(kind: number, ...numbers: number[]): void;
  /** From 0 a fetch, 1 storage, 2 another tab; the fetch's or the template's number; the token; its claims; and of
   *  another tab's, session, organization and what was said of it. */
  token(from: number, id: number, token: number, ...numbers: number[]): void;
  free(): void;
}

/** @internal Takes note of what the machine wants. */
export interface MachineHost {
  effect(kind: number, ...args: number[]): void;
  wait(kind: number, a: number, b: number, ms: number): void;
  log(name: string, backend: number, template: number, reason: string, ms: number): void;
}

/** @internal */
export type CreateMachine = (
  host: MachineHost,
  /** 0 nothing, 1 identity, 2 tokens. */
  persist: number,
  leewayMs: number,
  fetchTimeoutMs: number,
  sourceTimeoutMs: number,
  /** Any number below 2^53. */
  seed: number,
) => Machine;

/** @internal An instance of its own, which shares nothing with one that has trapped. */
export const open = async (module: WebAssembly.Module): Promise<CreateMachine> => {
  let current: MachineHost | undefined;
  const text = (at: number, length: number) => new TextDecoder().decode(new Uint8Array(exports.memory.buffer, at, length));
  const { exports }: any = await WebAssembly.instantiate(module, {
    host: {
      effect: (...effect: [number]) => current!.effect(...effect),
      wait: (...wait: Parameters<MachineHost["wait"]>) => current!.wait(...wait),
      log: (name: number, length: number, backend: number, template: number, reason: number, end: number, ms: number) =>
        current!.log(text(name, length), backend, template, text(reason, end), ms),
      wall: () => Date.now(),
      mono: () => performance.now(),
    },
  });
  return (host, ...settings) => {
    const machine = exports.create(...settings);
    return {
      event(...event) {
        current = host;
        exports.event(machine, ...event);
      },
      token(...token) {
        current = host;
        exports.token(machine, ...token);
      },
      free() {
        exports.free(machine);
        current = undefined; // what it held goes, too (J3)
      },
    };
  };
};
