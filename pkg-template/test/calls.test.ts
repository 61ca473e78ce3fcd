// Whose call it is, what it goes out with, and what follows from a refusal.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ANSWER, createCalls } from "../src/calls.js";
import { toBackend } from "../src/backend.js";
import { BridgeError } from "../src/errors.js";
import { createLink } from "./fake/link.js";

const rig = () => {
  const calls = createCalls("api", "Check it.");
  return { calls, ...createLink(toBackend({ kind: "x", ...calls.adapter })) };
};

const outcome = <T>(promise: Promise<T>) => {
  const seen = vi.fn();
  promise.then(
    (value) => seen(value),
    (error) => seen(error.code ?? error),
  );
  return seen;
};

const settled = async () => {
  for (let i = 0; i < 20; i++) await null;
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("ask", () => {
  it("g1_a_call_of_nobody_has_no_token", async () => {
    const { calls, adapter, getToken } = rig();
    adapter.nobody!();
    expect(await calls.ask()).toMatchObject({ token: null });
    expect(getToken).not.toHaveBeenCalled();
  });

  it("c4_each_call_asks_for_the_token_anew", async () => {
    const { calls, attach, getToken } = rig();
    attach("a:1");
    getToken.mockResolvedValue("a:2");
    expect(await calls.ask()).toMatchObject({ token: "a:2" });
    expect(getToken).toHaveBeenCalledWith({ template: "api" });
  });

  it("g2_a_call_waits_until_it_is_known_who_makes_it", async () => {
    const { calls, attach, adapter } = rig();
    const early = outcome(calls.ask());
    await settled();
    expect(early).not.toHaveBeenCalled();
    attach("a:1");
    await settled();
    expect(early).toHaveBeenCalledWith(expect.objectContaining({ token: "a:1" }));
    adapter.hold!(false);
    const held = outcome(calls.ask());
    attach("a:2");
    await settled();
    expect(held).toHaveBeenCalledWith(expect.objectContaining({ token: "a:2" }));
  });

  it.each(["signOut", "switchTo"] as const)("g2_a_call_of_a_user_who_left_fails (%s)", async (way) => {
    const link = rig();
    link.attach("a:1");
    link.adapter.hold!(false);
    const call = outcome(link.calls.ask());
    link[way]("b:1");
    await settled();
    expect(call).toHaveBeenCalledWith("ERR_SIGNED_OUT");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("g2_a_call_fails_when_its_user_leaves_while_the_token_is_fetched", async () => {
    const { calls, attach, getToken, switchTo } = rig();
    attach("a:1");
    let answer!: (token: string) => void;
    getToken.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const call = outcome(calls.ask());
    switchTo("b:1");
    answer("b:1");
    await settled();
    expect(call.mock.calls).toEqual([["ERR_SIGNED_OUT"]]);
  });

  it("g2_the_bridge_may_know_first_that_nobody_is_there", async () => {
    const { calls, attach, getToken } = rig();
    attach("a:1");
    getToken.mockResolvedValue(null);
    await expect(calls.ask()).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
  });

  it("g2_a_call_made_after_the_leaver_is_the_newcomers", async () => {
    const { calls, attach, adapter } = rig();
    attach("a:1");
    adapter.hold!(true);
    const call = outcome(calls.ask());
    adapter.detach("user-switched");
    attach("b:1");
    await settled();
    expect(call).toHaveBeenCalledWith(expect.objectContaining({ token: "b:1" }));
  });

  it("d3_nothing_goes_out_between_two_users", async () => {
    const { calls, attach, adapter } = rig();
    attach("a:1");
    adapter.detach("user-switched");
    const call = outcome(calls.ask());
    await settled();
    expect(call).not.toHaveBeenCalled();
    adapter.nobody!();
    await settled();
    expect(call).toHaveBeenCalledWith(expect.objectContaining({ token: null }));
  });

  it("h5_a_refused_users_calls_still_go_out", async () => {
    const { calls, attach, adapter } = rig();
    attach("a:1");
    adapter.detach("rejected");
    expect(await calls.ask()).toMatchObject({ token: "a:1" });
  });

  it("b10_a_call_waits_no_longer_than_a_fetch_may_take", async () => {
    const { calls, attach, getToken } = rig();
    const held = outcome(calls.ask());
    await vi.advanceTimersByTimeAsync(5000);
    attach("a:1");
    getToken.mockReturnValue(new Promise(() => {}));
    const fetching = outcome(calls.ask());
    await settled();
    expect(held).toHaveBeenCalledWith(expect.objectContaining({ token: "a:1" }));
    await vi.advanceTimersByTimeAsync(7999);
    expect(fetching).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(21);
    expect(fetching).toHaveBeenCalledWith("ERR_TOKEN_TRANSIENT");
  });

  it("b10_a_backend_without_a_bridge_lets_nobody_wait_for_ever", async () => {
    const call = outcome(createCalls().ask());
    await vi.advanceTimersByTimeAsync(10_020);
    expect(call).toHaveBeenCalledWith("ERR_TOKEN_TRANSIENT");
  });

  it.each(["ERR_TOKEN_TEMPLATE", "ERR_TOKEN_MALFORMED"] as const)(
    "b5_a_wait_that_is_in_vain_ends_with_the_tokens_own_failure (%s)",
    async (code) => {
      const { calls, attach, getToken } = rig();
      // As the bridge does while it waits itself: at the end of the same time.
      getToken.mockImplementation(() => new Promise((_, reject) => setTimeout(reject, 8000, new BridgeError(code))));
      const call = outcome(calls.ask());
      const other = outcome(calls.ask());
      await vi.advanceTimersByTimeAsync(7999);
      expect(call).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(21);
      expect([call.mock.calls, other.mock.calls]).toEqual([[[code]], [[code]]]);
      expect(getToken).toHaveBeenCalledTimes(2);
      // It fails at once, and passes. (G2)
      getToken.mockRejectedValue(new BridgeError(code));
      const later = outcome(calls.ask());
      await vi.advanceTimersByTimeAsync(4000);
      expect(later).not.toHaveBeenCalled();
      getToken.mockResolvedValue("a:1");
      attach("a:1");
      await settled();
      expect(later).toHaveBeenCalledWith(expect.objectContaining({ token: "a:1" }));
    },
  );

  it("b10_an_answer_of_the_bridge_alone_does_not_end_the_wait", async () => {
    const { calls, getToken } = rig();
    getToken.mockResolvedValueOnce(null);
    const call = outcome(calls.ask());
    getToken.mockResolvedValueOnce("a:1");
    const other = outcome(calls.ask());
    await settled();
    expect([call.mock.calls, other.mock.calls]).toEqual([[], []]);
    await vi.advanceTimersByTimeAsync(8020);
    expect([call.mock.calls, other.mock.calls]).toEqual([[["ERR_TOKEN_TRANSIENT"]], [["ERR_TOKEN_TRANSIENT"]]]);
  });

  it("g5_an_abort_ends_the_wait_with_its_reason", async () => {
    const { calls } = rig();
    const control = new AbortController();
    const call = outcome(calls.ask(control.signal));
    control.abort("enough");
    await settled();
    expect(call).toHaveBeenCalledWith("enough");
    await expect(calls.ask(control.signal)).rejects.toBe("enough");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("d6_a_disposed_bridge_lets_nobody_wait", async () => {
    const { calls, attach, adapter, dispose } = rig();
    attach("a:1");
    adapter.hold!(false);
    const call = outcome(calls.ask());
    dispose();
    await settled();
    expect(call).toHaveBeenCalledWith("ERR_DISPOSED");
    expect(vi.getTimerCount()).toBe(0);
    await expect(calls.ask()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
  });

  it("i2_another_bridge_may_follow", async () => {
    const { calls, adapter, attach, dispose, getToken, renew } = rig();
    attach("a:1");
    dispose();
    adapter.open!({ getToken: async () => "b:1", renew, fetchTimeoutMs: 8000, report() {} });
    adapter.hold!(false);
    const call = outcome(calls.ask());
    await settled();
    expect(call).not.toHaveBeenCalled();
    adapter.nobody!();
    await settled();
    expect(call).toHaveBeenCalledWith("ERR_SIGNED_OUT");
    expect(getToken).not.toHaveBeenCalled();
  });

  it("j3_a_thousand_calls_leave_nothing_behind", async () => {
    const { calls, attach } = rig();
    attach("a:1");
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    for (let i = 0; i < 1000; i++) await calls.ask(signal);
    expect(vi.getTimerCount()).toBe(0);
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
});

describe("again", () => {
  it("g3_a_refused_token_is_replaced_once", async () => {
    const { calls, attach, renew, rejected } = rig();
    attach("a:1");
    const next = (await calls.again(await calls.ask(), ANSWER.refused))!;
    expect(next).toMatchObject({ token: "a:11", before: "a:1" });
    expect(await calls.again(next, ANSWER.refused)).toBeUndefined();
    expect(renew.mock.calls).toEqual([["a:1"]]);
    expect(rejected.mock.calls).toEqual([[expect.objectContaining({ retry: true })]]);
  });

  it("g3_a_refusal_is_reported_once_for_each_token", async () => {
    const { calls, attach, rejected } = rig();
    attach("a:1");
    const nexts = await Promise.all([1, 2, 3].map(async () => (await calls.again(await calls.ask(), ANSWER.refused))!));
    for (const next of nexts) await calls.again(next, ANSWER.refused);
    expect(rejected).toHaveBeenCalledTimes(1);
    // Clerk has no better one: that it is refused again is news.
    attach("a:11");
    await calls.again(nexts[0]!, ANSWER.refused);
    expect(rejected).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["before", "a:1"],
    ["with", "a:11"],
  ])("h5_one_endpoint_that_refuses_what_others_take_is_not_reported (%s the renewal)", async (_, taken) => {
    const { calls, attach, rejected } = rig();
    attach("a:1");
    const pass = await calls.ask();
    await calls.again({ ...pass, token: taken }, ANSWER.fine);
    await calls.again((await calls.again(pass, ANSWER.refused))!, ANSWER.refused);
    expect(rejected).not.toHaveBeenCalled();
  });

  it.each([
    ["no token can be had", () => Promise.reject(new Error("offline"))],
    ["nobody is signed in", async () => null],
  ])("g3_the_answer_stands_when_%s", async (_, renewed) => {
    const { calls, attach, renew, rejected } = rig();
    attach("a:1");
    renew.mockImplementation(renewed);
    expect(await calls.again(await calls.ask(), ANSWER.refused)).toBeUndefined();
    expect(rejected).not.toHaveBeenCalled();
  });

  it("h5_the_same_token_again_is_a_refusal", async () => {
    const { calls, attach, renew, rejected } = rig();
    attach("a:1");
    renew.mockResolvedValue("a:1");
    expect(await calls.again(await calls.ask(), ANSWER.refused)).toBeUndefined();
    expect(rejected).toHaveBeenCalledWith(expect.objectContaining({ retry: true }));
  });

  it("d1_a_leavers_call_is_never_made_as_the_next_user", async () => {
    const { calls, attach, renew, rejected, switchTo } = rig();
    attach("a:1");
    const pass = await calls.ask();
    const late = calls.again(pass, ANSWER.refused);
    renew.mockResolvedValue("b:1");
    switchTo("b:1");
    expect(await late).toBeUndefined();
    expect(await calls.again(pass, ANSWER.refused)).toBeUndefined();
    expect(await calls.again(pass, ANSWER.config)).toBeUndefined();
    expect(rejected).not.toHaveBeenCalled();
  });

  it("g3_what_cannot_be_sent_twice_is_reported_and_the_token_renewed", async () => {
    const { calls, attach, renew, reports } = rig();
    attach("a:1");
    expect(await calls.again(await calls.ask(), ANSWER.refused, true)).toBeUndefined();
    expect(renew).toHaveBeenCalledWith("a:1");
    expect(reports).toEqual(["call.not-replayed"]);
  });

  it("h33_a_wrongly_made_token_is_not_renewed", async () => {
    const { calls, attach, renew, rejected } = rig();
    attach("a:1");
    expect(await calls.again(await calls.ask(), ANSWER.config)).toBeUndefined();
    expect(renew).not.toHaveBeenCalled();
    expect(rejected).toHaveBeenCalledWith({ retry: false, message: "Check it." });
  });

  it("h33_a_token_that_is_refused_for_its_making_is_renewed_first", async () => {
    const { calls, attach, rejected } = rig();
    attach("a:1");
    const next = (await calls.again(await calls.ask(), ANSWER.perhaps))!;
    expect(rejected).not.toHaveBeenCalled();
    await calls.again(next, ANSWER.perhaps);
    expect(rejected).toHaveBeenCalledWith({ retry: false, message: "Check it." });
  });

  it("h33_a_token_that_is_too_early_is_tried_again_a_little_later", async () => {
    const { calls, attach, renew } = rig();
    attach("a:1");
    const next = calls.again(await calls.ask(), ANSWER.early);
    const seen = outcome(next);
    await vi.advanceTimersByTimeAsync(999);
    expect(seen).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toMatchObject({ token: "a:1", before: "a:1" });
    expect(renew).not.toHaveBeenCalled();
  });

  it.each([ANSWER.refused, ANSWER.early])("g5_j3_an_abort_ends_the_wait_for_another_try (%i)", async (answer) => {
    const { calls, attach, renew, rejected } = rig();
    attach("a:1");
    const pass = await calls.ask();
    let late!: (token: string) => void;
    renew.mockReturnValue(new Promise((resolve) => (late = resolve)));
    const control = new AbortController();
    const add = vi.spyOn(control.signal, "addEventListener");
    const remove = vi.spyOn(control.signal, "removeEventListener");
    const seen = outcome(calls.again(pass, answer, false, control.signal));
    await settled();
    expect(seen).not.toHaveBeenCalled();
    control.abort("enough");
    await settled();
    expect(seen.mock.calls).toEqual([["enough"]]);
    await expect(calls.again(pass, answer, false, control.signal)).rejects.toBe("enough");
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
    expect(vi.getTimerCount()).toBe(0);
    late("a:11");
    await settled();
    expect(rejected).not.toHaveBeenCalled();
  });

  it("g5_j3_nor_does_a_wait_that_ended_well_leave_anything_behind", async () => {
    const { calls, attach } = rig();
    attach("a:1");
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    expect(await calls.again(await calls.ask(), ANSWER.refused, false, signal)).toMatchObject({ token: "a:11" });
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([ANSWER.refused, ANSWER.early])("d6_after_dispose_the_first_answer_stands (%i)", async (answer) => {
    const { calls, attach, renew, rejected, dispose } = rig();
    attach("a:1");
    renew.mockReturnValue(new Promise(() => {}));
    const seen = outcome(calls.again(await calls.ask(), answer));
    await settled();
    dispose();
    await settled();
    expect(seen.mock.calls).toEqual([[undefined]]);
    expect(vi.getTimerCount()).toBe(0);
    expect(rejected).not.toHaveBeenCalled();
  });

  it("g3_what_cannot_be_sent_twice_waits_for_nothing", async () => {
    const { calls, attach, renew, reports } = rig();
    attach("a:1");
    expect(await calls.again(await calls.ask(), ANSWER.early, true)).toBeUndefined();
    expect([renew.mock.calls, reports, vi.getTimerCount()]).toEqual([[], ["call.not-replayed"], 0]);
  });
});
