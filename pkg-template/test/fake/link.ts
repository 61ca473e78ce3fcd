// Stands for the bridge that an adapter is opened by: hands out the token it holds, and another when that was refused.
import { vi } from "vitest";
import { adapterOf, type Link } from "../../src/backend.js";
import { BridgeError } from "../../src/errors.js";
import type { Backend } from "../../src/types.js";

export const createLink = (backend: Backend) => {
  const adapter = adapterOf(backend)!;
  let token: string | null = null;
  let user = "";
  let disposed = false;
  const rejected = vi.fn();
  const reports: string[] = [];
  const getToken = vi.fn(async (_?: object): Promise<string | null> => {
    if (disposed) throw new BridgeError("ERR_DISPOSED");
    return token;
  });
  /** The refused token's number, plus ten. */
  const renew = vi.fn(async (refused: string): Promise<string | null> => {
    const [name, number] = refused.split(":");
    return (token = `${name}:${+number! + 10}`);
  });
  const link: Link = { getToken, renew, fetchTimeoutMs: 8000, report: (type) => void reports.push(type) };
  adapter.open!(link);
  adapter.hold!(false);
  const context = () => ({ userId: user, signal: new AbortController().signal, rejected }) as any;
  return {
    adapter,
    getToken,
    renew,
    rejected,
    reports,
    attach: (next: string) => {
      token = next;
      user = next.split(":")[0]!;
      return adapter.attach(next, context());
    },
    update: (next: string) => {
      token = next;
      return (adapter.update ?? adapter.attach)(next, context());
    },
    /** What the user waits for fails, their backend is detached, and nobody is signed in. */
    signOut: () => {
      token = null;
      adapter.hold!(true);
      adapter.detach("signed-out");
      adapter.nobody!();
    },
    /** The user leaves, and another comes. */
    switchTo: (next: string) => {
      token = null;
      adapter.hold!(true);
      adapter.detach("user-switched");
      token = next;
      user = next.split(":")[0]!;
      return adapter.attach(next, context());
    },
    dispose: () => {
      disposed = true;
      adapter.close!();
    },
  };
};
