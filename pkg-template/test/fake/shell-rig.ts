// What the tests of the shell stand on: a shell around a scripted machine, and a source that the test commands.
import { afterEach, beforeEach, vi } from "vitest";
import { rig as make } from "./machine.js";

const shells: ReturnType<typeof make>["shell"][] = [];

/** A shell that is disposed after the test. */
export const rig = (options?: Parameters<typeof make>[0]) => {
  const made = make(options);
  shells.push(made.shell);
  return made;
};

/** A token source that the test commands. */
export const sourceOf = (session: unknown = null) => {
  const listeners = new Set<() => void>();
  const source: any = {
    session,
    getSession: () => source.session,
    subscribe: vi.fn((listener: () => void) => (listeners.add(listener), () => listeners.delete(listener))),
    getToken: vi.fn(async (): Promise<unknown> => "token"),
    signOut: vi.fn(async () => {}),
    set(next: unknown) {
      source.session = next;
      for (const listener of listeners) listener();
    },
    listeners,
  };
  return source;
};
export const alice = { userId: "alice", sessionId: "s_1", orgId: "org", orgRole: "admin" };
export const bob = { userId: "bob", sessionId: "s_2" };

export const started = (session?: unknown, options?: Parameters<typeof make>[0]) => {
  const r = rig(options);
  const source = sourceOf(session);
  r.shell.start(source);
  return { ...r, source };
};
export const settle = async () => {
  for (let i = 0; i < 10; i++) await null;
};

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(() => {
  for (const shell of shells.splice(0)) shell.dispose();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});
