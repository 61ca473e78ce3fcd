// Real clients of Instant in the tabs of one browser, over a server in memory, with the adapter that is under test.
import { init } from "@instantdb/core";
import { afterEach, vi } from "vitest";
import { adapterOf } from "../../src/backend.js";
import { instant } from "../../src/instant.js";
import type { AttachContext } from "../../src/types.js";

const closing: Array<() => unknown> = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
  vi.unstubAllGlobals();
});

const segment = (claims: object) => btoa(JSON.stringify(claims)).replace(/=/g, "");
export const jwt = (sub: string, claims: object = { email: sub + "@example.com", email_verified: true }) =>
  `x.${segment({ sub, jti: Math.random(), ...claims })}.x`;

export const contextFor = (userId: string, owned = false) => {
  const control = new AbortController();
  const rejected = vi.fn();
  const context: AttachContext = { userId, sessionId: "s_" + userId, orgId: null, signal: control.signal, owned, rejected };
  return { context, rejected, end: () => control.abort() };
};

/** Answers of the server to the next exchanges, before those of its own. */
type Answer = [status: number, body: object] | "offline";

export const createInstantServer = () => {
  /** Living refresh tokens, and whose they are. */
  const alive = new Map<string, string>();
  const calls: string[] = [];
  const answers: Answer[] = [];
  let serial = 0;
  let gate: Promise<void> | undefined;
  let offline = false;

  const exchange = (body: any): Answer => {
    const answer = answers.shift();
    if (answer) return answer;
    const sent = body.refresh_token;
    if (sent && !alive.has(sent)) return [400, { type: "record-not-found", hint: { "record-type": "app-user" } }];
    const { sub } = JSON.parse(atob(body.id_token.split(".")[1]));
    const guest = alive.get(sent)?.startsWith("guest");
    const refresh_token = guest || alive.get(sent) === sub ? sent : `refresh_${sub}_${++serial}`;
    alive.set(refresh_token, sub);
    return [200, { user: { id: "instant_" + sub, type: "user", refresh_token }, created: false }];
  };

  const answer = async (url: string, init: RequestInit): Promise<Response> => {
    const body = JSON.parse(init.body as string);
    const name = new URL(url).pathname.split("/").at(-1)!;
    calls.push(name === "signout" ? "signout " + alive.get(body.refresh_token) : name);
    let result: Answer = offline ? "offline" : [200, {}];
    if (!offline && name === "signout") alive.delete(body.refresh_token);
    if (!offline && name === "id_token") result = exchange(body);
    if (name === "id_token") await gate;
    if (result === "offline") throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify(result[1]), { status: result[0] });
  };

  vi.stubGlobal("fetch", answer);
  return {
    calls,
    alive,
    answers,
    /** Exchanges are answered only after what this returns was called. */
    hold() {
      let release!: () => void;
      gate = new Promise((resolve) => (release = resolve));
      return release;
    },
    setOffline: (now: boolean) => (offline = now),
  };
};

/** One browser: what its tabs share. */
export const createBrowser = () => {
  const server = createInstantServer();
  const appId = crypto.randomUUID();
  const files = new Map<string, Map<string, unknown>>();
  const queues = new Map<string, Promise<unknown>>();
  let tabs = 0;

  class Store {
    readonly rows: Map<string, unknown>;
    constructor(id: string, name: string) {
      this.rows = files.get(id + name) ?? new Map();
      files.set(id + name, this.rows);
    }
    getItem = async (key: string) => structuredClone(this.rows.get(key));
    removeItem = async (key: string) => void this.rows.delete(key);
    multiSet = async (pairs: [string, unknown][]) => {
      for (const [key, value] of pairs) this.rows.set(key, structuredClone(value));
    };
    getAllKeys = async () => [...this.rows.keys()];
  }

  vi.stubGlobal("WebSocket", class extends EventTarget {
    close() {}
    send() {}
  });
  vi.stubGlobal("navigator", {
    onLine: true,
    locks: {
      request(name: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>) {
        const turn = (queues.get(name) ?? Promise.resolve()).then(() => {
          signal.throwIfAborted();
          return work();
        });
        queues.set(name, turn.catch(() => {}));
        return turn;
      },
    },
  });

  const openTab = (options: object = {}) => {
    const config = { appId, apiURI: "https://instant.test", __extraDedupeKey: ++tabs, devtool: false } as any;
    // Offline, so that it opens no socket: what is told of here goes by HTTP.
    const db: any = (init as any)(config, Store, { getIsOnline: async () => false, listen: () => () => {} });
    const adapter = adapterOf(instant(db, { clientName: "clerk", ...options }))!;
    const reported: unknown[][] = [];
    adapter.open!({ report: (...what: unknown[]) => void reported.push(what) } as any);
    const shut = () => {
      adapter.close!();
      db._reactor._broadcastChannel?.close();
    };
    closing.push(shut);
    return { db, adapter, reported, shut, who: async () => (await db.getAuth())?.id ?? null };
  };
  return { server, openTab };
};
