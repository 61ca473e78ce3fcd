// The inside of the wasm module (`src/browser/exports.rs`): numbers cross, and texts through one buffer for each machine.
// Whose machine is called is remembered while it is, which is all the time that it calls back.

/** @internal One machine: numbers in, numbers out (`numbers.ts`). */
export interface Machine {
  event(kind: number, ...numbers: number[]): void;
  token(restored: boolean, id: number, token: number, ...texts: [text: string, userId: string, sessionId: string]): void;
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
  let current: MachineHost;
  const bytes = (at?: number, length?: number) => new Uint8Array(exports.memory.buffer, at, length);
  const text = (at: number, length: number) => new TextDecoder().decode(bytes(at, length));
  const { exports }: any = await WebAssembly.instantiate(module, {
    host: {
      effect: (...effect: [number]) => current.effect(...effect),
      wait: (...wait: Parameters<MachineHost["wait"]>) => current.wait(...wait),
      log: (name: number, length: number, backend: number, template: number, reason: number, end: number, ms: number) =>
        current.log(text(name, length), backend, template, text(reason, end), ms),
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
      token(restored, id, token, ...texts) {
        const parts = texts.map((text) => new TextEncoder().encode(text));
        const [length, userLength] = parts.map((part) => part.length);
        const all = parts.flatMap((part) => [...part]);
        const at = exports.room(machine, all.length); // may move the memory
        bytes().set(all, at);
        current = host;
        exports.token(machine, restored, id, token, length, userLength);
      },
      free: () => exports.free(machine),
    };
  };
};
