// The shell around a scripted machine: what it tells the machine, and what it does for it.
import { describe, expect, it, vi } from "vitest";
import { EFFECT, EVENT } from "../src/shell/numbers.js";
import { HOST } from "./fake/machine.js";
import { alice, bob, rig, settle, sourceOf, started } from "./fake/shell-rig.js";

describe("the beginning", () => {
  it("tells_the_machine_its_settings", () => {
    expect(rig({ persist: 2 }).settings).toEqual([2, 10, 20, 30, expect.any(Number)]);
  });

  it("strings_go_by_number_and_what_is_no_string_as_none", () => {
    const r = rig();
    r.shell.tell(EVENT.backend, 1, "convex", 1, 0);
    r.shell.tell(EVENT.backend, 0, undefined, 0, 0);
    r.shell.tell(EVENT.backend, 0, "convex", 0, 16);
    const [[, template]] = r.of("backend") as any;
    expect(r.of("backend")).toEqual([
      [1, template, 1, 0],
      [0, 0, 0, 0],
      [0, template, 0, 16],
    ]);
    expect(r.text(template)).toBe("convex");
  });

  it("starts_and_then_says_who_is_here", () => {
    expect(started().told.map(([event]) => event)).toEqual(["start", "signedOut"]);
  });
});

describe("the source", () => {
  it("is_told_at_the_start_and_at_each_change", () => {
    const { source, of, text } = started(alice);
    const [[user, id, org, role, fits]] = of("signedIn") as any;
    expect([user, id, org, role].map(text)).toEqual(["alice", "s_1", "org", "admin"]);
    expect(fits).toBe(0);
    source.set(undefined);
    expect(of("unknown")).toHaveLength(1);
    source.set(bob);
    expect(of("signedIn")[1]!.map(text).slice(0, 4)).toEqual(["bob", "s_2", null, null]);
    source.set(null);
    expect(of("signedOut")).toHaveLength(1);
    source.set(alice);
    expect(of("signedIn")[2]).toEqual([user, id, org, role, fits]);
  });

  it("is_looked_at_when_it_is_said_to_have_changed", () => {
    const r = started(null);
    r.source.session = alice;
    r.shell.look();
    expect(r.told.map(([event]) => event)).toEqual(["start", "signedOut", "signedIn"]);
  });

  it("a6_that_never_loads_stays_unknown_and_one_that_fails_says_so", () => {
    const clerk: any = { loaded: false, status: "loading", addListener: () => () => {}, on: vi.fn() };
    const r = rig();
    r.shell.start(clerk);
    r.shell.look();
    expect(r.of("unknown")).toHaveLength(2);
    clerk.status = "error";
    clerk.on.mock.calls[0][1]();
    expect(r.of("failed")).toHaveLength(1);
    clerk.loaded = true;
    clerk.status = "ready";
    clerk.session = null;
    clerk.on.mock.calls[0][1]();
    expect(r.of("signedOut")).toHaveLength(1);
  });

  it("may_call_back_while_it_is_subscribed_to", () => {
    const r = rig();
    const source = sourceOf(alice);
    source.subscribe = (listener: () => void) => (listener(), () => {});
    r.shell.start(source);
    expect(r.told.map(([event]) => event)).toEqual(["start", "signedIn", "signedIn"]);
  });
});

describe("a source that throws", () => {
  const fail = () => {
    throw new Error("broken");
  };
  it.each<[string, object]>([
    ["when it is subscribed to", { subscribe: fail }],
    ["when it is left", { subscribe: () => fail }],
    ["because it cannot be left", { subscribe: () => "nothing to call" }],
    ["as a Clerk does when it is listened to", { addListener: fail }],
    ["as a Clerk does when its status is", { on: fail, addListener: () => () => {} }],
    ["as a Clerk does when its status is left", { off: fail, addListener: () => () => {} }],
    ["as a Clerk does when it is left", { addListener: () => fail }],
  ])("j1_%s_is_read_all_the_same", (_, more) => {
    const uncaught = vi.fn();
    vi.stubGlobal("queueMicrotask", uncaught);
    const r = rig();
    const clerk = { loaded: true, session: { id: "s_1", status: "active", user: { id: "alice" } } };
    r.shell.start({ ...sourceOf(alice), ...clerk, ...more });
    expect(r.of("signedIn")).toHaveLength(1);
    expect(() => r.shell.dispose()).not.toThrow();
    expect(uncaught).toHaveBeenCalledTimes(1);
  });
});

describe("a fetch", () => {
  const fetching = async (outcome: () => unknown) => {
    const r = started(alice);
    r.source.getToken = vi.fn(outcome);
    r.want([EFFECT.fetch, 7, 0, 0]);
    await settle();
    return r;
  };

  it("asks_for_the_template_and_for_a_minted_token", async () => {
    const r = started(alice);
    r.shell.tell(EVENT.askGood, 1, "hasura");
    const [[, template]] = r.of("askGood") as any;
    r.want([EFFECT.fetch, 7, template, 1]);
    expect(r.source.getToken).toHaveBeenCalledWith({ template: "hasura", skipCache: true });
    await settle();
    expect(r.tokens).toEqual([[0, 7, expect.any(Number), 0, NaN, NaN]]);
  });

  it("numbers_a_token_like_the_same_token", async () => {
    const r = await fetching(async () => "token");
    r.want([EFFECT.fetch, 8, 0, 0]);
    await settle();
    r.source.getToken.mockResolvedValue("other");
    r.want([EFFECT.fetch, 9, 0, 0]);
    await settle();
    const [one, again, other] = r.tokens.map(([, , number]) => number);
    expect(again).toBe(one);
    expect(other).not.toBe(one);
    expect(r.text(other as number)).toBe("other");
    r.want([EFFECT.forget, other]);
    expect(r.text(other as number)).toBeNull();
  });

  it.each<[string, unknown]>([
    ["a number", 42],
    ["an object", { jwt: "token" }],
    ["nothing", ""],
    ["endless", "x".repeat(32 * 1024 + 1)],
  ])("b9_j1_what_is_%s_is_no_token", async (_, value) => {
    const r = await fetching(async () => value);
    expect(r.tokens).toEqual([[0, 7, 0, 4, NaN, NaN]]);
  });

  it("b2_null_with_a_session_is_a_passing_failure_after_a_look_at_the_source", async () => {
    const r = await fetching(async () => null);
    expect(r.told.slice(-2)).toEqual([r.told.findLast(([event]) => event === "signedIn"), ["fetchFailed", 7, 0, 0]]);
    expect(r.of("signedIn")).toHaveLength(2);
  });

  it("b2_null_because_the_user_has_left_is_a_sign_out_first", async () => {
    const { source, want, told } = started(alice);
    source.getToken.mockImplementation(async () => {
      source.session = null;
      return null;
    });
    want([EFFECT.fetch, 7, 0, 0]);
    await settle();
    expect(told.slice(-2).map(([event]) => event)).toEqual(["signedOut", "fetchFailed"]);
  });

  it.each<[string, unknown, number, number]>([
    ["a network", new TypeError("fetch"), 0, 0],
    ["a limit", { status: 429, retryAfter: 5 }, 429, 5],
    ["a limit without an end", { status: 429, retryAfter: Infinity }, 429, 3600],
    ["a limit of the past", { status: 429, retryAfter: -5 }, 429, 0],
    ["a limit nobody understands", { status: 429, retryAfter: "soon" }, 429, 0],
    ["no number at all", { status: 429, retryAfter: Number.NaN }, 429, 0],
    ["a server", { status: 500 }, 500, 0],
    ["a template that is missing", { status: 404, errors: [{ code: "resource_not_found" }] }, 404, 0],
    ["a template, said otherwise", { code: "resource_not_found" }, 404, 0],
    ["a status that is none", { status: 10n, retryAfter: Symbol("x") }, 0, 0],
    ["nothing", undefined, 0, 0],
    ["a text", "no", 0, 0],
    ["a list of errors that is none", { errors: 1 }, 0, 0],
  ])("b2_fails_by_%s", async (_, error, status, seconds) => {
    for (const fail of [
      async () => Promise.reject(error),
      () => {
        throw error;
      },
    ]) {
      const r = await fetching(fail);
      // As numbers cross to wasm.
      expect(r.of("fetchFailed").map(([, ...how]) => how.map((number) => number | 0))).toEqual([[status, seconds]]);
      expect(r.shell.cause()).toBe(error);
    }
  });

  it("a_source_that_has_gone_fails_it", async () => {
    const r = rig();
    r.shell.start({ loaded: true, session: null, addListener: () => () => {} });
    r.want([EFFECT.fetch, 7, 0, 0]);
    await settle();
    expect(r.of("fetchFailed")).toEqual([[7, 0, 0]]);
  });

  it("a_success_ends_the_blame", async () => {
    const r = await fetching(async () => Promise.reject(new Error("offline")));
    r.source.getToken = async () => "token";
    r.want([EFFECT.fetch, 8, 0, 0]);
    await settle();
    expect(r.shell.cause()).toBeUndefined();
  });

  it("j3_a_renewal_of_a_token_that_is_forgotten_keeps_nothing", async () => {
    const r = await fetching(async () => "token");
    const [[, , number]] = r.tokens as any;
    r.shell.tell(EVENT.askInstead, 1, 0, "token");
    r.want([EFFECT.forget, number]);
    r.shell.tell(EVENT.askInstead, 2, 0, "token");
    r.shell.tell(EVENT.askInstead, 3, 0, "token");
    expect(r.of("askInstead")).toEqual([
      [1, 0, number],
      [2, 0, 0],
      [3, 0, 0],
    ]);
  });
});

describe("sign-out", () => {
  it.each<[string, () => unknown, number | undefined]>([
    ["succeeds", async () => {}, 1],
    ["fails", async () => Promise.reject(new Error("offline")), undefined],
    ["throws", () => { throw new Error("no"); }, undefined],
    ["answers at once", () => "done", 1],
  ])("d7_tells_when_clerk_s_%s", async (_, signOut, succeeded) => {
    const r = started(alice);
    r.source.signOut = signOut;
    r.want([EFFECT.signOut, 9]);
    await settle();
    expect(r.of("sourceSignedOut").map(([request, how]) => [request, how])).toEqual([[9, succeeded]]);
  });
});

describe("page events", () => {
  const hide = (hidden: boolean) => {
    vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  };

  it("b3_wake_the_machine_after_a_look_at_the_source", () => {
    const { of, told, source } = started(alice);
    source.session = bob;
    window.dispatchEvent(new Event("focus"));
    expect(told.slice(-2).map(([event]) => event)).toEqual(["signedIn", "woke"]);
    window.dispatchEvent(new Event("pageshow"));
    hide(false);
    window.dispatchEvent(new Event("online"));
    expect(of("woke")).toEqual([[0], [0], [0], [1]]);
  });

  it("b3_a_page_that_hides_wakes_nothing_but_the_network_wakes_a_hidden_page", () => {
    const { of } = started(alice);
    hide(true);
    expect(of("woke")).toEqual([]);
    window.dispatchEvent(new Event("online"));
    expect(of("woke")).toEqual([[1]]);
  });

  it("a_page_without_a_document_or_without_events_is_no_reason_to_throw", () => {
    vi.stubGlobal("document", undefined);
    const { of, shell } = started(alice);
    window.dispatchEvent(new Event("visibilitychange"));
    expect(of("woke")).toEqual([[0]]);
    shell.dispose();
    vi.stubGlobal("window", {});
    const bare = started(alice);
    expect(bare.of("signedIn")).toHaveLength(1);
    bare.shell.dispose();
  });
});

describe("the timer", () => {
  it("c4_is_one_and_looks_at_the_source_first", () => {
    vi.useFakeTimers();
    const { want, told, of, source } = started(alice);
    want([EFFECT.timer, 0, 0, 1000]);
    want([EFFECT.timer, 0, 0, 5000]);
    expect(vi.getTimerCount()).toBe(1);
    const ticks = of("tick").length;
    vi.advanceTimersByTime(4999);
    expect(of("tick")).toHaveLength(ticks);
    source.session = bob;
    vi.advanceTimersByTime(1);
    expect(told.slice(-2).map(([event]) => event)).toEqual(["signedIn", "tick"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("c4_is_taken_away", () => {
    vi.useFakeTimers();
    const { want } = started(alice);
    want([EFFECT.timer, 0, 0, 1000]);
    want([EFFECT.timer, 0, 0, -1]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("effects", () => {
  it("that_concern_the_application_reach_the_bridge", () => {
    const { want, host } = started(alice);
    want(
      [EFFECT.run, 1, 2, 1, 5, 6, 7, 8],
      [EFFECT.abort, 2],
      [EFFECT.leave, 6, 1, 1],
      [EFFECT.answer, 7, 0, 1],
      [EFFECT.cache, 1, 2, 1500],
      [EFFECT.backend, 1, 1, 1, 0],
      [EFFECT.session, 1, 2, 3, 4],
      [EFFECT.publish, 1, 0, 12, 2, 1, 0],
      [EFFECT.log, "retry.scheduled", 1, 0, "offline", 500],
    );
    const calls = HOST.map((effect) => [effect, host[effect].mock.calls.map((call) => call.slice(0, 5))]);
    expect(Object.fromEntries(calls)).toEqual({
      run: [[1, 2, 1, 5, 6]],
      abort: [[2, 0, 0, 0, 0]],
      leave: [[6, 1, 1, 0, 0]],
      answer: [[7, 0, 1, 0, 0]],
      cache: [[1, 2, 1500]],
      backend: [[1, 1, 1, 0, 0]],
      session: [[1, 2, 3, 4, 0]],
      publish: [[1, 0, 12, 2, 1]],
      log: [["retry.scheduled", 1, 0, "offline", 500]],
    });
  });

  it("a5_are_carried_out_in_order_whatever_is_called_meanwhile", () => {
    const r = started(alice);
    const order: string[] = [];
    r.script.set(EVENT.left, () => [[EFFECT.abort, 99]]);
    r.host.leave.mockImplementation(() => {
      order.push("leave");
      r.shell.tell(EVENT.left, 1);
      r.source.set(null);
      order.push("left");
    });
    r.host.answer.mockImplementation(() => order.push("answer"));
    r.host.abort.mockImplementation((step) => order.push(`abort ${step}`));
    r.want([EFFECT.leave, 1, 0, 0], [EFFECT.abort, 1], [EFFECT.answer, 1, 0, 0]);
    expect(order).toEqual(["leave", "left", "abort 1", "answer", "abort 99"]);
    expect(r.told.slice(-2).map(([event]) => event)).toEqual(["left", "signedOut"]);
  });

  it("j1_a_dead_machine_is_never_entered", () => {
    const r = rig({ dead: true });
    r.shell.start(sourceOf(alice));
    r.shell.tell(EVENT.askFresh, 1, null);
    r.shell.tell(EVENT.askInstead, 1, 0, "token");
    window.dispatchEvent(new Event("focus"));
    r.shell.dispose();
    expect(r.told).toEqual([]);
  });
});
