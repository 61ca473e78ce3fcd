// Calls that carry a token each: whose call it is, with which token it goes out, and what follows when it was refused.
// A call must never go out as anybody but the user who made it, nor anonymously while it is not known who that is.
import type { Adapter, Link } from "./backend.js";
import { demand } from "./demand.js";
import { BridgeError, type BridgeErrorCode } from "./errors.js";
import type { AttachContext } from "./types.js";

/** @internal What an answer says of the token it was asked with. */
export const enum ANSWER {
  fine,
  /** A newer one may help. (G3) */
  refused,
  /** It is made wrongly: no newer one helps. (H33) */
  config,
  /** The same, unless the next one is taken. */
  perhaps,
  /** The server's clock is behind. (H33) */
  early,
}

/** @internal What one call goes out with. */
export interface Pass {
  /** null: nobody is signed in. */
  readonly token?: string | null;
  /** In which generation it was asked for. */
  readonly generation: number;
  /** The token that was refused before this one. */
  readonly before?: string;
}

/** Ends a wait: a value, or undefined and an error. */
type End = (value?: string | null, error?: unknown) => void;

/** @internal How one kind of backend takes its tokens. */
export interface Manner {
  readonly origins: string[];
  /** The header that holds the token. */
  readonly header: string;
  put(headers: Headers, token: string, options: RequestInit): void;
  judge(response: Response, headers: Headers): ANSWER | Promise<ANSWER>;
}

/** @internal The URL, which must be absolute, with http or https. */
export const absolute = (url: unknown, field: string): URL => {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url as string);
  } catch {}
  demand(/^https?:$/.test(parsed?.protocol!), field, "absolute, with http(s)");
  return parsed!;
};

/** @internal The calls of one backend. `hint`: what to do where no token can help. */
export const createCalls = (template?: string | null, hint?: string) => {
  let link: Link | undefined;
  /** Whose the calls are. */
  let context: AttachContext | undefined;
  /** A token that was taken, and the one that was reported as refused. */
  let good: string | undefined;
  let told: string | undefined;
  const watchers = new Set<() => void>();

  const become = (token: string | null | undefined, leaves?: unknown, next?: AttachContext) => {
    if (leaves) calls.generation++;
    calls.token = token;
    context = next;
    change();
  };
  const change = () => {
    calls.changes++;
    for (const watcher of [...watchers]) watcher();
  };

  const calls = {
    /** Counts those who left: what was asked for in an earlier generation is a leaver's. (G2) */
    generation: 0,
    changes: 0,
    /** The last token handed over. undefined: it is not known who is signed in; null: nobody. */
    token: undefined as string | null | undefined,
    /** The bridge is gone. */
    closed: false,

    /** Calls back when calls may go out, and when somebody left; returns what ends that. */
    watch(watcher: () => void): () => void {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },

    /** Looks at each change, at the end of the time, and no longer than the caller wants to. (G5) */
    wait: (signal: AbortSignal | null | undefined, ms: number, look: (end: End, late?: unknown) => void) =>
      new Promise<string | null>((resolve, reject) => {
        const end: End = (value, error) => {
          clearTimeout(timer);
          unwatch();
          signal?.removeEventListener("abort", see);
          if (value === undefined) reject(error);
          else resolve(value);
        };
        const see = () => (signal?.aborted ? end(undefined, signal.reason) : look(end));
        const timer = setTimeout(look, ms, end, true);
        const unwatch = calls.watch(see);
        signal?.addEventListener("abort", see);
        see();
      }),

    /** What a call made now goes out with. Waits while that is not known. (G2, B10) */
    // A little longer than a token is waited for, so that its own failure comes first. (B5)
    async ask(signal?: AbortSignal | null, ms = (link?.fetchTimeoutMs ?? 10_000) + 20): Promise<Pass> {
      const { generation } = calls;
      let asked: unknown;
      let waited: unknown;
      /** How the token failed: said when the wait ends. (B5) */
      let why: unknown;
      const token = await calls.wait(signal, ms, (end, late) => {
        const fail = (code: BridgeErrorCode) => end(undefined, new BridgeError(code));
        if (generation !== calls.generation) fail("ERR_SIGNED_OUT");
        else if (late) end(undefined, why ?? new BridgeError("ERR_TOKEN_TRANSIENT"));
        else if (calls.token === null) end(null);
        // Never the token that was handed over: it may have run out in its sleep. (C4)
        else if (calls.token || calls.closed)
          asked ??= link!.getToken({ template }).then(
            (token) => (token ? end(token) : fail("ERR_SIGNED_OUT")),
            (error) => end(undefined, error),
          );
        else waited ??= link?.getToken({ template }).catch((error) => (why = error));
      });
      return { token, generation };
    },

    /** What to make the call with once more, after this answer; nothing: the answer stands. (G3) */
    async again(
      { token, generation, before }: Pass,
      answer: ANSWER,
      once?: unknown,
      signal?: AbortSignal | null,
    ): Promise<Pass | void> {
      if (!token || generation !== calls.generation) return;
      if (!answer) {
        good = token;
        return;
      }
      if (!before && answer !== ANSWER.config) {
        const early = answer === ANSWER.early;
        const renewed = early || link!.renew(token).catch(() => null);
        if (once) return link!.report("call.not-replayed");
        const next = await calls.wait(signal, early ? 1000 : link!.fetchTimeoutMs, (end, late) => {
          if (calls.closed) end(null); // D6
          else if (late) end(early ? token : null);
          else if (renewed !== true) renewed.then(end);
        });
        if (!next || generation !== calls.generation) return;
        if (early || next !== token) return { token: next, generation, before: token };
      }
      const config = answer === ANSWER.config || answer === ANSWER.perhaps;
      // An endpoint that refuses what others take is not the backend refusing the user.
      if (token === told || (!config && good && (good === token || good === before))) return;
      told = token;
      context!.rejected({ retry: !config, message: config ? hint : undefined });
    },

    /** `fetch` with the token. */
    async fetch(manner: Manner, input: any, init?: RequestInit, via: typeof fetch = fetch): Promise<Response> {
      // Of a Request, a copy would lose everything. (G5)
      if (init && init.constructor !== Object) {
        input = new Request(input, init);
        init = undefined;
      }
      const request: Request | undefined = input?.clone && input;
      const url = new URL(request?.url ?? input, globalThis.document?.baseURI ?? globalThis.location?.href);
      if (!manner.origins.includes(url.origin)) throw new BridgeError("ERR_ORIGIN_REFUSED");
      const headers = new Headers(init?.headers ?? request?.headers);
      if (headers.has(manner.header)) return via(input, init);
      // Options beside a Request would reset its referrer. (G5)
      const { signal, redirect, referrer, referrerPolicy }: Partial<Request> = request ?? {};
      const options = { signal, redirect, referrer, referrerPolicy, ...init, headers };
      let pass = await calls.ask(options.signal);
      for (;;) {
        const { token } = pass;
        if (token) manner.put(headers, token, options);
        const response = await via(request?.clone() ?? input, options);
        const answer = token ? await manner.judge(response, headers) : ANSWER.fine;
        const next = await calls.again(pass, answer, (init?.body as any)?.getReader, options.signal);
        if (!next) return response;
        pass = next;
      }
    },

    /** What the bridge tells this backend. */
    adapter: {
      template,
      open(given: Link) {
        link = given;
        calls.closed = false;
      },
      hold(somebodyLeft: boolean) {
        if (somebodyLeft) become(undefined, true);
        else calls.token = undefined;
      },
      nobody: () => become(null, context),
      attach(token: string, whose: AttachContext) {
        if (token === told) told = undefined;
        become(token, context && context.userId !== whose.userId, whose);
      },
      detach(reason: string) {
        // A refused user's calls still go out: the answer tells the caller.
        if (reason !== "rejected") become(undefined, context);
      },
      close() {
        calls.closed = true;
        change();
      },
    } satisfies Partial<Adapter>,
  };
  return calls;
};
