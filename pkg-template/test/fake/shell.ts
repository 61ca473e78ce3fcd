// Stands for the shell and the wasm module: records what TypeScript asks of a shell, and lets a test speak as the shell.
import type { Instance } from "../../src/loader.js";
import type { Host } from "../../src/shell/contract.js";
import { EVENT } from "../../src/shell/numbers.js";

const METHODS = ["addBackend", "start", "sourceChanged", "getToken", "renew", "dispose"] as const;
const TOLD = ["stepDone", "stepFailed", "rejected", "left", "signOut"] as const;

/** A method that is called, or an event that is told. */
type Name = (typeof METHODS)[number] | (typeof TOLD)[number];

export interface FakeShell {
  readonly host: Host;
  readonly settings: unknown[];
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
  cause?: unknown;
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

export default function createShell({ createMachine, enter }: Instance, host: Host, ...settings: unknown[]): FakeShell {
  const calls: [name: string, args: unknown[]][] = [];
  const note = (name: Name, args: unknown[]) => {
    calls.push([name, args]);
    script[name]?.(shell, ...args);
  };
  const shell: any = {
    host,
    settings,
    of: (name: string) => calls.filter(([one]) => one === name).map(([, args]) => args),
    trap: () => enter(() => (createMachine as any)({})),
    say: ({ status = 0, refreshing, error = 0, errorBackend = -1, cause, ...who }: Published) => {
      const { userId = null, sessionId = null, orgId = null, orgRole = null } = who;
      const { rememberedUserId = null, rememberedOrgId = null } = who;
      const session: Parameters<Host["publish"]>[4] = [userId, sessionId, orgId, orgRole];
      host.publish(status, +!!refreshing, error, errorBackend + 1, session, [rememberedUserId, rememberedOrgId], cause);
    },
    tell: (event: number, ...args: unknown[]) => note(EVENT[event] as Name, args),
  };
  for (const method of METHODS) shell[method] = (...args: unknown[]) => note(method, args);
  shells.push(shell);
  return shell;
}
