// The Hasura adapter and the real client of graphql-ws: whose socket it is, with which token it opens, and how it ends.
// The server is a stand-in.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EXPIRED } from "./fake/hasura.js";
import { settled, socketRig } from "./fake/hasura-rig.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("connectionParams", () => {
  it("h30_carries_the_token_and_role_of_the_user", async () => {
    const { server, subscribe, attach } = socketRig({ role: "editor" });
    attach("a:1");
    const { rows } = subscribe();
    await settled();
    expect(server.last()).toMatchObject({
      url: "wss://app.hasura.test/v1/graphql",
      init: { headers: { Authorization: "Bearer a:1", "x-hasura-role": "editor" } },
    });
    expect(rows).toEqual(["a"]);
  });

  it.each([
    ["an object", { a: 1, headers: { "x-own": "1" } }],
    ["a function", async () => ({ a: 1, headers: { "x-own": "1" } })],
  ])("is_merged_with_the_applications (%s)", async (_, connectionParams) => {
    const { server, subscribe, attach } = socketRig({}, { connectionParams });
    attach("a:1");
    subscribe();
    await settled();
    expect(server.last().init).toEqual({ a: 1, headers: { "x-own": "1", Authorization: "Bearer a:1" } });
  });

  it.each(["Authorization", "authorization"])("g5_an_%s_of_the_applications_own_stands", async (name) => {
    const own = { a: 1, headers: { [name]: "own" } };
    const { server, subscribe, attach, update, renew } = socketRig({ role: "editor" }, { connectionParams: () => own });
    attach("a:1");
    const { ended } = subscribe();
    await settled();
    update("a:2");
    await settled();
    expect(server.sockets.map(({ init }) => init)).toEqual([own]);
    // Refused, it is not ours to mend.
    server.last().end(4403);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ended.mock.calls).toEqual([[4403]]);
    expect([renew.mock.calls, server.sockets.length]).toEqual([[], 1]);
  });

  it("g5_so_does_a_role_in_whatever_case", async () => {
    const headers = { "X-Hasura-Role": "own" };
    const { server, subscribe, attach } = socketRig({ role: "editor" }, { connectionParams: { headers } });
    attach("a:1");
    subscribe();
    await settled();
    expect(server.last().init).toEqual({ headers: { ...headers, Authorization: "Bearer a:1" } });
  });

  it("h31_settles_in_time_if_the_applications_own_hangs", async () => {
    const { backend, attach } = socketRig({}, {});
    attach("a:1");
    const seen = vi.fn();
    backend.graphqlWs({ connectionParams: () => new Promise(() => {}) }).connectionParams().then(seen);
    await vi.advanceTimersByTimeAsync(2500);
    expect(seen).toHaveBeenCalledWith({ headers: { Authorization: "Bearer a:1" } });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("g1_nobody_sends_no_authorization", async () => {
    const { server, subscribe, adapter } = socketRig({ role: "editor", wsUrl: "ws://other.test/" });
    adapter.nobody!();
    const { rows } = subscribe();
    await settled();
    expect([server.last().url, server.last().init]).toEqual(["ws://other.test/", {}]);
    expect(rows).toEqual([null]);
  });

  it("h31_never_rejects_and_settles_in_time", async () => {
    const { backend } = socketRig();
    const params = backend.graphqlWs().connectionParams();
    const seen = vi.fn();
    params.then(seen);
    await vi.advanceTimersByTimeAsync(2499);
    expect(seen).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(seen).toHaveBeenCalledWith({});
    const failing = async () => {
      throw new Error("theirs");
    };
    const { backend: other, attach } = socketRig();
    attach("a:1");
    expect(await other.graphqlWs({ connectionParams: failing }).connectionParams()).toEqual({
      headers: { Authorization: "Bearer a:1" },
    });
  });

  it("h31_g2_a_socket_that_has_no_token_in_time_waits_for_one_instead_of_going_on_anonymously", async () => {
    const { server, subscribe, attach } = socketRig();
    const { rows, ended } = subscribe();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.sockets).toHaveLength(1);
    attach("a:1");
    await vi.advanceTimersByTimeAsync(50);
    expect(server.inits()).toEqual(["Bearer a:1"]);
    expect([rows, ended.mock.calls]).toEqual([["a"], []]);
  });

  it("d6_a_socket_after_dispose_uses_the_last_token", async () => {
    const { server, subscribe, attach, dispose } = socketRig();
    attach("a:1");
    const { rows } = subscribe();
    await settled();
    dispose();
    server.last().end(1006);
    await vi.advanceTimersByTimeAsync(2000);
    expect(server.inits()).toEqual(["Bearer a:1", "Bearer a:1"]);
    expect(rows).toEqual(["a", "a"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("rotation", () => {
  it("h30_a_subscription_survives_with_one_socket_per_token_and_no_wait", async () => {
    const { server, subscribe, attach, update } = socketRig();
    attach("a:1");
    const { rows, ended } = subscribe();
    await settled();
    server.setup.hang = true; // a close is not even answered
    for (let i = 2; i <= 11; i++) {
      update("a:" + i);
      await settled();
      expect(rows).toHaveLength(i);
    }
    expect(server.inits()).toEqual(Array.from({ length: 11 }, (_, i) => "Bearer a:" + (i + 1)));
    expect(server.open()).toHaveLength(1);
    expect(ended).not.toHaveBeenCalled();
    // Late ends of the old sockets disturb nobody.
    for (const socket of server.sockets.slice(0, -1)) socket.finish(1000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.sockets).toHaveLength(11);
  });

  it("h30_the_same_token_again_renews_nothing", async () => {
    const { server, subscribe, attach, update } = socketRig();
    attach("a:1");
    subscribe();
    await settled();
    update("a:1");
    attach("a:1");
    await settled();
    expect(server.sockets).toHaveLength(1);
  });

  it("h30_a_newer_token_than_the_one_handed_over_is_not_replaced_by_it", async () => {
    const { server, subscribe, attach, update, getToken } = socketRig();
    attach("a:1");
    getToken.mockResolvedValueOnce("a:2");
    subscribe();
    await settled();
    update("a:2");
    await settled();
    expect(server.inits()).toEqual(["Bearer a:2"]);
  });

  it("c6_a_hold_leaves_the_socket_alone", async () => {
    const { server, subscribe, attach, adapter } = socketRig();
    attach("a:1");
    subscribe();
    await settled();
    adapter.hold!(false);
    await settled();
    expect(server.open()).toHaveLength(1);
  });

  it("an_anonymous_subscription_goes_on_as_the_user_who_signs_in", async () => {
    const { subscribe, attach, adapter } = socketRig();
    adapter.nobody!();
    const { rows } = subscribe();
    await settled();
    attach("a:1");
    await settled();
    expect(rows).toEqual([null, "a"]);
  });
});

describe("leaving", () => {
  it("h32_sign_out_ends_sockets_and_subscriptions_for_good", async () => {
    const { server, subscribe, attach, signOut } = socketRig();
    attach("a:1");
    const { rows, ended } = subscribe();
    await settled();
    server.setup.hang = true;
    signOut();
    server.last().row();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ended.mock.calls).toEqual([["ERR_SIGNED_OUT"]]);
    expect(rows).toEqual(["a"]);
    expect([server.sockets.length, server.open().length]).toEqual([1, 0]);
    const anonymous = subscribe();
    await settled();
    expect(anonymous.rows).toEqual([null]);
    expect(server.inits()).toEqual(["Bearer a:1", null]);
  });

  it("h32_after_a_switch_the_next_user_sees_only_their_own_rows", async () => {
    const { server, subscribe, attach, switchTo } = socketRig();
    attach("a:1");
    const first = subscribe();
    await settled();
    switchTo("b:1");
    const second = subscribe();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(first.ended.mock.calls).toEqual([["ERR_SIGNED_OUT"]]);
    expect([first.rows, second.rows]).toEqual([["a"], ["b"]]);
    expect(server.inits()).toEqual(["Bearer a:1", "Bearer b:1"]);
    expect(server.open()).toHaveLength(1);
  });

  it("h32_a_socket_on_its_way_is_ended_before_it_says_anything", async () => {
    const { server, subscribe, attach, switchTo } = socketRig();
    attach("a:1");
    const first = subscribe();
    switchTo("b:1");
    await settled();
    expect(first.ended.mock.calls).toEqual([["ERR_SIGNED_OUT"]]);
    expect([server.inits(), server.open()]).toEqual([[], []]);
  });

  it("h32_so_is_one_that_waits_for_its_token", async () => {
    const { server, subscribe, attach, adapter, switchTo } = socketRig();
    attach("a:1");
    adapter.hold!(false);
    const first = subscribe();
    await settled();
    switchTo("b:1");
    await settled();
    expect(first.ended.mock.calls).toEqual([["ERR_SIGNED_OUT"]]);
    expect([server.inits(), server.open()]).toEqual([[], []]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([false, true])("h32_so_is_one_that_waits_to_reconnect (server still down: %s)", async (down) => {
    const { server, subscribe, attach, switchTo } = socketRig();
    attach("a:1");
    const first = subscribe();
    await settled();
    server.setup.down = true;
    server.last().end(1006);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(first.ended).not.toHaveBeenCalled();
    const tries = server.sockets.length;
    server.setup.down = down;
    switchTo("b:1");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(first.ended).toHaveBeenCalledTimes(1);
    expect(server.sockets.length - tries).toBeLessThan(2);
    expect(server.inits()).toEqual(["Bearer a:1"]);
    server.setup.down = false;
    const second = subscribe();
    await settled();
    expect(second.rows).toEqual(["b"]);
  });

  it("h32_a_leaver_whose_token_is_being_renewed_is_not_replaced", async () => {
    const { server, subscribe, attach, renew, switchTo } = socketRig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    let answer!: (token: string) => void;
    renew.mockReturnValue(new Promise((resolve) => (answer = resolve)));
    const first = subscribe();
    await settled();
    switchTo("b:1");
    answer("b:1");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(first.ended.mock.calls).toEqual([["ERR_SIGNED_OUT"]]);
    expect(server.inits()).toEqual(["Bearer a:1"]);
  });

  it("h32_nor_is_one_who_left_while_it_was_renewed_kept_waiting", async () => {
    const { server, subscribe, attach, renew, switchTo } = socketRig();
    attach("a:1");
    let answer!: (token: string | null) => void;
    renew.mockReturnValue(new Promise((resolve) => (answer = resolve)));
    const first = subscribe();
    await settled();
    server.last().end(4403);
    await settled();
    switchTo("b:1");
    answer(null);
    await settled();
    expect(first.ended.mock.calls).toEqual([["ERR_SIGNED_OUT"]]);
    expect(server.inits()).toEqual(["Bearer a:1"]);
  });

  it("several_clients_of_one_backend_go_their_own_ways", async () => {
    const { server, subscribe, open, attach, update, signOut } = socketRig();
    attach("a:1");
    const first = subscribe();
    await settled();
    const second = subscribe(open());
    update("a:2");
    await settled();
    expect([first.rows.slice(-1), second.rows.slice(-1)]).toEqual([["a"], ["a"]]);
    expect(server.open().map(({ init }) => init.headers.Authorization)).toEqual(["Bearer a:2", "Bearer a:2"]);
    signOut();
    await settled();
    expect([first.ended.mock.calls, second.ended.mock.calls]).toEqual([[["ERR_SIGNED_OUT"]], [["ERR_SIGNED_OUT"]]]);
    expect(server.open()).toEqual([]);
  });
});
