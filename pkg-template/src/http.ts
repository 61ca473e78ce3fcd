// HTTP: a `fetch` whose calls carry the token, for APIs of an application's own. The token must never reach an origin
// that was not named.
import { toBackend } from "./backend.js";
import { absolute, ANSWER, createCalls } from "./calls.js";
import { demand, demandTemplate } from "./demand.js";
import type { Backend } from "./types.js";

/** An API that takes the token in a header of each call. */
export interface HttpBackend extends Backend {
  /**
   * `fetch` that adds the token, for the allowed origins only; any other URL rejects with `ERR_ORIGIN_REFUSED`. A call
   * waits while a token is being fetched. After a 401: one refresh, one replay. A call with a header of its own in the
   * token's place is left as it is.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
}

const isName = (it: unknown) => typeof it === "string" && /^[\w!#$%&'*+.^`|~-]+$/.test(it);

/**
 * An API of your own, or any other that takes Clerk's tokens over HTTP.
 *
 * `origins`: where the token may go. `template`: the JWT template; by default the session token. `header` and `scheme`:
 * by default `Authorization: Bearer <token>`; a header of another name holds the bare token unless a scheme is given.
 *
 * @example
 * ```ts
 * const api = http({ origins: ["https://api.example.com"] });
 * const bridge = createBridge({ source: window.Clerk, backends: { api } });
 * const notes = await (await api.fetch("https://api.example.com/notes")).json();
 * ```
 */
export function http(options: {
  origins: string[];
  template?: string | null;
  header?: string;
  scheme?: string;
}): HttpBackend {
  const { origins, template, header = "Authorization" } = options ?? {};
  demand(Array.isArray(origins) && origins[0], "origins", "a list of origins");
  demandTemplate(template);
  demand(isName(header), "header", "the name of a header");
  const custom = header.toLowerCase() !== "authorization";
  const { scheme = custom ? "" : "Bearer" } = options;
  demand(scheme === "" || isName(scheme), "scheme", "the name of a scheme");
  const calls = createCalls(template);
  const manner = {
    origins: origins.map((origin) => absolute(origin, "origins").origin),
    header,
    put(headers: Headers, token: string, options: RequestInit) {
      headers.set(header, scheme ? scheme + " " + token : token);
      // Only `Authorization` stays behind when a redirect leaves the origin. (G4)
      if (custom && options.redirect !== "manual") options.redirect = "error";
    },
    judge: ({ status }: Response) => (status === 401 ? ANSWER.refused : ANSWER.fine),
  };
  return toBackend(
    { kind: "http", policy: 5, ...calls.adapter },
    { fetch: (input: RequestInfo | URL, init?: RequestInit) => calls.fetch(manner, input, init) },
  );
}
