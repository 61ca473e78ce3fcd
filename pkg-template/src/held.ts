// Tokens that can be handed out at once, without asking the shell: the fast path of `getToken`. It must never hand out
// one whose time is over, whichever of the two clocks says so. (B6, C3)

const readClocks = () => [Date.now(), performance.now()] as const;

/** @internal By template. */
export const createHeld = () => {
  const held = new Map<string | null, { token: Promise<string>; wall: number; mono: number }>();
  /** What the clocks say in this task: reading them costs more than all the rest. */
  let now: ReturnType<typeof readClocks> | undefined;
  let tick: ReturnType<typeof setTimeout> | undefined;
  const forget = () => {
    now = undefined;
  };
  return {
    get(template: string | null): Promise<string> | undefined {
      const it = held.get(template);
      if (!it) return;
      if (!now) {
        now = readClocks();
        tick = setTimeout(forget);
      }
      if (now[0] < it.wall && now[1] < it.mono) return it.token;
    },
    set(template: string | null, token: string | null, goodForMs: number): void {
      held.delete(template);
      const [wall, mono] = readClocks();
      if (token) held.set(template, { token: Promise.resolve(token), wall: wall + goodForMs, mono: mono + goodForMs });
    },
    clear(): void {
      held.clear();
      clearTimeout(tick);
      forget();
    },
  };
};
