// Triplit: how a token reaches its client, 0.x and 1.x, over one socket. It must never let Triplit renew tokens by itself,
// nor let what one user has not sent yet go out as the next. Triplit is told apart by shape and never imported.
import { type Adapter, type Link, toBackend } from "./backend.js";
import { demand, demandTemplate, hasMethods } from "./demand.js";
import { BridgeError } from "./errors.js";
import { underLock } from "./lock.js";
import type { AttachContext, Backend } from "./types.js";

type Talk = Omit<Adapter, "kind">;

/** Of the data on this device: shared by the tabs that use it, and for the one that clears it alone. (E5) */
const LOCK = "clerk-bridge.triplit";
/** A tab that does not let go is waited for so long. */
const LET_GO_MS = 2_000;

const pause = (ms: number) => new Promise<void>((resume) => setTimeout(resume, ms));

const talkTo = (client: any, keepsSignedOut: boolean): Talk => {
  /** From 1.x on the server says when it has taken the token; before, an open socket has to do. */
  const saysReady = "onEntitySyncSuccess" in client;
  let link: Link;
  let token: string | undefined;
  let context: AttachContext | undefined;
  let settle: [accept: () => void, refuse: (error: Error) => void] | undefined;
  /** The roles changed: what the old ones could read must not show. (H23) */
  let stale = false;
  let listening: unknown[] = [];
  /** What the server sent and the client is still taking in. */
  const taking = new Set<unknown>();
  const transport = client.syncEngine?.transport;
  const onMessage = transport?.onMessage;

  let letGo = () => {};

  const use = () => {
    letGo();
    const used = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    navigator.locks?.request(LOCK, { mode: "shared" }, () => used).catch(() => {});
  };

  /** Once the other tabs have let go of what is cleared. */
  const alone = async (clear: () => Promise<void>) => {
    const waiting = new AbortController(); // `AbortSignal.timeout` is younger than the browsers we promise
    const timer = setTimeout(() => waiting.abort(), LET_GO_MS);
    await underLock(LOCK, waiting.signal, clear).finally(() => clearTimeout(timer));
  };

  const isOpen = () => client.connectionStatus === "OPEN";

  /** Triplit 1.x takes the end of its last socket for that of the next, which then never syncs: the last one is ended
   *  before there is a next. */
  const unplug = () => {
    const socket = saysReady && transport?.ws;
    const onclose = socket?.onclose;
    if (!onclose) return;
    socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
    socket.close();
    onclose({ reason: "{}" });
  };

  const end = async () => {
    token = undefined;
    unplug();
    if (client.endSession) return client.endSession();
    client.disconnect();
    client.updateToken();
  };

  const leave = async (clears: boolean, isTheirs = () => false) => {
    context = settle = undefined;
    await end();
    if (clears) await quiet();
    letGo();
    if (!clears) return;
    if (isTheirs()) await clear(true);
    else await alone(() => clear(isTheirs()));
  };

  /** What is being taken in, or written, would come after the clearing, by this tab or another. (D3) */
  const quiet = async () => {
    if (taking.size) await Promise.race([Promise.allSettled(taking), pause(1000)]);
    await pause(0);
  };

  const clear = async (theirs: boolean) => {
    const { db } = client;
    // One client for all tabs: who came has found it cleared.
    if (theirs && !db && globalThis.SharedWorker) return;
    await quiet();
    // What is on the device is another's by now: of it only this tab's copy goes. (D4, H22)
    const kv = theirs && db?.kv?.db && db.kv;
    if (kv) kv.clear = async () => kv.cache?.clear();
    try {
      await (client.reset ?? client.clear).call(client);
    } finally {
      if (kv) delete kv.clear;
    }
    stale = false;
    // Plain subscriptions of 1.x would go on showing it.
    await db?.updateQueryViews?.();
    db?.broadcastToQuerySubscribers?.();
  };

  const begin = async (next: string) => {
    const before = token;
    token = next;
    // 1.x tells the same token from another; 0.6 begins no session within one, and 0.5 knows none.
    if (client.startSession && (saysReady || !client.token)) return client.startSession(next);
    if (next !== before) client.updateToken(next);
    if (!isOpen()) await client.connect();
  };

  const attach = async (next: string, whose: AttachContext) => {
    context = undefined;
    if (stale) await leave(true);
    else if (next !== (client.token ?? token)) await end();
    use();
    const { signal } = whose;
    await new Promise<void>((accept, refuse) => {
      settle = [accept, refuse];
      signal.onabort = () => refuse(new BridgeError("ERR_SIGNED_OUT"));
      if (signal.aborted) return refuse(new BridgeError("ERR_SIGNED_OUT"));
      begin(next).then(
        () => isOpen() && accept(),
        (error) => refuse(error.name === "TokenExpiredError" ? new BridgeError("ERR_BACKEND_REJECTED") : error),
      );
    }).finally(() => {
      settle = undefined;
    });
    context = whose;
  };

  /** Why the server ended the session. */
  const ended = (why: string) => {
    if (why === "SCHEMA_MISMATCH") {
      // The token was good all the same.
      link.report("backend.warning", "The schema of the client does not fit the server's.");
      settle?.[0]();
    } else if (["TOKEN_EXPIRED", "UNAUTHORIZED", "ROLES_MISMATCH"].includes(why)) {
      stale ||= why === "ROLES_MISMATCH";
      if (settle) settle[1](new BridgeError("ERR_BACKEND_REJECTED"));
      else context?.rejected({ retry: true });
      context = undefined;
    }
  };

  return {
    keepsSignedOut,
    open(given) {
      link = given;
      if (onMessage)
        transport.onMessage = (take: (event: unknown) => unknown) =>
          onMessage.call(transport, (event: unknown) => {
            const taken = Promise.resolve(take(event)).finally(() => taking.delete(taken));
            taking.add(taken);
          });
      listening = [
        client.onConnectionStatusChange((status: string) => {
          if (status === "CLOSED") settle?.[1](new Error("Triplit's connection closed."));
          else if (status === "OPEN" && !saysReady) settle?.[0]();
        }),
        client.onSessionError?.(ended),
        client.onSyncMessageReceived?.(({ type, payload }: any) => {
          if (type === "READY") settle?.[0]();
          else if (type === "CLOSE" && !client.onSessionError) ended(payload?.type);
        }),
      ];
    },
    attach,
    async update(next, whose) {
      context = whose;
      if (isOpen() && client.updateSessionToken)
        try {
          await client.updateSessionToken(next);
          token = next;
          return;
        } catch (error: any) {
          // With a claims path Triplit compares the wrong roles.
          stale = error.name === "SessionRolesMismatchError" && !client.claimsPath;
        }
      await attach(next, whose);
    },
    detach: (reason, isTheirs) =>
      leave(reason !== "rejected" && !(keepsSignedOut && reason === "signed-out"), isTheirs),
    close() {
      context = settle = undefined;
      letGo();
      if (onMessage) transport.onMessage = onMessage;
      // A client in a worker hands its answers over later.
      for (const stop of listening) Promise.resolve(stop).then((stop: any) => stop?.());
    },
  };
};

/**
 * Triplit: a `TriplitClient` or `WorkerClient`, 0.x or 1.x. Give it no `token` and no `refreshOptions` of its own.
 * `clearOnSignOut` (default true): what the user has on this device goes when they sign out; before another user it always
 * goes.
 *
 * @example
 * ```ts
 * const client = new TriplitClient({ serverUrl: import.meta.env.VITE_TRIPLIT_URL, schema, autoConnect: false });
 * const bridge = createBridge({ source: window.Clerk, backends: { triplit: triplit(client) } });
 * ```
 */
export function triplit(client: object, options?: { template?: string | null; clearOnSignOut?: boolean }): Backend {
  demand(
    hasMethods(client, "clear", "connect", "disconnect", "onConnectionStatusChange") &&
      (hasMethods(client, "startSession", "endSession") || hasMethods(client, "updateToken")),
    "client",
    "a Triplit client",
  );
  const template = options?.template;
  demandTemplate(template);
  return toBackend({ kind: "triplit", policy: 3, template, client, ...talkTo(client, options?.clearOnSignOut === false) });
}
