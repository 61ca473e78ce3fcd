// @vitest-environment node
// The Hasura adapter over HTTP: plain fetch, `request`, and the real clients urql and Apollo. The server is a stand-in.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { Observable, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BridgeError } from "../src/errors.js";
import { hasura } from "../src/hasura.js";
import { AUDIENCE, createHasura, DENIED, EARLY, EXPIRED, SIGNATURE } from "./fake/hasura.js";
import { createLink } from "./fake/link.js";

const url = "https://app.hasura.test/v1/graphql";
const QUERY = "query { me }";
const CLAIMS = { code: "jwt-invalid-claims", message: "claims key: 'https://hasura.io/jwt/claims' not found" };
const NO_ROLES = { code: "jwt-missing-role-claims", message: "JWT claim does not contain x-hasura-allowed-roles" };

let server: ReturnType<typeof createHasura>;

beforeEach(() => {
  server = createHasura();
  vi.stubGlobal("fetch", server.fetch);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const rig = (options: object = {}) => {
  const backend = hasura({ url, ...options });
  return { backend, ...createLink(backend) };
};
const roles = () => server.requests.map(({ role }) => role);

describe("options", () => {
  it.each<[field: string, options: any]>([
    ["url", undefined],
    ["url", {}],
    ["url", { url: "/v1/graphql" }],
    ["url", { url: "ws://app.hasura.test/v1/graphql" }],
    ["url", { url: null }],
    ["wsUrl", { url, wsUrl: "/v1/graphql" }],
    ["wsUrl", { url, wsUrl: url }],
    ["template", { url, template: 1 }],
  ])("names `%s` for %j", (field, options) => {
    try {
      hasura(options);
    } catch (error) {
      const { code, hint } = error as BridgeError;
      return expect([code, hint]).toEqual(["ERR_OPTIONS", expect.stringContaining(`\`${field}\``)]);
    }
    expect.unreachable();
  });

  it.each([
    [undefined, "hasura"],
    ["graphql", "graphql"],
    [null, null],
  ])("the template %s is %s", async (given, template) => {
    const { backend, adapter, attach, getToken } = rig({ template: given });
    attach("a:1");
    await backend.request(QUERY);
    expect([adapter.template, getToken.mock.calls]).toEqual([template, [[{ template }]]]);
  });
});

describe("fetch", () => {
  it("g1_nobody_sends_no_header_and_a_user_their_token_and_role", async () => {
    const { backend, adapter, attach } = rig({ role: "editor" });
    adapter.nobody!();
    await backend.fetch();
    attach("a:1");
    await backend.fetch(url, { headers: { "x-hasura-role": "own" } });
    await backend.fetch();
    expect(server.bearers()).toEqual([null, "Bearer a:1", "Bearer a:1"]);
    expect(roles()).toEqual([null, "own", "editor"]);
  });

  it("g4_goes_to_the_endpoints_origin_only", async () => {
    const { backend, attach } = rig();
    attach("a:1");
    await backend.fetch("https://app.hasura.test/api/rest/me");
    for (const other of ["https://hasura.test/v1/graphql", "http://app.hasura.test/v1/graphql"])
      await expect(backend.fetch(other)).rejects.toMatchObject({ code: "ERR_ORIGIN_REFUSED" });
    expect(server.requests).toHaveLength(1);
  });

  it("g5_a_request_in_place_of_options_is_sent_as_it_is", async () => {
    const { backend, attach } = rig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    const sent: Request[] = [];
    vi.stubGlobal("fetch", (input: Request, init: any) => {
      sent.push(input);
      return server.fetch(input, init);
    });
    const headers = { "x-hasura-role": "own" };
    const init = () => new Request(url + "/other", { method: "POST", body: "[1]", headers });
    expect(await (await backend.fetch(url, init())).json()).toEqual([{ data: { me: "a" } }]);
    await backend.fetch(new Request(url), init());
    expect(sent.map((it) => [it.url, it.method])).toEqual(Array(3).fill([url, "POST"]));
    expect(server.requests.map(({ body }) => body)).toEqual([[1], [1], [1]]);
    expect(server.bearers()).toEqual(["Bearer a:1", "Bearer a:11", "Bearer a:11"]);
    expect(roles()).toEqual(["own", "own", "own"]);
    await expect(backend.fetch("https://evil.test", init())).rejects.toMatchObject({ code: "ERR_ORIGIN_REFUSED" });
    // Nor are options of a class ones that can be copied.
    class Init {
      get method() {
        return "PUT";
      }
      get body() {
        return "[2]";
      }
    }
    await backend.fetch(url, new Init());
    await backend.fetch(url, Object.assign(Object.create(null), { method: "PUT", body: "[2]" }));
    expect(sent.slice(3).map(({ method }) => method)).toEqual(["PUT", "PUT"]);
    expect(server.requests.slice(3).map(({ body }) => body)).toEqual([[2], [2]]);
  });

  it("g3_an_expired_token_in_a_200_causes_one_refresh_and_one_replay", async () => {
    const { backend, attach, renew } = rig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    expect(await backend.request(QUERY)).toEqual({ me: "a" });
    expect(renew.mock.calls).toEqual([["a:1"]]);
    expect(server.bearers()).toEqual(["Bearer a:1", "Bearer a:11"]);
  });

  it("g3_so_does_one_in_a_list_of_answers", async () => {
    const { backend, attach } = rig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    const body = JSON.stringify([{ query: QUERY }, { query: QUERY }]);
    const response = await backend.fetch(url, { method: "POST", body });
    expect(await response.json()).toEqual([{ data: { me: "a" } }, { data: { me: "a" } }]);
  });

  it("h5_a_second_refusal_is_handed_over_and_reported", async () => {
    const { backend, attach, rejected } = rig();
    attach("a:1");
    ["a:1", "a:11"].forEach((token) => server.problems.set(token, EXPIRED));
    expect((await (await backend.fetch()).json()).errors[0].extensions.code).toBe("invalid-jwt");
    expect(server.requests).toHaveLength(2);
    expect(rejected.mock.calls).toEqual([[{ retry: true }]]);
  });

  it.each([DENIED, CLAIMS, NO_ROLES])("h33_$code_is_a_matter_of_configuration", async (problem) => {
    for (const [template, named] of [
      ["graphql", 'the JWT template "graphql"'],
      [null, "the session token"],
    ]) {
      const { backend, attach, rejected, renew } = rig({ template });
      attach("a:1");
      server.problems.set("a:1", problem);
      server.requests.length = 0;
      await expect(backend.request(QUERY)).rejects.toMatchObject({ message: problem.message });
      expect(rejected.mock.calls).toEqual([[{ retry: false, message: `Check the claims of ${named}.` }]]);
      expect(renew).not.toHaveBeenCalled();
      expect(server.requests).toHaveLength(1);
    }
  });

  it.each([AUDIENCE, SIGNATURE])("h33_so_is_a_fresh_token_with $message", async (problem) => {
    const { backend, attach, rejected } = rig();
    attach("a:1");
    ["a:1", "a:11"].forEach((token) => server.problems.set(token, problem));
    await expect(backend.request(QUERY)).rejects.toMatchObject({ message: problem.message });
    expect(rejected).toHaveBeenCalledWith({ retry: false, message: 'Check the claims of the JWT template "hasura".' });
  });

  it("h33_a_role_of_the_calls_own_choice_is_its_own_affair", async () => {
    const { backend, attach, rejected } = rig({ role: "user" });
    attach("a:1");
    server.problems.set("a:1", DENIED);
    const errors = [{ message: DENIED.message }];
    await expect(backend.request(QUERY, {}, { role: "admin" })).rejects.toMatchObject({ errors });
    await backend.fetch(url, { headers: { "X-Hasura-Role": "admin" } });
    expect(rejected).not.toHaveBeenCalled();
    await backend.fetch();
    expect(rejected).toHaveBeenCalledTimes(1);
    expect(roles()).toEqual(["admin", "admin", "user"]);
  });

  it("h33_a_server_whose_clock_is_behind_is_asked_again_a_little_later", async () => {
    vi.useFakeTimers();
    const { backend, attach, renew, rejected } = rig();
    attach("a:1");
    server.problems.set("a:1", EARLY);
    const call = backend.request(QUERY);
    await vi.advanceTimersByTimeAsync(900);
    expect(server.requests).toHaveLength(1);
    server.problems.clear();
    await vi.advanceTimersByTimeAsync(200);
    expect(await call).toEqual({ me: "a" });
    expect(server.bearers()).toEqual(["Bearer a:1", "Bearer a:1"]);
    expect([renew.mock.calls, rejected.mock.calls]).toEqual([[], []]);
  });

  it.each([
    ["text that is not what it says", "application/json", '"code" {'],
    ["null", "application/json", "null"],
    ["data with a code", "application/json", '{"data":{"code":1}}'],
    ["errors without extensions", "application/json", '{"errors":[{"message":"code"},null,"\\"code\\""]}'],
    ["something else", "text/plain", '{"errors":[{"extensions":{"code":"invalid-jwt"}}]}'],
  ])("j1_an_answer_may_be_%s", async (_, type, body) => {
    const { backend, attach, renew } = rig();
    attach("a:1");
    vi.stubGlobal("fetch", async () => new Response(body, { headers: { "content-type": type } }));
    expect(await (await backend.fetch()).text()).toBe(body);
    expect(renew).not.toHaveBeenCalled();
  });
});

describe("request", () => {
  it("posts_one_operation", async () => {
    const { backend, attach } = rig();
    attach("a:1");
    expect(await backend.request("query ($a: Int) { me }", { a: 1 })).toEqual({ me: "a" });
    const body = { query: "query ($a: Int) { me }", variables: { a: 1 } };
    expect(server.requests[0]).toMatchObject({ url, role: null, body });
  });

  it("throws_the_errors_of_the_answer_or_its_status", async () => {
    const { backend, attach } = rig();
    attach("a:1");
    const errors = [{ message: "field 'x' not found", extensions: { code: "validation-failed" } }];
    const answer = vi.fn();
    vi.stubGlobal("fetch", answer);
    answer.mockResolvedValueOnce(Response.json({ errors }));
    await expect(backend.request(QUERY)).rejects.toMatchObject({ message: "field 'x' not found", errors });
    answer.mockResolvedValueOnce(new Response("<html>", { status: 502 }));
    await expect(backend.request(QUERY)).rejects.toMatchObject({ message: "HTTP 502", status: 502 });
    answer.mockResolvedValueOnce(Response.json({ error: "no" }, { status: 404 }));
    await expect(backend.request(QUERY)).rejects.toMatchObject({ status: 404 });
  });

  it("g5_can_be_aborted_and_rejects_with_the_bridges_errors", async () => {
    const { backend, attach, adapter, signOut } = rig();
    const control = new AbortController();
    const aborted = expect(backend.request(QUERY, {}, { signal: control.signal })).rejects.toBe("enough");
    control.abort("enough");
    await aborted;
    attach("a:1");
    adapter.hold!(false);
    const left = expect(backend.request(QUERY)).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    signOut();
    await left;
    expect(server.requests).toEqual([]);
  });
});

/** What every GraphQL client must see, whichever it is. */
const CLIENTS: Record<string, (backend: ReturnType<typeof hasura>) => (context?: any) => Promise<any>> = {
  urql: (backend) => {
    const client = new Client({
      url,
      preferGetMethod: false,
      exchanges: [authExchange(backend.urqlAuth()), fetchExchange],
      fetch: (input, init) => server.fetch(input, init),
    });
    return async ({ headers = {} } = {}) => {
      const { data, error } = await client.query(QUERY, {}, { fetchOptions: { headers } }).toPromise();
      if (error) throw error.networkError ?? error.graphQLErrors[0];
      return data;
    };
  },
  apollo: (backend) => {
    const http = new HttpLink({ uri: url, fetch: (input, init) => server.fetch(input, init) });
    const link = ApolloLink.from([new ApolloLink(backend.apolloHandler()), http]);
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    return async (context = {}) => {
      const ask = { query: gql(QUERY), context, fetchPolicy: "no-cache" as const };
      try {
        return (await client.query(ask)).data;
      } catch (error: any) {
        throw error.errors?.[0] ?? error;
      }
    };
  },
};

describe.each(Object.keys(CLIENTS))("%s", (name) => {
  const meet = (options?: object) => {
    const it = rig(options);
    return { ...it, query: CLIENTS[name]!(it.backend) };
  };

  it("g1_g2_waits_and_sends_the_token_of_whoever_is_there", async () => {
    const { query, attach, update, signOut } = meet({ role: "user" });
    const early = query();
    attach("a:1");
    expect(await early).toEqual({ me: "a" });
    update("a:2");
    expect(await query({ headers: { "x-own": "1", "x-hasura-role": "own" } })).toEqual({ me: "a" });
    signOut();
    expect(await query()).toEqual({ me: null });
    expect(server.bearers()).toEqual(["Bearer a:1", "Bearer a:2", null]);
    expect(roles()).toEqual(["user", "own", null]);
  });

  it("g2_a_leavers_operation_fails_and_never_goes_out_as_the_next_user", async () => {
    const { query, attach, adapter, switchTo } = meet();
    attach("a:1");
    await query();
    adapter.hold!(false);
    const left = expect(query()).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    for (let i = 0; i < 20; i++) await null;
    switchTo("b:1");
    await left;
    expect(await query()).toEqual({ me: "b" });
    expect(server.bearers()).toEqual(["Bearer a:1", "Bearer b:1"]);
  });

  it("g3_parallel_expired_operations_are_replayed_and_none_fails", async () => {
    const { query, attach } = meet();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    expect(await Promise.all([query(), query(), query()])).toEqual(Array(3).fill({ me: "a" }));
    await query();
    expect(server.bearers().slice(-1)).toEqual(["Bearer a:11"]);
  });

  it("h5_a_second_refusal_is_the_callers_and_reported", async () => {
    const { query, attach, rejected } = meet();
    attach("a:1");
    ["a:1", "a:11"].forEach((token) => server.problems.set(token, EXPIRED));
    await expect(query()).rejects.toMatchObject({ message: EXPIRED.message });
    expect(server.requests).toHaveLength(2);
    expect(rejected.mock.calls).toEqual([[{ retry: true }]]);
  });

  it("h33_a_denied_role_is_a_matter_of_configuration_unless_it_is_the_operations_own", async () => {
    const { query, attach, rejected } = meet();
    attach("a:1");
    server.problems.set("a:1", DENIED);
    await expect(query({ headers: { "x-hasura-role": "admin" } })).rejects.toMatchObject({ message: DENIED.message });
    expect(rejected).not.toHaveBeenCalled();
    await expect(query()).rejects.toMatchObject({ message: DENIED.message });
    expect(rejected.mock.calls).toEqual([[expect.objectContaining({ retry: false })]]);
  });

  it("g5_an_authorization_of_the_operations_own_stands", async () => {
    const { query, getToken } = meet();
    expect(await query({ headers: { authorization: "Bearer own:1" } })).toEqual({ me: "own" });
    expect(getToken).not.toHaveBeenCalled();
  });

  it("d1_an_answer_that_is_refused_after_the_user_left_stands", async () => {
    const { query, attach, switchTo } = meet();
    attach("a:1");
    server.setup.keepAnswers = true;
    server.problems.set("a:1", EXPIRED);
    const late = expect(query()).rejects.toMatchObject({ message: EXPIRED.message });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    switchTo("b:1");
    server.answer();
    await late;
    expect(server.bearers()).toEqual(["Bearer a:1"]);
  });
});

it("an_apollo_operation_that_nobody_listens_to_any_more_is_not_sent", async () => {
  const { backend, attach } = rig();
  const listening = vi.fn();
  const forward = () => new Observable(listening);
  const operation = { getContext: () => ({}), setContext() {} };
  backend.apolloHandler()(operation, forward).subscribe({}).unsubscribe();
  attach("a:1");
  for (let i = 0; i < 20; i++) await null;
  expect(listening).not.toHaveBeenCalled();
});

it.each([{ statusCode: 401 }, { response: { status: 401 } }])("g3_apollo_replays_after_%j", async (refusal) => {
  const { backend, attach, renew } = rig();
  attach("a:1");
  const sent: string[] = [];
  const run = (good?: string) => {
    let context: any = {};
    const operation = { getContext: () => context, setContext: (next: any) => (context = { ...context, ...next }) };
    const forward = () =>
      new Observable((observer: any) => {
        const { Authorization } = context.headers;
        sent.push(Authorization);
        if (Authorization !== good) return observer.error(refusal);
        observer.next({ data: 1 });
        observer.complete();
      });
    return new Promise((resolve, reject) =>
      backend.apolloHandler()(operation, forward).subscribe({ next: resolve, error: reject }),
    );
  };
  expect(await run("Bearer a:11")).toEqual({ data: 1 });
  expect(renew.mock.calls).toEqual([["a:1"]]);
  await expect(run()).rejects.toBe(refusal);
  expect(sent).toEqual(["a:1", "a:11", "a:11", "a:21"].map((token) => "Bearer " + token));
  // What says nothing of the token is handed on.
  renew.mockClear();
  refusal = { statusCode: 500 };
  await expect(run()).rejects.toBe(refusal);
  expect(renew).not.toHaveBeenCalled();
});

it("g3_apollos_own_http_link_says_so_too", async () => {
  const { backend, attach, rejected } = rig();
  attach("a:1");
  const answer = vi.fn(server.fetch);
  answer.mockResolvedValueOnce(new Response("expired", { status: 401 }));
  const link = ApolloLink.from([new ApolloLink(backend.apolloHandler()), new HttpLink({ uri: url, fetch: answer })]);
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  expect((await client.query({ query: gql(QUERY) })).data).toEqual({ me: "a" });
  expect(server.bearers()).toEqual(["Bearer a:11"]);
  expect(rejected).not.toHaveBeenCalled();
});

it("an_apollo_operation_streams_its_results", async () => {
  const { backend, attach } = rig();
  attach("a:1");
  const results = new Subject<object>();
  const operation = { getContext: () => ({}), setContext() {} };
  const seen: unknown[] = [];
  const apollo = backend.apolloHandler()(operation, () => results.asObservable());
  apollo.subscribe({ next: (result: object) => seen.push(result), complete: () => seen.push("complete") });
  await vi.waitFor(() => expect(results.observed).toBe(true));
  results.next({ data: 1 });
  results.next({ data: 2 });
  results.complete();
  await vi.waitFor(() => expect(seen).toEqual([{ data: 1 }, { data: 2 }, "complete"]));
});
