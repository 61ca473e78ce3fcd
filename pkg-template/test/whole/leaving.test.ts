// The whole package, wasm module and all: leaving, switching, and what goes wrong.
import { describe, expect, it, vi } from "vitest";
import { createTestSource } from "../../src/testing.js";
import type { AttachContext } from "../../src/types.js";
import { SECOND, make, pass, rig } from "./rig.js";

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
