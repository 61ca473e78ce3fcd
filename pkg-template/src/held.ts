// Tokens that can be handed out at once, without asking the shell: the fast path of `getToken`. It must never hand out
// one whose time is over, whichever of the two clocks says so. (B6, C3)

interface Held {
  readonly token: Promise<string>;
  readonly wall: number;
  readonly mono: number;
  /** The clocks were read in this task: reading them costs more than all the rest. */
  good?: boolean;
}

/** @internal By template. */
export const createHeld = () => {
  const held = new Map<string | null, Held>();
  let tick: ReturnType<typeof setTimeout> | undefined;
  return {
    get(template: string | null): Promise<string> | undefined {
      const it = held.get(template);
      if (it && !it.good) {
        tick ??= setTimeout(() => {
          tick = undefined;
          for (const [, it] of held) it.good = false;
        });
        it.good = Date.now() < it.wall && performance.now() < it.mono;
      }
      return it?.good ? it.token : undefined;
    },
    set(template: string | null, token: string | null, goodForMs: number): void {
      held.delete(template);
      if (token)
        held.set(template, {
          token: Promise.resolve(token),
          wall: Date.now() + goodForMs,
          mono: performance.now() + goodForMs,
        });
    },
    clear(): void {
      held.clear();
      clearTimeout(tick);
      tick = undefined;
    },
  };
};
