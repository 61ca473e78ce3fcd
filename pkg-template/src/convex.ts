// Convex: how a token reaches its four clients. The two that hold a socket must never be left waiting for a token, nor
// be handed one of a session that is over; convex is told apart by shape and never imported.
import { type Adapter, type Link, toBackend } from "./backend.js";
import { demand, demandTemplate, hasMethods } from "./demand.js";
import { BridgeError } from "./errors.js";
import type { AttachContext, Backend } from "./types.js";

type Talk = Omit<Adapter, "kind">;

const signedOut = () => new BridgeError("ERR_SIGNED_OUT");

/** ConvexReactClient, ConvexClient, BaseConvexClient: Convex asks for tokens by a fetcher, over one socket. */
const overSocket = (client: any): Talk => {
  /** Counts the fetchers that Convex was given; an older one answers null. (H2) */
  let generation = 0;
  /** What the fetcher answers: undefined is not known yet, null nobody. */
  let token: string | null | undefined;
  /** Convex waits for a token. */
  let answer: ((token: string | null) => void) | undefined;
  /** The server refused the token. Convex closes the socket, and then asks for another. */
  let refused: boolean | undefined;
  /** A token came while the socket was closing. */
  let came: boolean | undefined;
  let userId: string | undefined;
  /** The bridge is gone: nobody answers Convex any more. */
  let closed: boolean | undefined;
  let context: AttachContext | undefined;
  let settle: [accept: () => void, refuse: (error: BridgeError) => void] | undefined;
  let letGo = () => {};
  /** Convex is still taking in what it was told; a fetcher given to it meanwhile could get lost. */
  let rest: Promise<void> | undefined;

  /** The React client opens its socket when this is first read. */
  const base = () => client.sync ?? client.client ?? client;

  const tire = () => {
    const own = (rest = (async () => {
      for (let i = 0; i < 20; i++) await null;
    })());
    own.then(() => {
      if (rest === own) rest = undefined;
    });
  };

  const lost = () => {
    const error = new BridgeError("ERR_BACKEND_REJECTED");
    if (settle) settle[1](error);
    else context?.rejected({ retry: true });
    settle = undefined;
  };

  /** A new fetcher. `first` is what it answers before the server has seen a token. */
  const arm = (next: string | null | undefined, first = next) => {
    const own = ++generation;
    const old = answer;
    token = next;
    answer = undefined;
    refused = came = false;
    const { webSocketManager } = base();
    const unsaid = webSocketManager?.socket?.paused === "uninitialized";
    base().setAuth(
      ({ forceRefreshToken }: { forceRefreshToken: boolean }) => {
        tire();
        if (own !== generation || (closed && refused)) return Promise.resolve(null);
        // After a confirmation Convex asks for a fresh token at once: the same one spares a second Authenticate. (H1)
        if (token !== undefined && !refused) return Promise.resolve(forceRefreshToken ? token : first);
        return new Promise((resolve) => {
          answer = resolve;
          if (came) revive(token!);
          else if (refused) lost();
        });
      },
      (accepted: boolean) => {
        if (own !== generation) return;
        tire();
        if (accepted) {
          settle?.[0]();
          settle = undefined;
        } else if (token) lost();
      },
      (refreshing: boolean) => {
        if (refreshing && own === generation) refused = true;
      },
    );
    // A socket that opened while paused has yet to say Connect; pausing it again makes Convex forget that.
    if (unsaid) webSocketManager.socket.paused = "uninitialized";
    // Outdated by now, so Convex does not look at it.
    old?.(null);
  };

  /** Answers the fetcher that waits, if one does. */
  const tell = (next: string | null) => {
    const held = answer;
    if (!held) return false;
    answer = undefined;
    held((token = next));
    tire();
    return true;
  };

  /** After a refusal the socket is stopped. What starts it again is a fetcher that first has nothing; since nothing is
   *  also what Convex then holds, even the token that was refused counts as new. (H5) */
  const revive = (next: string) => {
    base().clearAuth();
    arm(next, null);
  };

  /** Fails what the leaver still had under way, so that it neither runs as the next user nor is sent again after a
   *  reconnect; optimistic updates roll back. An action that was sent is never sent again, and stays. (H6) */
  const drop = () => {
    const { requestManager, webSocketManager } = base();
    const requests = requestManager?.inflightRequests;
    for (const [requestId, { message, status }] of [...(requests ?? [])]) {
      if (status.status === "NotSent" || (status.status === "Requested" && message.type === "Mutation"))
        webSocketManager.onMessage({
          type: message.type + "Response",
          requestId,
          success: false,
          result: "The user left.",
          logLines: [],
        });
    }
    if (requests) userId = undefined;
  };

  const part = async () => {
    if (rest) await rest;
    const it = base();
    letGo();
    context = settle = userId = undefined;
    drop();
    const unheard = it.hasAuth() && it.state?.paused !== false;
    // The first tells the server; the second takes Convex's timer away. (H3)
    it.clearAuth();
    arm(null);
    const own = generation;
    await rest;
    // A paused socket did not say it, and has resumed by now.
    if (unheard && own === generation) it.clearAuth();
  };

  const attach = async (next: string, whose: AttachContext) => {
    if (rest) await rest;
    if (userId && userId !== whose.userId) {
      drop();
      // Without Convex's internals nothing could be dropped: the leaver's calls run as nobody's then.
      if (userId) await part();
    }
    if (whose.signal.aborted) throw signedOut();
    letGo();
    userId = whose.userId;
    context = whose;
    await new Promise<void>((accept, refuse) => {
      settle = [accept, refuse];
      whose.signal.onabort = () => refuse(signedOut());
      if (refused) {
        if (answer) revive(next);
        else {
          // Still closing: the fetcher finds it.
          came = true;
          token = next;
        }
      } else if (!tell(next)) arm(next);
    });
  };

  const pause = () => {
    if (answer || refused) return;
    const { webSocketManager: socket, state } = base();
    // The fetcher that does not answer yet pauses the socket.
    arm(undefined);
    // Convex forgets the pause when the socket drops: the next one is paused before it opens. (H6)
    const connect = socket?.connect;
    if (!connect || !socket.pause || !state?.pause) return;
    socket.connect = () => {
      connect.call(socket);
      socket.pause();
      state.pause();
    };
    letGo = () => delete socket.connect;
  };

  return {
    open() {
      closed = false;
    },
    hold(somebodyLeft) {
      // What was asked up to now is theirs, in a pause for want of a token too; what comes is the newcomer's. (H6)
      if (somebodyLeft) drop();
      // The first time at once: nothing may slip out before.
      return rest ? rest.then(pause) : pause();
    },
    async nobody() {
      if (rest) await rest;
      if (base().hasAuth()) return part();
      letGo();
      if (!tell(null) && token !== null) arm(null);
      await rest;
    },
    attach,
    detach: part,
    close() {
      closed = true;
      context = settle = undefined;
      refused = false;
      token ??= null;
      tell(token);
      letGo();
    },
  };
};

/** ConvexHttpClient: a token is set, and each call carries it. */
const overHttp = (client: any): Talk => {
  let link: Link;
  let own: typeof fetch | undefined;
  let token: string | null = null;
  let userId: string | undefined;
  let epoch = 0;
  let gate: Promise<void> | undefined;
  let release = () => {};

  /** What the leaver asked for and has not been sent is not sent any more. (H6) */
  const drop = () => {
    epoch++;
    userId = undefined;
    for (const { reject } of client.mutationQueue?.splice(0) ?? []) reject(signedOut());
    release();
  };

  const become = (next: string | null, nextUserId?: string) => {
    if (userId && userId !== nextUserId) drop();
    userId = nextUserId;
    token = next;
    if (next) client.setAuth(next);
    else client.clearAuth();
    release();
  };

  /** Calls wait while it is not known who makes them; refused ones are made once more with a newer token. (G2, G3) */
  const call = async (input: any, init: any) => {
    const asked = epoch;
    const send = (bearer: string | null) => {
      if (epoch !== asked) throw signedOut();
      const { Authorization, ...headers } = init.headers;
      return (own ?? fetch)(input, {
        ...init,
        headers: bearer ? { ...headers, Authorization: `Bearer ${bearer}` } : headers,
      });
    };
    if (gate)
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new BridgeError("ERR_TOKEN_TRANSIENT")), link.fetchTimeoutMs);
        gate!.then(() => {
          clearTimeout(late);
          resolve();
        });
      });
    const sent = token;
    const response = await send(sent);
    if (response.status !== 401 || !sent) return response;
    const next = await link.renew(sent).catch(() => null);
    return next && next !== sent ? send(next) : response;
  };

  return {
    open(given) {
      link = given;
      if (client.fetch === call) return;
      own = client.fetch;
      client.fetch = call;
    },
    hold(somebodyLeft) {
      if (somebodyLeft) drop();
      gate ??= new Promise((resolve) => {
        release = () => {
          gate = undefined;
          resolve();
        };
      });
    },
    nobody: () => become(null),
    attach: (next, whose) => become(next, whose.userId),
    detach: () => become(null),
    close() {
      if (client.fetch === call) client.fetch = own;
      release();
    },
  };
};

/**
 * Convex: a `ConvexReactClient`, `ConvexClient`, `BaseConvexClient` or `ConvexHttpClient`. Left to itself it uses the
 * session token when that is meant for Convex (its `aud` is or holds "convex"), else the JWT template "convex".
 *
 * @example
 * ```ts
 * const client = new ConvexReactClient(import.meta.env.VITE_CONVEX_URL);
 * const bridge = createBridge({ source: window.Clerk, backends: { convex: convex(client) } });
 * ```
 */
export function convex(client: object, options?: { template?: string | null }): Backend {
  demand(hasMethods(client, "setAuth"), "client", "a Convex client");
  const template = options?.template;
  demandTemplate(template);
  const talk = "backendUrl" in client ? overHttp(client) : overSocket(client);
  return toBackend({ kind: "convex", policy: 1, template, auto: template === undefined, client, ...talk });
}
