// The HTTP adapter: a fetch that adds the token, for the origins that were named and no other.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { BridgeError } from "../src/errors.js";
import { http } from "../src/http.js";
import { createLink } from "./fake/link.js";

const URL_ = "https://api.example.com/notes";

interface Call {
  input: any;
  init: any;
  headers: Headers;
  body: string | null;
}

const calls: Call[] = [];
const refused = new Set<string>();
/** Paths that refuse everybody. */
let closed: string[] = [];

beforeEach(() => {
  calls.length = 0;
  refused.clear();
  closed = [];
  vi.stubGlobal("fetch", async (input: any, init: any = {}) => {
    const request = input instanceof Request ? input : undefined;
    const headers = new Headers(init.headers ?? request?.headers);
    const body = init.body ?? (request?.body ? await request.text() : null);
    calls.push({ input, init, headers, body });
    const bearer = headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const { pathname } = new URL(request?.url ?? input, "https://api.example.com");
    return new Response(bearer, { status: refused.has(bearer) || closed.includes(pathname) ? 401 : 200 });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const rig = (options: object = {}) => {
  const api = http({ origins: ["https://api.example.com/v1"], ...options });
  return { api, ...createLink(api) };
};
const sent = () => calls.map(({ headers }) => headers.get("authorization"));

describe("options", () => {
  it.each<[field: string, options: any]>([
    ["origins", undefined],
    ["origins", {}],
    ["origins", { origins: "https://api.example.com" }],
    ["origins", { origins: [] }],
    ["origins", { origins: [""] }],
    ["origins", { origins: ["/api"] }],
    ["origins", { origins: ["api.example.com"] }],
    ["origins", { origins: ["null"] }],
    ["origins", { origins: ["*"] }],
    ["origins", { origins: [null] }],
    ["origins", { origins: ["https://api.example.com", "/api"] }],
    ["origins", { origins: ["ftp://example.com"] }],
    ["origins", { origins: ["data:text/plain,x"] }],
    ["origins", { origins: ["blob:https://example.com/x"] }],
    ["template", { origins: [URL_], template: 1 }],
    ["header", { origins: [URL_], header: "" }],
    ["header", { origins: [URL_], header: "X Token" }],
    ["header", { origins: [URL_], header: "X-Token\r\nX-Other" }],
    ["header", { origins: [URL_], header: null }],
    ["scheme", { origins: [URL_], scheme: "a\nb" }],
    ["scheme", { origins: [URL_], scheme: 1 }],
  ])("g4_names `%s` for %j", (field, options) => {
    try {
      http(options);
    } catch (error) {
      const { code, hint } = error as BridgeError;
      return expect([code, hint]).toEqual(["ERR_OPTIONS", expect.stringContaining(`\`${field}\``)]);
    }
    expect.unreachable();
  });

  it("takes_the_session_token_or_a_templates", async () => {
    for (const template of [undefined, null, "api"]) {
      const { api, attach, getToken } = rig({ template });
      attach("a:1");
      await api.fetch(URL_);
      expect(getToken).toHaveBeenCalledWith({ template });
    }
  });
});

describe("origins", () => {
  it.each([
    "https://api.example.com.evil.test/",
    "https://evil.test/?https://api.example.com",
    "http://api.example.com/",
    "https://api.example.com:8443/",
    "https://api.example.com@evil.test/",
    "//evil.test/",
    "/relative",
    "data:text/plain,x",
  ])("g4_the_token_does_not_go_to %s", async (url) => {
    const { api, attach } = rig();
    attach("a:1");
    for (const input of [url, ...(URL.canParse(url) ? [new URL(url)] : [])])
      await expect(api.fetch(input)).rejects.toMatchObject({ code: "ERR_ORIGIN_REFUSED" });
    expect(calls).toEqual([]);
  });

  it("g4_strings_urls_and_requests_are_looked_at", async () => {
    const { api, attach } = rig();
    attach("a:1");
    for (const input of [URL_, new URL(URL_), new Request(URL_)]) await api.fetch(input);
    expect(sent()).toEqual(Array(3).fill("Bearer a:1"));
    await expect(api.fetch(new Request("https://evil.test"))).rejects.toMatchObject({ code: "ERR_ORIGIN_REFUSED" });
  });

  it("g4_a_relative_url_is_the_pages", async () => {
    const { api, attach } = rig({ origins: [location.origin] });
    attach("a:1");
    await api.fetch("/notes");
    expect(sent()).toEqual(["Bearer a:1"]);
  });

  it("g4_a_custom_header_follows_no_redirect", async () => {
    const { api, attach, adapter } = rig({ header: "X-Token" });
    adapter.nobody!();
    await api.fetch(URL_);
    attach("a:1");
    await api.fetch(URL_);
    await api.fetch(URL_, { redirect: "follow" });
    await api.fetch(URL_, { redirect: "manual" });
    await api.fetch(new Request(URL_, { redirect: "manual" }));
    expect(calls.map(({ init }) => init.redirect)).toEqual([undefined, "error", "error", "manual", "manual"]);
    expect(calls.map(({ headers }) => headers.get("x-token"))).toEqual([null, ...Array(4).fill("a:1")]);
  });

  it.each([
    [{}, "authorization", "Bearer a:1"],
    [{ header: "authorization" }, "authorization", "Bearer a:1"],
    [{ scheme: "Token" }, "authorization", "Token a:1"],
    [{ scheme: "" }, "authorization", "a:1"],
    [{ header: "X-Token" }, "x-token", "a:1"],
    [{ header: "X-Token", scheme: "JWT" }, "x-token", "JWT a:1"],
  ])("with %j it is `%s: %s`", async (options, header, value) => {
    const { api, attach } = rig(options);
    attach("a:1");
    await api.fetch(URL_);
    expect(calls[0]!.headers.get(header)).toBe(value);
  });
});

describe("fetch", () => {
  it("g1_nobody_has_no_header", async () => {
    const { api, adapter } = rig();
    adapter.nobody!();
    await api.fetch(URL_, { headers: { "x-own": "1" } });
    expect([...calls[0]!.headers]).toEqual([["x-own", "1"]]);
  });

  it("g5_every_option_is_respected", async () => {
    const { api, attach } = rig();
    attach("a:1");
    const { signal } = new AbortController();
    const body = "{}";
    const init = { method: "POST", body, credentials: "include", cache: "no-store", keepalive: true, signal } as const;
    await api.fetch(URL_, { ...init, headers: [["x-own", "1"]] });
    expect(calls[0]!.init).toMatchObject(init);
    expect([...calls[0]!.headers]).toEqual([["authorization", "Bearer a:1"], ["x-own", "1"]]);
    await api.fetch(new Request(URL_, { method: "PUT", body: "text", headers: { "x-own": "2" } }));
    expect(calls[1]!).toMatchObject({ body: "text", input: { method: "PUT" } });
    expect(calls[1]!.headers.get("x-own")).toBe("2");
  });

  it("g5_a_requests_referrer_is_kept", async () => {
    const { api, attach } = rig();
    attach("a:1");
    const request = new Request(URL_, { referrer: "", referrerPolicy: "no-referrer", redirect: "error" });
    await api.fetch(request);
    expect(calls[0]!.init).toMatchObject({ referrer: "", referrerPolicy: "no-referrer", redirect: "error" });
    const { referrer, referrerPolicy } = new Request(calls[0]!.input, calls[0]!.init);
    expect([referrer, referrerPolicy]).toEqual([request.referrer, "no-referrer"]);
    await api.fetch(request, { referrerPolicy: "origin" });
    expect(calls[1]!.init.referrerPolicy).toBe("origin");
  });

  it("g5_an_abort_while_the_replay_waits_rejects_with_its_reason", async () => {
    const { api, attach, renew } = rig();
    attach("a:1");
    refused.add("a:1");
    renew.mockReturnValue(new Promise(() => {}));
    const control = new AbortController();
    const call = expect(api.fetch(URL_, { signal: control.signal })).rejects.toBe("enough");
    await vi.waitFor(() => expect(renew).toHaveBeenCalled());
    control.abort("enough");
    await call;
    expect(calls).toHaveLength(1);
  });

  it.each([
    ["in init", () => [URL_, { headers: { authorization: "Basic x" } }]],
    ["in a request", () => [new Request(URL_, { headers: { Authorization: "Basic x" } })]],
  ])("g5_an_authorization_of_the_callers_own_stands (%s)", async (_, given) => {
    const { api, getToken, renew } = rig();
    refused.add("Basic x");
    const [input, init] = given() as [any, any];
    expect((await api.fetch(input, init)).status).toBe(401);
    expect(calls).toHaveLength(1);
    expect([calls[0]!.input, calls[0]!.headers.get("authorization")]).toEqual([input, "Basic x"]);
    expect(getToken).not.toHaveBeenCalled();
    expect(renew).not.toHaveBeenCalled();
  });

  it("g5_an_abort_while_waiting_rejects_with_its_reason", async () => {
    const { api } = rig();
    const control = new AbortController();
    const call = expect(api.fetch(URL_, { signal: control.signal })).rejects.toBe("enough");
    control.abort("enough");
    await call;
    expect(calls).toEqual([]);
  });

  it("g2_a_leavers_call_does_not_go_out", async () => {
    const { api, attach, adapter, switchTo } = rig();
    attach("a:1");
    adapter.hold!(false);
    const call = expect(api.fetch(URL_)).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    switchTo("b:1");
    await call;
    await api.fetch(URL_);
    expect(sent()).toEqual(["Bearer b:1"]);
  });

  it("g3_a_401_causes_one_refresh_and_one_replay", async () => {
    const { api, attach, renew, rejected } = rig();
    attach("a:1");
    refused.add("a:1");
    const response = await api.fetch(URL_, { method: "POST", body: "{}" });
    expect([response.status, await response.text()]).toEqual([200, "a:11"]);
    expect(calls.map(({ body, headers }) => [body, headers.get("authorization")])).toEqual([
      ["{}", "Bearer a:1"],
      ["{}", "Bearer a:11"],
    ]);
    refused.add("a:11");
    expect((await api.fetch(URL_)).status).toBe(200);
    expect(renew.mock.calls).toEqual([["a:1"], ["a:11"]]);
    expect(rejected).not.toHaveBeenCalled();
  });

  it("h5_a_second_refusal_is_handed_to_the_caller_and_reported", async () => {
    const { api, attach, rejected } = rig();
    attach("a:1");
    ["a:1", "a:11"].forEach((token) => refused.add(token));
    const response = await api.fetch(URL_);
    expect([response.status, await response.text()]).toEqual([401, "a:11"]);
    expect(rejected.mock.calls).toEqual([[{ retry: true }]]);
  });

  it("h5_one_endpoints_own_401_is_not_the_backends_refusal", async () => {
    const { api, attach, rejected } = rig();
    closed = ["/admin"];
    attach("a:1");
    for (let i = 0; i < 5; i++) {
      await api.fetch(URL_);
      expect((await api.fetch("https://api.example.com/admin")).status).toBe(401);
    }
    expect(rejected).not.toHaveBeenCalled();
  });

  it.each<[string, () => BodyInit]>([
    ["text", () => "text"],
    ["a form", () => new URLSearchParams({ a: "1" })],
    ["form data", () => new FormData()],
    ["a blob", () => new Blob(["x"])],
    ["bytes", () => new Uint8Array([1]).buffer],
  ])("g3_%s_is_sent_twice", async (_, body) => {
    const { api, attach, reports } = rig();
    attach("a:1");
    refused.add("a:1");
    expect((await api.fetch(URL_, { method: "POST", body: body() })).status).toBe(200);
    expect(reports).toEqual([]);
  });

  it("g3_a_request_with_a_body_is_sent_twice", async () => {
    const { api, attach } = rig();
    attach("a:1");
    refused.add("a:1");
    const body = new Response("streamed").body;
    const request = new Request(URL_, { method: "POST", body, duplex: "half" } as RequestInit);
    expect((await api.fetch(request)).status).toBe(200);
    expect(calls.map(({ body }) => body)).toEqual(["streamed", "streamed"]);
  });

  it("g3_a_body_that_is_a_stream_is_not_replayed", async () => {
    const { api, attach, renew, reports } = rig();
    attach("a:1");
    refused.add("a:1");
    const body = new Response("streamed").body;
    const response = await api.fetch(URL_, { method: "POST", body, duplex: "half" } as RequestInit);
    expect([response.status, await response.text()]).toEqual([401, "a:1"]);
    expect(calls).toHaveLength(1);
    expect(reports).toEqual(["call.not-replayed"]);
    expect(renew).toHaveBeenCalledTimes(1);
  });

  it("g3_the_first_answer_stands_when_no_new_token_can_be_had", async () => {
    const { api, attach, renew } = rig();
    attach("a:1");
    refused.add("a:1");
    renew.mockRejectedValue(new Error("offline"));
    const response = await api.fetch(URL_);
    expect([response.status, await response.text()]).toEqual([401, "a:1"]);
  });

  it("d1_a_leavers_refused_call_is_not_made_as_the_next_user", async () => {
    const { api, attach, renew, switchTo } = rig();
    attach("a:1");
    refused.add("a:1");
    renew.mockImplementation(async () => {
      switchTo("b:1");
      return "b:1";
    });
    expect((await api.fetch(URL_)).status).toBe(401);
    expect(sent()).toEqual(["Bearer a:1"]);
  });
});
