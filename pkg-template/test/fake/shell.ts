// Stands for the shell and the wasm module: records what TypeScript asks of a shell, and lets a test speak as the shell.
import type { Host } from "../../src/shell/contract.js";

export type Call = [method: string, ...args: any[]];

const METHODS = [
  "addBackend",
  "start",
  "sourceChanged",
  "getToken",
  "renew",
  "settled",
  "failed",
  "stepDone",
  "stepFailed",
  "rejected",
  "left",
  "signOut",
  "dispose",
] as const;

export interface FakeShell extends Record<(typeof METHODS)[number], (...args: any[]) => void> {
  readonly host: Host;
  readonly settings: unknown[];
  readonly calls: Call[];
  /** The arguments of each call of that method. */
  of(method: (typeof METHODS)[number]): any[][];
  /** Whoever enters the module now finds it dead. */
  trap(): void;
  /** Speak as the shell: `publish` with names for its arguments. */
  say(state: Partial<Record<keyof typeof PUBLISHED, any>>): void;
}

const PUBLISHED = {
  status: 0,
  refreshing: false,
  userId: undefined,
  sessionId: undefined,
  orgId: undefined,
  orgRole: undefined,
  rememberedUserId: undefined,
  rememberedOrgId: undefined,
  error: 0,
  errorBackend: -1,
};

/** Every shell that was made since the last `reset`. */
export const shells: FakeShell[] = [];
export const lastShell = (): FakeShell => shells[shells.length - 1]!;

/** What the shell does on a call, by method. */
export const script: Partial<Record<(typeof METHODS)[number], (shell: FakeShell, ...args: any[]) => void>> = {};

export const reset = (): void => {
  shells.length = 0;
  for (const method of METHODS) delete script[method];
};

export default function createShell(Machine: any, host: Host, ...settings: unknown[]): FakeShell {
  const calls: Call[] = [];
  const shell: any = {
    host,
    settings,
    calls,
    of: (method: string) => calls.filter(([name]) => name === method).map(([, ...args]) => args),
    trap: () => Machine.trap(),
    say: (state: object) => (host.publish as any)(...Object.values({ ...PUBLISHED, ...state })),
  };
  for (const method of METHODS) {
    shell[method] = (...args: any[]) => {
      calls.push([method, ...args]);
      script[method]?.(shell, ...args);
    };
  }
  shells.push(shell);
  return shell;
}
