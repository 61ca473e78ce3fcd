// The whole package, wasm module and all, from the public API to a backend, on a clock that the test turns.
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Bridge, BridgeError, type BridgeEvent, createBridge, defineBackend } from "../../src/index.js";
import { createTestSource, type TestSource } from "../../src/testing.js";
import type { AttachContext, BackendDefinition, BridgeOptions } from "../../src/types.js";

const SECOND = 1000;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const open: Bridge<any>[] = [];

const claimsOf = (token: string) => JSON.parse(atob(token.split(".")[1]!));

/** A backend that writes down what it is told. */
const recorder = (more: Partial<BackendDefinition> = {}) => {
  const log: string[] = [];
  const tokens: string[] = [];
  const contexts: AttachContext[] = [];
  const note = (word: string) => (token: string, context: AttachContext) => {
    log.push(`${word} ${claimsOf(token).sub}`);
    tokens.push(token);
    contexts.push(context);
  };
  const backend = defineBackend({
    kind: "recorder",
    attach: note("attach"),
    update: note("update"),
    detach: (reason) => void log.push(`detach ${reason}`),
    ...more,
  });
  return { backend, log, tokens, contexts, note };
};

const make = (source: TestSource | object | undefined, options: BridgeOptions<any> = {}) => {
  const events: BridgeEvent[] = [];
  const bridge = createBridge<any>({
    source: source as TestSource,
    shareTabs: false,
    onEvent: (event) => events.push(event),
    ...options,
  });
  open.push(bridge);
  return { bridge, events, types: () => events.map(({ type }) => type) };
};

/** A bridge with one recording backend. */
const rig = (source: TestSource | object | undefined, options: BridgeOptions<any> = {}, more = {}) => {
  const recorded = recorder(more);
  return { ...make(source, { backends: { own: recorded.backend }, ...options }), ...recorded };
};

beforeAll(async () => {
  // Compiling takes real time; later bridges share the module.
  const bridge = createBridge({ source: createTestSource() });
  expect((await bridge.ready).status).toBe("unauthenticated");
  bridge.dispose();
});
beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(async () => {
  for (const bridge of open.splice(0)) bridge.dispose();
  await pass(0); // jsdom tells of a change in storage by a timer
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("signing in", () => {
  it("a1_a2_b1_from_loading_to_authenticated_with_one_fetch", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, log, tokens } = rig(source);
    const states: string[] = [];
    bridge.subscribe(() => states.push(bridge.getSnapshot().status));
    expect(bridge.getSnapshot().isLoading).toBe(true);
    const first = bridge.getToken();
    await pass(0);
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, userId: "user_a", orgId: null, error: null });
    expect(bridge.getSnapshot().backends.own!.isAuthenticated).toBe(true);
    expect(states.filter((state) => state === "authenticated")).toHaveLength(1);
    expect(log).toEqual(["attach user_a"]);
    expect(await first).toBe(tokens[0]);
    expect(await bridge.getToken()).toBe(tokens[0]);
    expect(source.fetches).toHaveLength(1);
    expect((await bridge.ready).status).not.toBe("loading");
  });

  it("a5_the_state_of_a_backend_is_replaced_only_when_it_changes", async () => {
    const source = createTestSource({ user: "user_a" });
    const [one, two] = [recorder(), recorder({ template: "two" })];
    const getToken = vi.spyOn(source, "getToken");
    const { bridge } = make(source, { backends: { one: one.backend, two: two.backend } });
    await pass(2 * SECOND);
    const before = bridge.getSnapshot();
    getToken.mockRejectedValue(new Error("offline"));
    two.contexts[0]!.rejected({ retry: true });
    await pass(0);
    const after = bridge.getSnapshot();
    expect(after.backends.two!.isRefreshing).toBe(true);
    expect(after.backends.one).toBe(before.backends.one);
    expect(after).not.toBe(before);
  });

  it("a3_nobody_is_unauthenticated_and_gets_null", async () => {
    const { bridge, log } = rig(createTestSource());
    expect(await bridge.getToken()).toBeNull();
    expect(bridge.getSnapshot()).toMatchObject({ status: "unauthenticated", userId: null, error: null });
    expect(log).toEqual([]);
  });

  it("a6_a_source_that_never_knows_is_reported_and_mended_when_it_does", async () => {
    let session: unknown;
    let changed!: () => void;
    const source = {
      getSession: () => session,
      subscribe: (listener: () => void) => ((changed = listener), () => {}),
      getToken: async () => "opaque",
    };
    const { bridge } = make(source, { sourceTimeoutMs: 5 * SECOND });
    await pass(4999);
    expect(bridge.getSnapshot().isLoading).toBe(true);
    await pass(2);
    expect(bridge.getSnapshot()).toMatchObject({ status: "unauthenticated", error: { code: "ERR_SOURCE_TIMEOUT" } });
    await expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_SOURCE_TIMEOUT" });
    session = { userId: "user_a", sessionId: "s" };
    changed();
    expect(await bridge.getToken()).toBe("opaque");
    expect(bridge.getSnapshot()).toMatchObject({ status: "authenticated", error: null });
  });

  it("b5_a_session_token_that_fits_convex_spares_the_template", async () => {
    const source = createTestSource();
    source.signIn({ userId: "user_a", claims: { aud: ["convex"] } });
    const { convex } = await import("../../src/convex.js");
    const client = { backendUrl: "", setAuth: vi.fn(), clearAuth() {} };
    const { bridge } = make(source, { backends: { convex: convex(client) } });
    await pass(0);
    expect(bridge.getSnapshot().isAuthenticated).toBe(true);
    expect(source.fetches.map(({ template }) => template)).toEqual([null]);
    expect(client.setAuth).toHaveBeenCalledWith(await bridge.getToken());
  });

  it("b5_else_the_template_is_used", async () => {
    const source = createTestSource();
    source.signIn({ userId: "user_a", claims: { aud: "other" } });
    const { convex } = await import("../../src/convex.js");
    const client = { backendUrl: "", setAuth: vi.fn(), clearAuth() {} };
    const { bridge } = make(source, { backends: { convex: convex(client) } });
    await pass(0);
    expect(source.fetches.map(({ template }) => template)).toEqual(["convex"]);
    expect(client.setAuth).toHaveBeenCalledWith(await bridge.getToken({ template: "convex" }));
  });
});

describe("rotation", () => {
  it("a2_c1_c2_hands_over_new_tokens_in_time_and_publishes_nothing", async () => {
    const source = createTestSource({ user: "user_a", lifetimeSeconds: 60 });
    const { bridge, log, tokens } = rig(source);
    await pass(0);
    const state = bridge.getSnapshot();
    const listener = vi.fn();
    bridge.subscribe(listener);
    for (let minute = 1; minute <= 10; minute++) {
      await pass(60 * SECOND);
      const token = (await bridge.getToken())!;
      expect(claimsOf(token).exp * 1000).toBeGreaterThan(Date.now());
    }
    expect(bridge.getSnapshot()).toBe(state);
    expect(listener).not.toHaveBeenCalled();
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(log.length).toBeGreaterThan(10);
    expect(log.length).toBeLessThan(16);
    expect(log.slice(1).every((line) => line === "update user_a")).toBe(true);
  });

  it("c4_after_a_sleep_the_refresh_comes_first", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, tokens } = rig(source);
    await pass(0);
    vi.setSystemTime(Date.now() + 3600 * SECOND);
    const token = bridge.getToken();
    window.dispatchEvent(new Event("pageshow"));
    await pass(0);
    expect(await token).toBe(tokens[1]);
    expect(tokens).toHaveLength(2);
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, isRefreshing: false });
  });

  it("h5_a_rejected_token_is_replaced_and_refreshing_is_paired", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, contexts, log } = rig(source);
    await pass(2 * SECOND);
    const refreshing: boolean[] = [];
    bridge.subscribe(() => refreshing.push(bridge.getSnapshot().isRefreshing));
    contexts[0]!.rejected({ retry: true });
    await pass(2 * SECOND);
    expect(log).toHaveLength(2);
    expect(source.fetches.map(({ skipCache }) => skipCache)).toEqual([false, true]);
    expect(refreshing).toEqual([true, false]);
    expect(bridge.getSnapshot().isAuthenticated).toBe(true);
  });

  it("g3_a_call_refused_with_a_token_of_long_ago_is_made_with_the_current_one_without_a_fetch", async () => {
    const source = createTestSource();
    source.signIn({ userId: "user_a", claims: { aud: "convex" } });
    const { convex } = await import("../../src/convex.js");
    const bearers: string[] = [];
    let answer!: (response: Response) => void;
    const serve = async (_: unknown, { headers }: any) => {
      bearers.push(headers.Authorization);
      if (bearers.length > 1) return new Response("ok");
      return new Promise<Response>((resolve) => (answer = resolve));
    };
    const client: any = { backendUrl: "", setAuth() {}, clearAuth() {}, fetch: serve };
    const { bridge } = make(source, { backends: { convex: convex(client) } });
    await pass(2 * SECOND);
    const old = await bridge.getToken();
    const call = client.fetch("/api/query", { headers: {} });
    await pass(200 * SECOND);
    const fetches = source.fetches.length;
    const current = await bridge.getToken();
    answer(new Response("", { status: 401 }));
    await pass(0);
    expect(await (await call).text()).toBe("ok");
    expect(bearers).toEqual([`Bearer ${old}`, `Bearer ${current}`]);
    expect(current).not.toBe(old);
    expect(source.fetches).toHaveLength(fetches);
  });

  it("h33_a_wrong_configuration_says_what_to_do", async () => {
    const attach = async () => {
      throw new BridgeError("ERR_BACKEND_CONFIG", "Add the claim `role` to the template.");
    };
    const { bridge } = rig(createTestSource({ user: "user_a" }), {}, { attach });
    await pass(SECOND);
    const { status, userId, error, backends } = bridge.getSnapshot();
    expect([status, userId]).toEqual(["unauthenticated", "user_a"]); // A9
    expect(error).toMatchObject({ code: "ERR_BACKEND_CONFIG", backend: "own", hint: "Add the claim `role` to the template." });
    expect(backends.own!.error).toBe(error);
  });
});

describe("leaving and switching", () => {
  it("d3_another_user_comes_after_the_first_has_left", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, log } = rig(source);
    await pass(0);
    let mayGo!: () => void;
    bridge.onLeave((userId, reason) => {
      log.push(`leave ${userId} ${reason}`);
      return new Promise<void>((resolve) => (mayGo = resolve));
    });
    source.signIn("user_b");
    await pass(SECOND);
    expect(log).toEqual(["attach user_a", "leave user_a user-switched"]);
    expect(bridge.getSnapshot()).toMatchObject({ userId: "user_b", isAuthenticated: false });
    mayGo();
    await pass(0);
    expect(log.slice(2)).toEqual(["detach user-switched", "attach user_b"]);
    expect(bridge.getSnapshot()).toMatchObject({ userId: "user_b", isAuthenticated: true });
  });

  it("d3_a_callback_that_hangs_or_throws_holds_up_nobody_for_long", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, log, types } = rig(source);
    await pass(0);
    bridge.onLeave(() => new Promise(() => {}));
    source.signIn("user_b");
    await pass(4999);
    expect(log).toEqual(["attach user_a"]);
    await pass(2);
    expect(log).toEqual(["attach user_a", "detach user-switched", "attach user_b"]);
    expect(types()).toContain("leave.timeout");
  });

  it("c6_another_organization_is_one_minted_fetch_and_no_flash", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, log, contexts } = rig(source);
    await pass(2 * SECOND);
    const seen: boolean[] = [];
    bridge.subscribe(() => seen.push(bridge.getSnapshot().isAuthenticated));
    source.setOrganization("org_1", "admin");
    await pass(2 * SECOND);
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, orgId: "org_1", orgRole: "admin" });
    expect(seen).not.toContain(false);
    expect(source.fetches.map(({ skipCache }) => skipCache)).toEqual([false, true]);
    expect(log).toEqual(["attach user_a", "detach identity-changed", "attach user_a"]);
    expect(contexts[1]!.orgId).toBe("org_1");
    expect(contexts[0]!.signal.aborted).toBe(true);
    expect(contexts[1]!.signal.aborted).toBe(false);
  });

  it("d2_a_sign_out_during_an_attach_aborts_it_and_detaches", async () => {
    const source = createTestSource({ user: "user_a" });
    const attach = (_: string, { signal }: AttachContext) =>
      new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const { bridge, log } = rig(source, {}, { attach });
    await pass(0);
    expect(bridge.getSnapshot().isLoading).toBe(true);
    await source.signOut();
    await pass(0);
    expect(log).toEqual(["detach signed-out"]);
    expect(bridge.getSnapshot()).toMatchObject({ status: "unauthenticated", userId: null, error: null });
    expect(localStorage.getItem("clerk-bridge")).toBeNull(); // F4
  });

  it("d2_an_attach_that_hangs_holds_up_the_detaching_for_five_seconds", async () => {
    const source = createTestSource({ user: "user_a" });
    const { log } = rig(source, {}, { attach: () => new Promise<void>(() => {}) });
    await pass(0);
    await source.signOut();
    await pass(4 * SECOND);
    expect(log).toEqual([]);
    await pass(2 * SECOND);
    expect(log).toEqual(["detach signed-out"]);
  });

  it("d7_sign_out_detaches_first_and_twice_is_once", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, log } = rig(source);
    await pass(0);
    const { signOut } = source;
    source.signOut = async () => {
      log.push("clerk");
      await signOut();
    };
    const both = Promise.all([bridge.signOut(), bridge.signOut()]);
    await pass(0);
    expect(await both).toEqual([undefined, undefined]);
    expect(log).toEqual(["attach user_a", "detach signed-out", "clerk"]);
    expect(await bridge.getToken()).toBeNull();
  });

  it("d7_a_sign_out_that_clerk_refuses_says_so_after_the_backends_are_detached", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, log } = rig(source);
    await pass(0);
    const offline = new Error("offline");
    source.signOut = async () => Promise.reject(offline);
    const failed = expect(bridge.signOut()).rejects.toMatchObject({ code: "ERR_SOURCE_FAILED", cause: offline });
    await pass(0);
    await failed;
    expect(log.slice(0, 2)).toEqual(["attach user_a", "detach signed-out"]);
  });

  it("g2_a_call_that_waits_when_the_user_leaves_is_rejected", async () => {
    const source = createTestSource({ user: "user_a" });
    source.fail("timeout");
    const { bridge } = rig(source);
    await pass(0);
    const waiting = expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    source.fail(null);
    source.signIn("user_b");
    await waiting;
  });
});

describe("failures", () => {
  it("b2_b3_passing_ones_are_retried_and_sign_nobody_out", async () => {
    const source = createTestSource({ user: "user_a" });
    source.fail("offline", 2);
    const { bridge, log, types } = rig(source);
    await pass(0);
    expect(bridge.getSnapshot()).toMatchObject({ status: "loading", userId: "user_a", error: { code: "ERR_TOKEN_TRANSIENT" } });
    expect(bridge.getSnapshot().error!.cause).toMatchObject({ code: "clerk_offline" });
    await pass(5 * SECOND);
    expect(bridge.getSnapshot()).toMatchObject({ status: "authenticated", error: null });
    expect(log).toEqual(["attach user_a"]);
    expect(source.fetches).toHaveLength(3);
    expect(types().filter((type) => type === "retry.scheduled")).toHaveLength(2);
  });

  it("b4_b10_a_fetch_that_hangs_counts_as_failed_in_time", async () => {
    const source = createTestSource({ user: "user_a" });
    source.fail("timeout");
    const { bridge } = rig(source, { fetchTimeoutMs: 2 * SECOND });
    const late = expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_TOKEN_TRANSIENT" });
    await pass(2 * SECOND + 1);
    await late;
    source.fail(null);
    await pass(5 * SECOND);
    expect(bridge.getSnapshot().isAuthenticated).toBe(true);
  });

  it("b3_back_online_the_retry_is_at_once", async () => {
    const source = createTestSource({ user: "user_a" });
    source.fail("offline");
    const { bridge } = rig(source);
    await pass(120 * SECOND);
    source.fail(null);
    await pass(SECOND);
    window.dispatchEvent(new Event("online"));
    await pass(0);
    expect(bridge.getSnapshot().isAuthenticated).toBe(true);
  });

  it("b5_a_missing_template_is_named_and_retried", async () => {
    const source = createTestSource({ user: "user_a" });
    source.fail("no-template");
    const { bridge, log } = rig(source, {}, { template: "search" });
    await expect(bridge.getToken({ template: "search" })).rejects.toMatchObject({ code: "ERR_TOKEN_TEMPLATE" });
    const { error } = bridge.getSnapshot();
    expect(error).toMatchObject({ code: "ERR_TOKEN_TEMPLATE", hint: expect.stringContaining("template") });
    expect(error!.cause).toMatchObject({ status: 404 });
    source.fail(null);
    await pass(60 * SECOND);
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, error: null });
    expect(log[0]).toBe("attach user_a");
  });

  it("b6_while_a_token_is_good_nobody_hears_of_failures", async () => {
    const source = createTestSource({ user: "user_a", lifetimeSeconds: 60 });
    const { bridge } = rig(source);
    await pass(0);
    const state = bridge.getSnapshot();
    source.fail("server-error");
    await pass(58 * SECOND);
    expect(bridge.getSnapshot()).toBe(state);
    await pass(4 * SECOND);
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, isRefreshing: true }); // A4
    source.fail(null);
    await pass(31 * SECOND);
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, isRefreshing: false, error: null });
  });

  it("b9_what_is_no_token_is_malformed_and_what_is_no_jwt_works", async () => {
    const source = createTestSource({ user: "user_a" });
    const getToken = vi.spyOn(source, "getToken").mockResolvedValue("not a token: ü");
    const { bridge } = make(source);
    await pass(0);
    expect(bridge.getSnapshot().error).toMatchObject({ code: "ERR_TOKEN_MALFORMED" });
    getToken.mockResolvedValue("opaque");
    await pass(5 * SECOND);
    expect(await bridge.getToken()).toBe("opaque");
  });

  it("b11_a_token_of_another_user_is_not_used", async () => {
    const other = await createTestSource({ user: "user_x" }).getToken({});
    const source = createTestSource({ user: "user_ä" });
    const getToken = vi.spyOn(source, "getToken").mockResolvedValueOnce(other);
    const { bridge, types } = make(source);
    await pass(5 * SECOND);
    expect(getToken).toHaveBeenCalledTimes(2);
    expect(types()).toContain("retry.scheduled");
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, userId: "user_ä" });
    expect(await bridge.getToken()).not.toBe(other);
  });
});

describe("reloads", () => {
  const unknown = () => {
    let changed = () => {};
    const source = {
      session: undefined as unknown,
      getSession: () => source.session,
      subscribe: (listener: () => void) => ((changed = listener), () => {}),
      getToken: async (): Promise<string> => Promise.reject(new Error("not loaded")),
      set(session: unknown) {
        source.session = session;
        changed();
      },
    };
    return source;
  };
  const token = /eyJ/;

  it("a1_f2_who_was_here_is_remembered_and_no_token_is_kept", async () => {
    const source = createTestSource();
    source.signIn({ userId: "user_a", orgId: "org_1" });
    const before = rig(source);
    await pass(0);
    before.bridge.dispose();
    expect(localStorage.getItem("clerk-bridge")).toContain("user_a");
    expect(localStorage.getItem("clerk-bridge")).not.toMatch(token);
    expect(sessionStorage).toHaveLength(0);
    const { bridge } = rig(unknown());
    await pass(0);
    expect(bridge.getSnapshot()).toMatchObject({ isLoading: true, remembered: { userId: "user_a", orgId: "org_1" } });
  });

  it("d4_data_left_behind_is_cleared_before_the_next_user_comes", async () => {
    const before = rig(createTestSource({ user: "user_a" }));
    await pass(0);
    before.bridge.dispose();
    const { log } = rig(createTestSource({ user: "user_b" }));
    await pass(0);
    expect(log).toEqual(["detach user-switched", "attach user_b"]);
  });

  it("f3_with_tokens_a_reload_is_authenticated_before_clerk_has_loaded", async () => {
    const source = createTestSource({ user: "user_a" });
    const before = rig(source, { persist: "tokens" });
    await pass(0);
    const session = source.getSession();
    before.bridge.dispose();
    expect(sessionStorage.getItem("clerk-bridge")).toMatch(token);
    expect(localStorage.getItem("clerk-bridge")).not.toMatch(token);
    const loading = unknown();
    const { bridge, log, tokens } = rig(loading, { persist: "tokens" });
    await pass(0);
    expect(bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, userId: "user_a" });
    expect(tokens).toEqual([before.tokens[0]]);
    loading.set(session);
    await pass(0);
    expect(log).toEqual(["attach user_a"]);
    expect(bridge.getSnapshot().isAuthenticated).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ["nobody", null, "detach signed-out"],
    ["somebody else", { userId: "user_b", sessionId: "s_b" }, "detach user-switched"],
  ])("f3_when_clerk_shows_%s_the_backends_are_detached_at_once", async (_, session, detached) => {
    const before = rig(createTestSource({ user: "user_a" }), { persist: "tokens" });
    await pass(0);
    before.bridge.dispose();
    const loading = unknown();
    const { bridge, log } = rig(loading, { persist: "tokens" });
    await pass(0);
    expect(bridge.getSnapshot().isAuthenticated).toBe(true);
    loading.set(session);
    await pass(0);
    expect(log).toEqual(["attach user_a", detached]);
    expect(bridge.getSnapshot().isAuthenticated).toBe(false);
    expect(sessionStorage).toHaveLength(0);
  });

  it("f1_storage_that_is_blocked_changes_nothing_but_an_event", async () => {
    const blocked = vi.spyOn(window, "localStorage", "get").mockImplementation(() => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    });
    const { bridge, types } = rig(createTestSource({ user: "user_a" }));
    await pass(0);
    expect(bridge.getSnapshot().isAuthenticated).toBe(true);
    expect(types()).toContain("storage.failed");
    blocked.mockRestore();
  });
});

describe("callbacks", () => {
  it("a5_may_use_the_bridge", async () => {
    const source = createTestSource({ user: "user_a" });
    const { bridge, log } = rig(source);
    const seen: unknown[] = [];
    const stop = bridge.subscribe(() => {
      if (!bridge.getSnapshot().isAuthenticated) return;
      stop();
      bridge.getToken().then((token) => seen.push(claimsOf(token!).sub));
      bridge.signOut().then(() => seen.push("out"));
    });
    await pass(SECOND);
    expect(seen).toEqual(["user_a", "out"]);
    expect(log).toEqual(["attach user_a", "detach signed-out"]);
    expect(bridge.getSnapshot().status).toBe("unauthenticated");
  });

  it.each<[string, (dispose: () => void) => { options?: BridgeOptions<any>; more?: object; after?: (bridge: Bridge<any>) => void }]>([
    ["a listener", (dispose) => ({ after: (bridge) => void bridge.subscribe(dispose) })],
    ["the event log", (dispose) => ({ options: { onEvent: dispose } })],
    ["attach", (attach) => ({ more: { attach } })],
    ["onLeave", (dispose) => ({ after: (bridge) => void bridge.onLeave(dispose) })],
    ["detach", (detach) => ({ more: { detach } })],
  ])("d6_a_dispose_inside_%s_is_the_end", async (_, how) => {
    const source = createTestSource({ user: "user_a" });
    let bridge!: Bridge<any>;
    const dispose = vi.fn(() => bridge.dispose());
    const { options, more, after } = how(dispose);
    ({ bridge } = rig(source, options, more));
    after?.(bridge);
    await pass(SECOND);
    source.signIn("user_b");
    await pass(10 * SECOND);
    expect(dispose).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
    const fetches = source.fetches.length;
    window.dispatchEvent(new Event("online"));
    await pass(600 * SECOND);
    expect(source.fetches).toHaveLength(fetches);
    await expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
  });

  it("d6_a_dispose_during_a_fetch_answers_the_callers", async () => {
    const source = createTestSource({ user: "user_a" });
    source.fail("timeout");
    const { bridge } = rig(source);
    await pass(0);
    const waiting = expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    bridge.dispose();
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("i5_bridges_in_one_module_do_not_disturb_each_other", async () => {
    const [a, b] = [createTestSource({ user: "user_a" }), createTestSource({ user: "user_b" })];
    const one = rig(a, { name: "one" });
    const two = rig(b, { name: "two" });
    await pass(0);
    one.bridge.dispose();
    await pass(120 * SECOND);
    expect(two.bridge.getSnapshot()).toMatchObject({ isAuthenticated: true, userId: "user_b" });
    expect(two.log.length).toBeGreaterThan(2);
    expect(one.log).toEqual(["attach user_a"]);
  });

  it("j3_bridges_come_and_go", async () => {
    for (let i = 0; i < 200; i++) {
      const { bridge } = rig(createTestSource({ user: "user_a" }), { persist: false });
      await pass(0);
      expect(bridge.getSnapshot().isAuthenticated).toBe(true);
      bridge.dispose();
    }
  });
});
