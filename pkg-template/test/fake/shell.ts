// Stands for the shell and the wasm module: records what TypeScript asks of a shell, and lets a test speak as the shell.
// Strings go as they are, not by number.
import type { Instance } from "../../src/loader.js";
import type { Options } from "../../src/options.js";
import type { Host, Shell } from "../../src/shell/contract.js";
import { EFFECT, EVENT } from "../../src/shell/numbers.js";

const METHODS = ["start", "look", "dispose"] as const;
const TOLD = ["backend", "askGood", "askFresh", "askInstead", "stepDone", "stepFailed", "rejected", "left", "signOut"] as const;

/** A method that is called, or an event that is told. */
type Name = (typeof METHODS)[number] | (typeof TOLD)[number];

export interface FakeShell {
  readonly host: Host;
  /** Has the bridge carry out an effect. */
  effect(kind: keyof typeof EFFECT, ...args: any[]): any;
  readonly names: string[];
  readonly options: Options;
  /** How the last promise of the source failed. */
  blame: unknown;
  /** The arguments of each call of that method, or of each such event. */
  of(name: Name): any[][];
  /** Whoever enters the module now finds it dead. */
  trap(): void;
  /** Speak as the shell: `publish` with names for its arguments. */
  say(state: Published): void;
}

interface Published {
  status?: number;
  refreshing?: boolean;
  userId?: string | null;
  sessionId?: string;
  orgId?: string;
  orgRole?: string;
  rememberedUserId?: string;
  rememberedOrgId?: string;
  error?: number;
  errorBackend?: number;
}

/** Every shell that was made since the last `reset`. */
export const shells: FakeShell[] = [];
export const lastShell = (): FakeShell => shells[shells.length - 1]!;

/** What the shell does when that is called or told. */
export const script: Partial<Record<Name, (shell: FakeShell, ...args: any[]) => void>> = {};

export const reset = (): void => {
  shells.length = 0;
  for (const name of [...METHODS, ...TOLD]) delete script[name];
};

export default function createShell(
  { createMachine, enter }: Instance,
  hostOf: (own: Shell) => Host,
  names: string[],
  options: Options,
): FakeShell {
  const calls: [name: string, args: unknown[]][] = [];
  const note = (name: Name, args: unknown[]) => {
    calls.push([name, args]);
    script[name]?.(shell, ...args);
  };
  const shell: any = {
    names,
    options,
    effect: (kind: keyof typeof EFFECT, ...args: unknown[]) => shell.host[EFFECT[kind]](...args),
    of: (name: string) => calls.filter(([one]) => one === name).map(([, args]) => args),
    trap: () => enter(() => (createMachine as any)({})),
    say: ({ status = 0, refreshing, error = 0, errorBackend = -1, ...who }: Published) => {
      shell.effect("session", who.userId, who.sessionId, who.orgId, who.orgRole);
      shell.effect("publish", status, +!!refreshing, error, errorBackend + 1, who.rememberedUserId, who.rememberedOrgId);
    },
    tell: (event: number, ...args: unknown[]) => note(EVENT[event] as Name, args),
    text: (text: unknown) => text ?? null,
    cause: () => shell.blame,
    owns: () => false,
  };
  for (const method of METHODS) shell[method] = (...args: unknown[]) => note(method, args);
  shell.host = hostOf(shell);
  shells.push(shell);
  return shell;
}
