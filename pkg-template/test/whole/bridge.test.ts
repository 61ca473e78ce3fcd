// The whole package, wasm module and all, from the public API to a backend, on a clock that the test turns.
import { describe, expect, it, vi } from "vitest";
import { type Bridge, BridgeError } from "../../src/index.js";
import { createTestSource } from "../../src/testing.js";
import type { BridgeOptions } from "../../src/types.js";
import { SECOND, claimsOf, make, pass, recorder, rig } from "./rig.js";

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
