// Hasura: GraphQL calls and sockets that carry the token, for graphql-ws, urql, Apollo and plain `fetch`; none of them
// is imported. A socket must never outlive the user it was opened for, nor wait for a token longer than Hasura does.
import { toBackend } from "./backend.js";
import { absolute, ANSWER, createCalls, type Pass } from "./calls.js";
import { demand, demandTemplate } from "./demand.js";
import { BridgeError } from "./errors.js";
import type { Backend } from "./types.js";

/** A Hasura endpoint, and what its clients need to be authenticated. */
export interface HasuraBackend extends Backend {
  /** `fetch` that adds the token; after an expired one: one refresh, one replay. The URL defaults to the endpoint. */
  fetch(input?: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /**
   * One GraphQL operation. Throws `BridgeError`, or an Error that carries the `errors` of the answer or its `status`.
   *
   * @example
   * ```ts
   * const { note } = await backend.request<{ note: Note[] }>("query { note { id body } }");
   * ```
   */
  request<Data = unknown>(
    query: string,
    variables?: Record<string, unknown>,
    init?: { signal?: AbortSignal; role?: string },
  ): Promise<Data>;
  /**
   * Options for `createClient` of graphql-ws; yours are merged in. The socket is renewed when its token is. When the
   * user leaves, their subscriptions end with `ERR_SIGNED_OUT`.
   *
   * @example
   * ```ts
   * const client = createClient(backend.graphqlWs());
   * ```
   */
  graphqlWs(options?: Record<string, any>): {
    url: string;
    connectionParams: () => Promise<Record<string, unknown>>;
    retryAttempts: number;
    retryWait: (retries: number) => Promise<void>;
    shouldRetry: (event: unknown) => boolean;
    on: Record<string, (...args: any[]) => void>;
  };
  /**
   * For `authExchange` of @urql/exchange-auth.
   *
   * @example
   * ```ts
   * const client = new Client({
   *   url,
   *   preferGetMethod: false, // urql 6 would send queries by GET, which Hasura does not take
   *   exchanges: [cacheExchange, authExchange(backend.urqlAuth()), fetchExchange],
   * });
   * ```
   */
  urqlAuth(): (utils: any) => Promise<any>;
  /**
   * A request handler for Apollo Client 3 and 4.
   *
   * @example
   * ```ts
   * const link = ApolloLink.from([new ApolloLink(backend.apolloHandler()), new HttpLink({ uri })]);
   * ```
   */
  apolloHandler(): (operation: any, forward: any) => any;
}

const ROLE = "x-hasura-role";

/** Headers are named in any case. (G5) */
const has = (headers: object | undefined, name: string) =>
  Object.keys(headers ?? {}).some((key) => key.toLowerCase() === name);

/** What the errors of an answer, or of a list of them, say of the token. Their HTTP status is 200. */
const judge = (answer: any, ownRole: boolean): ANSWER => {
  for (const { message, extensions } of [answer].flat().flatMap((one) => one?.errors ?? [])) {
    const code = extensions?.code;
    if (code === "invalid-jwt")
      return /NotYet|Future/.test(message)
        ? ANSWER.early
        : /NotIn|JWS/.test(message)
          ? ANSWER.perhaps
          : ANSWER.refused;
    // A role of the call's own choice is its own affair.
    if (/^jwt-|^access-d/.test(code) && !ownRole) return ANSWER.config;
  }
  return ANSWER.fine;
};

/**
 * Hasura, by the JWT template "hasura" unless another is named (null: the session token).
 *
 * `wsUrl` is derived from `url` by default. `role` is sent as `x-hasura-role` with every token.
 *
 * @example
 * ```ts
 * const backend = hasura({ url: "https://my-app.hasura.app/v1/graphql" });
 * const bridge = createBridge({ source: window.Clerk, backends: { hasura: backend } });
 * ```
 */
export function hasura(options: {
  url: string;
  wsUrl?: string;
  template?: string | null;
  role?: string;
}): HasuraBackend {
  const { url, template = "hasura", role } = options ?? {};
  const { origin, href } = absolute(url, "url");
  const { wsUrl = href.replace("http", "ws") } = options;
  demand(/^wss?:/.test(wsUrl), "wsUrl", "absolute, with ws(s)");
  demandTemplate(template);
  const named = template ? `JWT template "${template}"` : "session token";
  const calls = createCalls(template, `Check the claims of the ${named}.`);
  const headersFor = (pass: Pass | undefined, given?: object) =>
    pass?.token
      ? { ...(role && !has(given, ROLE) && { [ROLE]: role }), ...given, Authorization: "Bearer " + pass.token }
      : given;

  const manner = {
    origins: [origin],
    header: "Authorization",
    put(headers: Headers, token: string) {
      if (role && !headers.has(ROLE)) headers.set(ROLE, role);
      headers.set("Authorization", "Bearer " + token);
    },
    async judge(response: Response, headers: Headers) {
      if (response.status === 401) return ANSWER.refused;
      try {
        const text = /json/.test(response.headers.get("content-type")!) && (await response.clone().text());
        if (text && text.includes('"code"')) return judge(JSON.parse(text), headers.get(ROLE) !== (role ?? null));
      } catch {}
      return ANSWER.fine;
    },
  };

  return toBackend(
    { kind: "hasura", policy: 4, ...calls.adapter },
    {
      fetch: (input: RequestInfo | URL = url, init?: RequestInit) => calls.fetch(manner, input, init),

      async request(query: string, variables?: object, init: { signal?: AbortSignal; role?: string } = {}) {
        const { signal, role: own } = init;
        const response = await calls.fetch(manner, url, {
          method: "POST",
          headers: { "content-type": "application/json", ...(own && { [ROLE]: own }) },
          body: JSON.stringify({ query, variables }),
          signal,
        });
        const text = await response.text();
        const { status } = response;
        let answer: any;
        try {
          answer = JSON.parse(text);
        } catch {}
        const { data, errors } = answer ?? {};
        if (errors || data === undefined)
          throw Object.assign(new Error(errors?.[0]?.message ?? "HTTP " + status), { errors, status });
        return data;
      },

      graphqlWs({ on, connectionParams, retryWait, shouldRetry, ...rest }: Record<string, any> = {}) {
        let socket: any;
        /** What the socket was opened with. */
        let pass: Pass | undefined;
        /** In which generation its subscriptions were made. */
        let of = calls.generation;
        /** What to try after a refusal; nothing: what comes next is the bridge's affair. */
        let verdict: Promise<Pass | void> | undefined;
        let next: Pass | void;
        /** How many changes had been seen when it closed. */
        let seen: number;
        let since = 0;
        let unwatch = () => {};

        /** Ends the socket without waiting for the other side, which may be gone. */
        const drop = (event: object) => {
          const { onclose } = socket;
          socket.onclose = socket.onerror = null;
          socket.close(1000);
          onclose(event);
        };
        const look = () => {
          if (of !== calls.generation) drop(new BridgeError("ERR_SIGNED_OUT")); // H32
          else if (pass?.token !== undefined && calls.token !== undefined && calls.token !== pass.token)
            drop({ code: 1000, reason: "" }); // H30: of all codes, the one after which nothing waits
        };
        const both =
          (name: string, ours: (it: any) => void) =>
          (...args: any[]) => {
            ours(args[0]);
            on?.[name]?.(...args);
          };

        return {
          retryAttempts: Infinity,
          ...rest,
          url: wsUrl,
          async connectionParams() {
            const mine = socket;
            const theirs = (async () => (typeof connectionParams === "function" ? connectionParams() : connectionParams))();
            // Hasura hangs up after three seconds. After dispose: the last good token. (H31, D6)
            const asking = next || calls.ask(null, 2500).catch(() => (calls.closed ? calls : undefined));
            const given: any = await calls
              .wait(null, 2500, (end, late) => void (late ? end() : theirs.then(end, () => end())))
              .catch(() => {});
            // With an Authorization of their own, the socket has no token of ours. (G5)
            const asked: Pass | undefined = has(given?.headers, "authorization") ? { generation: of } : await asking;
            next = undefined;
            if (mine === socket) {
              pass = asked;
              // Not anonymously: as if it had been refused. (G2)
              if (mine && !asked) drop({ code: 4403, reason: "" });
            }
            return { ...given, headers: headersFor(asked, given?.headers) };
          },
          async retryWait(retries: number) {
            // Whoever was to be ended is by now: this is somebody new.
            if (of !== calls.generation) return void (of = calls.generation);
            const asked = verdict;
            verdict = undefined;
            next = await asked;
            // Who left meanwhile is ended as the socket opens. (H32)
            if (next || of !== calls.generation) return;
            // A connection that ended at once counts as a failed one, so that it is not made again and again.
            const again = retries || +(Date.now() - since < 1000);
            await new Promise<void>((resolve) => {
              let timer: ReturnType<typeof setTimeout> | undefined;
              const end = () => {
                clearTimeout(timer);
                unwatch();
                resolve();
              };
              const unwatch = calls.watch(end);
              if (asked && seen === calls.changes) return;
              if (retryWait && again) retryWait(again).then(end, end);
              // Never at once: an error is followed by the end of the same socket, which must not end the next one.
              else timer = setTimeout(end, again && Math.min(15_000, 250 * 2 ** again) * (1 + Math.random()));
            });
          },
          shouldRetry: (event: any) =>
            of === calls.generation &&
            (event.code !== 4403 || !pass || pass.token) &&
            (shouldRetry ? shouldRetry(event) : "reason" in event || !!event.type),
          on: {
            ...on,
            connecting: both("connecting", (retrying) => {
              if (!retrying) of = calls.generation;
            }),
            opened: both("opened", (it) => {
              socket = it;
              pass = undefined;
              unwatch = calls.watch(look);
              look();
            }),
            connected: both("connected", () => {
              since = Date.now();
              if (pass) calls.again((pass = { ...pass, before: undefined }), ANSWER.fine);
            }),
            closed: both("closed", ({ code }) => {
              seen = calls.changes;
              if (code === 4403) verdict = calls.again(pass ?? calls, ANSWER.refused);
              unwatch();
              socket = undefined;
            }),
          },
        };
      },

      urqlAuth: () => async () => ({
        addAuthToOperation: (operation: any) => {
          const { context } = operation;
          return {
            ...operation,
            context: { ...context, fetch: (input: any, init: any) => calls.fetch(manner, input, init, context.fetch) },
          };
        },
        didAuthError: () => false,
        refreshAuth: async () => {},
      }),

      apolloHandler() {
        let Observable: any;
        return (operation: any, forward: any) => {
          const { headers } = operation.getContext();
          if (has(headers, "authorization")) return forward(operation);
          // Not subscribed to, it does nothing; it is asked for the library it comes from.
          Observable ??= forward(operation).constructor;
          return new Observable((observer: any) => {
            let inner: any;
            let closed: boolean | undefined;
            const go = (pass: Pass) => {
              if (closed) return;
              operation.setContext({ headers: headersFor(pass, headers) });
              let busy: Promise<Pass | void> | undefined;
              const judged = (answer: ANSWER, stand: () => void) => {
                const again = calls.again(pass, answer);
                if (!answer || !pass.token) return stand();
                busy = again.then((next) => {
                  if (next) go(next);
                  else stand();
                  return next;
                });
              };
              inner = forward(operation).subscribe({
                next: (result: any) => judged(judge(result, has(headers, ROLE)), () => observer.next(result)),
                error(error: any) {
                  const stand = () => observer.error(error);
                  if ((error?.statusCode ?? error?.response?.status) === 401) judged(ANSWER.refused, stand); // G3
                  else stand();
                },
                complete: () => (busy ?? Promise.resolve()).then((next) => next || observer.complete()),
              });
            };
            calls.ask().then(go).catch((error) => observer.error(error));
            return () => {
              closed = true;
              inner?.unsubscribe();
            };
          });
        };
      },
    },
  );
}
