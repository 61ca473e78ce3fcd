// The Hasura adapter and the real client of graphql-ws: what follows from a refused token and from a network that
// fails, and what the application may decide itself. The server is a stand-in.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EXPIRED } from "./fake/hasura.js";
import { settled, socketRig } from "./fake/hasura-rig.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("refusal", () => {
  it("h31_a_4403_is_answered_with_a_newer_token", async () => {
    const { server, subscribe, attach, renew, rejected } = socketRig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    const { rows, ended } = subscribe();
    await settled();
    expect(server.inits()).toEqual(["Bearer a:1", "Bearer a:11"]);
    expect(rows).toEqual(["a"]);
    expect(renew.mock.calls).toEqual([["a:1"]]);
    expect([ended.mock.calls, rejected.mock.calls]).toEqual([[], []]);
  });

  it("h31_so_is_each_later_one", async () => {
    const { server, subscribe, attach, rejected } = socketRig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    const { rows } = subscribe();
    await settled();
    server.problems.set("a:11", EXPIRED);
    await vi.advanceTimersByTimeAsync(5000);
    server.last().end(4403);
    await settled();
    expect(rows).toEqual(["a", "a"]);
    expect(server.inits().pop()).toBe("Bearer a:21");
    expect(rejected).not.toHaveBeenCalled();
  });

  it("h5_a_second_one_is_reported_and_the_next_try_waits_for_the_bridge", async () => {
    const { server, subscribe, attach, rejected } = socketRig();
    attach("a:1");
    ["a:1", "a:11", "a:12"].forEach((token) => server.problems.set(token, EXPIRED));
    const { rows, ended } = subscribe();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.inits()).toEqual(["Bearer a:1", "Bearer a:11"]);
    expect(rejected.mock.calls).toEqual([[{ retry: true }]]);
    attach("a:13");
    await vi.advanceTimersByTimeAsync(50);
    expect(rows).toEqual(["a"]);
    expect(ended).not.toHaveBeenCalled();
  });

  it("h5_the_bridge_may_answer_at_once_with_the_same_token", async () => {
    const { server, subscribe, attach, renew, rejected } = socketRig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    renew.mockResolvedValue("a:1");
    rejected.mockImplementationOnce(() => {
      server.problems.clear();
      attach("a:1");
    });
    const { rows } = subscribe();
    await vi.advanceTimersByTimeAsync(50);
    expect(rows).toEqual(["a"]);
  });

  it("b10_without_a_newer_token_it_waits_for_the_bridge", async () => {
    const { server, subscribe, attach, renew, update } = socketRig();
    attach("a:1");
    server.problems.set("a:1", EXPIRED);
    renew.mockRejectedValue(new Error("offline"));
    const { rows } = subscribe();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.sockets).toHaveLength(1);
    update("a:2");
    await vi.advanceTimersByTimeAsync(50);
    expect(rows).toEqual(["a"]);
  });

  it("a3_nobody_is_not_left_waiting_where_anonymous_is_refused", async () => {
    const { server, subscribe, adapter } = socketRig();
    server.setup.anonymous = false;
    adapter.nobody!();
    const { ended } = subscribe();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ended).toHaveBeenCalledWith(4403);
    expect(server.sockets).toHaveLength(1);
  });
});

describe("a network that fails", () => {
  it("is_retried_with_growing_waits_that_a_hand_over_cuts_short", async () => {
    const { server, subscribe, attach, update } = socketRig();
    attach("a:1");
    server.setup.down = true;
    const { rows, ended } = subscribe();
    await vi.advanceTimersByTimeAsync(3000);
    const early = server.sockets.length;
    expect(early).toBeGreaterThan(2);
    expect(early).toBeLessThan(6);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(server.sockets.length - early).toBeGreaterThan(15);
    expect(server.sockets.length - early).toBeLessThan(50);
    server.setup.down = false;
    update("a:2");
    await vi.advanceTimersByTimeAsync(1);
    expect([rows, ended.mock.calls]).toEqual([["a"], []]);
  });

  it("h30_a_socket_that_lasted_comes_back_at_once", async () => {
    const { server, subscribe, attach } = socketRig();
    attach("a:1");
    const { rows } = subscribe();
    await vi.advanceTimersByTimeAsync(60_000);
    server.last().end(1006);
    await vi.advanceTimersByTimeAsync(50);
    expect(rows).toEqual(["a", "a"]);
  });

  it("a_server_that_hangs_up_each_time_is_not_hammered", async () => {
    const { server, subscribe, attach } = socketRig();
    attach("a:1");
    subscribe();
    for (let i = 0; i < 100; i++) {
      await vi.advanceTimersByTimeAsync(100);
      if (server.last().readyState === 1) server.last().end(1006);
    }
    expect(server.sockets.length).toBeLessThan(20);
  });

  it("j3_many_rotations_leave_nothing_behind", async () => {
    const { server, subscribe, attach, update, signOut, client } = socketRig();
    attach("a:0");
    subscribe();
    for (let i = 1; i < 200; i++) {
      update("a:" + i);
      await settled();
    }
    expect(server.open()).toHaveLength(1);
    signOut();
    await settled();
    await client.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("options of the application's own", () => {
  it("are_merged_in", async () => {
    const { backend } = socketRig();
    const own = { keepAlive: 5000, lazy: false, retryAttempts: 3, jsonMessageReplacer: () => {} };
    const url = "wss://app.hasura.test/v1/graphql";
    expect(backend.graphqlWs({ ...own, url: "ws://other.test" })).toMatchObject({ ...own, url });
    expect(backend.graphqlWs().retryAttempts).toBe(Infinity);
  });

  it("handlers_are_called_too", async () => {
    const names = ["connecting", "opened", "connected", "message", "closed"];
    const on = Object.fromEntries(names.map((name) => [name, vi.fn()]));
    const { subscribe, attach, update } = socketRig({}, { on });
    attach("a:1");
    subscribe();
    await settled();
    update("a:2");
    await settled();
    for (const name of names.slice(0, 3)) expect(on[name]).toHaveBeenCalledTimes(2);
    expect(on.closed!.mock.calls).toEqual([[expect.objectContaining({ code: 1000 })]]);
    expect(on.message).toHaveBeenCalled();
  });

  it("retries_are_theirs_to_decide", async () => {
    const retryWait = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, 7000)));
    const shouldRetry = vi.fn(() => server.sockets.length < 3);
    const { server, subscribe, attach } = socketRig({}, { retryWait, shouldRetry });
    attach("a:1");
    server.setup.down = true;
    const { ended } = subscribe();
    await vi.advanceTimersByTimeAsync(6000);
    expect(server.sockets.length).toBe(2);
    await vi.advanceTimersByTimeAsync(6000);
    expect(ended).toHaveBeenCalledTimes(1);
    expect(server.sockets.length).toBe(3);
  });

  it("g5_a_wait_of_theirs_that_fails_is_over", async () => {
    const retryWait = vi.fn(() => new Promise<void>((_, reject) => setTimeout(reject, 7000, new Error("theirs"))));
    const { server, subscribe, attach } = socketRig({}, { retryWait });
    attach("a:1");
    server.setup.down = true;
    const { rows } = subscribe();
    await settled();
    server.setup.down = false;
    await vi.advanceTimersByTimeAsync(6999);
    expect([retryWait.mock.calls, rows]).toEqual([[[1]], []]);
    await vi.advanceTimersByTimeAsync(10);
    expect(rows).toEqual(["a"]);
  });
});
