// The shell around a scripted machine: what it tells the machine, what it does for it, and that it ends when it is told.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EFFECT, EVENT } from "../src/shell/numbers.js";
import { HOST, rig as make } from "./fake/machine.js";

const shells: ReturnType<typeof make>["shell"][] = [];
const rig = (options?: Parameters<typeof make>[0]) => {
  const made = make(options);
  shells.push(made.shell);
  return made;
};

/** A token source that the test commands. */
const sourceOf = (session: unknown = null) => {
  const listeners = new Set<() => void>();
  const source: any = {
    session,
    getSession: () => source.session,
    subscribe: vi.fn((listener: () => void) => (listeners.add(listener), () => listeners.delete(listener))),
    getToken: vi.fn(async (): Promise<unknown> => "token"),
    signOut: vi.fn(async () => {}),
    set(next: unknown) {
      source.session = next;
      for (const listener of listeners) listener();
    },
    listeners,
  };
  return source;
};
const alice = { userId: "alice", sessionId: "s_1", orgId: "org", orgRole: "admin" };
const bob = { userId: "bob", sessionId: "s_2" };

const started = (session?: unknown, options?: Parameters<typeof make>[0]) => {
  const r = rig(options);
  const source = sourceOf(session);
  r.shell.start(source);
  return { ...r, source };
};
const settle = async () => {
  for (let i = 0; i < 10; i++) await null;
};

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(() => {
  for (const shell of shells.splice(0)) shell.dispose();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

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

describe("memory", () => {
  const record = () => localStorage.getItem("app");
  const live = () => sessionStorage.getItem("app");
  const stored = (text: string | null) => {
    const [version, ...rows] = JSON.parse(text!);
    expect(version).toBe("clerk-bridge 1");
    return rows;
  };
  const put = (storage: Storage, ...rows: (string | null)[][]) =>
    storage.setItem("app", JSON.stringify(["clerk-bridge 1", ...rows]));
  const who = (user: string, org: string | null) => [null, user, null, org];
  const remembering = (persist: number) => {
    const r = rig({ persist });
    r.shell.start(sourceOf(alice));
    const [[user, id, org, role]] = r.of("signedIn") as any;
    return { ...r, user, id, org, role };
  };

  it("f2_the_record_holds_who_and_whose_and_no_token", () => {
    const { want, user, org } = remembering(1);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, user], [EFFECT.store, user, org], [EFFECT.abort, 1]);
    expect(stored(record())).toEqual([who("alice", "org"), ["two", "alice", null]]);
    expect(live()).toBeNull();
  });

  it("f4_d4_after_a_sign_out_only_whose_data_it_is_remains_and_then_nothing", () => {
    const { want, user } = remembering(1);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, user], [EFFECT.store, user, 0]);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, user], [EFFECT.store, 0, 0]);
    expect(stored(record())).toEqual([["two", "alice", null]]);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, 0], [EFFECT.store, 0, 0]);
    expect(localStorage).toHaveLength(0);
  });

  it("f3_live_tokens_are_kept_for_this_tab_and_go_with_the_last", () => {
    const { want, user, id, org, role } = remembering(2);
    want([EFFECT.storeToken, 0, id], [EFFECT.storeToken, org, role], [EFFECT.storeLive, user, id, org, role]);
    expect(stored(live())).toEqual([
      ["alice", "s_1", "org", "admin"],
      [null, "s_1"],
      ["org", "admin"],
    ]);
    expect(record()).toBeNull();
    want([EFFECT.storeLive, 0, 0, 0, 0]);
    expect(sessionStorage).toHaveLength(0);
  });

  it("d4_the_record_is_told_before_the_start", () => {
    put(localStorage, who("alice", "org"), ["two", "alice", null], ["gone", "carol", "x"]);
    const r = remembering(1);
    const [[user, org]] = r.of("remembered") as any;
    expect([user, org].map(r.text)).toEqual(["alice", "org"]);
    expect(r.of("owner")).toEqual([[1, user]]);
    const order = r.told.map(([event]) => event);
    expect(order.indexOf("owner")).toBeLessThan(order.indexOf("start"));
    expect(user).toBe(r.user);
  });

  it("d4_an_attach_is_told_whether_the_record_of_any_tab_says_that_the_data_is_this_users", () => {
    const { shell } = remembering(1);
    const owned = [shell.owns(1, "alice")];
    const look = () => owned.push(shell.owns(1, "alice"));
    put(localStorage, ["one", "alice", null]);
    look();
    put(localStorage, ["two", "alice", null]);
    look();
    expect(owned).toEqual([false, false, true]);
  });

  it("d5_f2_sessions_to_be_revoked_are_kept_and_told_before_the_start", () => {
    const first = remembering(1);
    first.shell.tell(EVENT.owes, 1, "mine");
    const [[backend, session]] = first.of("owes") as any;
    expect([backend, first.text(session)]).toEqual([1, "mine"]);
    first.want([EFFECT.storeBackend, 0, 0, 0], [EFFECT.storeBackend, 1, 0, session], [EFFECT.store, 0, 0]);
    expect(stored(record())).toEqual([["two", null, "mine"]]);
    first.shell.dispose();
    const second = remembering(1);
    expect(second.of("owes").map(([index, owed]) => [index, second.text(owed!)])).toEqual([[1, "mine"]]);
    second.want([EFFECT.storeBackend, 0, 0, 0], [EFFECT.storeBackend, 1, 0, 0], [EFFECT.store, 0, 0]);
    expect(localStorage).toHaveLength(0);
  });

  it("d5_what_another_tab_has_to_revoke_stays", () => {
    const { want, user } = remembering(1);
    put(localStorage, ["two", null, "theirs"]);
    want([EFFECT.storeBackend, 0, 0, 0], [EFFECT.storeBackend, 1, user, 0], [EFFECT.store, user, 0]);
    expect(stored(record()).slice(1)).toEqual([
      ["two", "alice", null],
      ["two", null, "theirs"],
    ]);
  });

  it("f3_the_session_and_its_tokens_are_told_before_the_start", () => {
    put(sessionStorage, ["alice", "s_1", null, null], [null, "one"], ["hasura", "two"]);
    const r = remembering(2);
    const [[user, id, org, role]] = r.of("restored") as any;
    expect([user, id, org, role].map(r.text)).toEqual(["alice", "s_1", null, null]);
    expect(r.tokens).toEqual([
      [1, 0, expect.any(Number), 0, NaN, NaN],
      [1, expect.any(Number), expect.any(Number), 0, NaN, NaN],
    ]);
    expect(r.tokens.map(([, , token]) => r.text(token as number))).toEqual(["one", "two"]);
    expect(r.text(r.tokens[1]![1] as number)).toBe("hasura");
  });

  it.each([
    [0, 0],
    [1, 0],
  ])("f2_with_persist_%i_live_tokens_of_before_are_not_read", (persist) => {
    put(localStorage, who("alice", null));
    put(sessionStorage, ["alice", "s_1", null, null], [null, "one"]);
    const r = remembering(persist);
    expect(r.of("restored")).toEqual([]);
    expect(r.tokens).toEqual([]);
    expect(r.of("remembered").map(([user]) => r.text(user!))).toEqual(persist ? ["alice"] : []);
  });

  it.each([
    ['["clerk-bridge 1",[null,"s_1",null,null],[null,"one"]]'],
    ['["clerk-bridge 1",["alice"]]'],
    ['["clerk-bridge 1",[]]'],
    ['["clerk-bridge 1"]'],
    ['["clerk-bridge 1",["alice",null,null,null],[null,"one"]]'],
  ])("f1_a_session_that_is_not_whole_is_none: %s", (text) => {
    sessionStorage.setItem("app", text);
    const r = remembering(2);
    expect(r.of("restored")).toEqual([]);
    expect(r.tokens).toEqual([]);
  });

  it("f1_a_token_that_is_not_there_is_told_as_none", () => {
    put(sessionStorage, ["alice", "s_1", null, null], ["t"]);
    expect(remembering(2).tokens).toEqual([[1, expect.any(Number), 0, 4, NaN, NaN]]);
  });

  it("f1_what_is_damaged_is_discarded_and_told", () => {
    localStorage.setItem("app", "{");
    sessionStorage.setItem("app", "[]");
    const r = remembering(2);
    expect(r.host.log.mock.calls).toEqual([["record.discarded"], ["record.discarded"]]);
    expect(localStorage.length + sessionStorage.length).toBe(0);
    expect(r.of("start")).toHaveLength(1);
  });

  it.each<[string, () => void]>([
    ["full", () => vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => { throw new DOMException(); })],
    ["blocked", () => vi.spyOn(window, "localStorage", "get").mockImplementation(() => { throw new DOMException(); })],
  ])("f1_storage_that_is_%s_is_told_and_changes_nothing", (_, prevent) => {
    prevent();
    const { want, user, host } = remembering(1);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.store, user, 0], [EFFECT.abort, 3]);
    expect(host.log.mock.calls).toEqual([["storage.failed"]]);
    expect(host.abort).toHaveBeenCalledTimes(1);
  });
});

describe("dispose", () => {
  it("d6_leaves_no_timer_no_listener_and_no_machine", () => {
    vi.useFakeTimers();
    const { shell, source, want, freed, told } = started(alice);
    want([EFFECT.timer, 0, 0, 1000]);
    shell.dispose();
    shell.dispose();
    const count = told.length;
    expect(vi.getTimerCount()).toBe(0);
    expect(source.listeners.size).toBe(0);
    expect(freed()).toBe(1);
    source.getSession = () => {
      throw new Error("was read");
    };
    for (const type of ["focus", "pageshow", "online", "visibilitychange"]) window.dispatchEvent(new Event(type));
    shell.look();
    shell.tell(EVENT.askGood, 1, null);
    shell.tell(EVENT.stepDone, 1);
    expect(told).toHaveLength(count);
  });

  it("d6_a_source_that_goes_on_calling_is_not_heard", () => {
    const r = rig();
    const source = sourceOf(alice);
    let changed!: () => void;
    source.subscribe = (listener: () => void) => ((changed = listener), () => {});
    r.shell.start(source);
    r.shell.dispose();
    source.getSession = vi.fn();
    changed();
    expect(source.getSession).not.toHaveBeenCalled();
  });

  it.each<[string, (r: ReturnType<typeof started>) => void]>([
    ["brings a token", (r) => r.source.getToken.mockImplementation(async () => "late")],
    ["fails", (r) => r.source.getToken.mockImplementation(async () => Promise.reject(new Error("late")))],
    ["brings nothing", (r) => r.source.getToken.mockImplementation(async () => null)],
  ])("d6_a_fetch_that_%s_afterwards_changes_nothing", async (_, how) => {
    const r = started(alice);
    how(r);
    r.want([EFFECT.fetch, 7, 0, 0], [EFFECT.signOut, 8]);
    const count = r.told.length;
    r.shell.dispose();
    await settle();
    expect(r.told).toHaveLength(count);
    expect(r.tokens).toEqual([]);
  });

  const callbacks = HOST;
  const all: Parameters<ReturnType<typeof rig>["want"]> = [
    [EFFECT.answer, 1, 0, 0],
    [EFFECT.cache, 0, 0, 0],
    [EFFECT.run, 0, 1, 4, 0, 0, 0, 0],
    [EFFECT.abort, 1],
    [EFFECT.leave, 1, 0, 0],
    [EFFECT.log, "x", -1, 0, "", 0],
    [EFFECT.backend, 0, 0, 0, 0],
    [EFFECT.session, 0, 0, 0, 0],
    [EFFECT.publish, 0, 0, 0, 0, 0, 0],
    [EFFECT.fetch, 9, 0, 0],
    [EFFECT.timer, 0, 0, 50],
    [EFFECT.storeBackend, 0, 1],
    [EFFECT.store, 1, 0],
    [EFFECT.storeToken, 0, 1],
    [EFFECT.storeLive, 1, 1, 0, 0],
  ];

  it.each(callbacks)("d6_inside_`%s`_nothing_follows", (callback) => {
    vi.useFakeTimers();
    const { shell, host, want, source, freed, told } = started(alice);
    host[callback].mockImplementation(() => shell.dispose());
    want(...all);
    const made = callbacks.slice(0, callbacks.indexOf(callback) + 1);
    for (const one of callbacks) expect(host[one]).toHaveBeenCalledTimes(made.includes(one) ? 1 : 0);
    expect([vi.getTimerCount(), source.listeners.size, freed()]).toEqual([0, 0, 1]);
    expect(source.getToken).not.toHaveBeenCalled();
    expect(localStorage.length + sessionStorage.length).toBe(0);
    expect(told.at(-1)![0]).toBe("tick");
  });

  it.each(callbacks)("a5_inside_`%s`_the_bridge_may_be_used", (callback) => {
    const { shell, host, want, source, of } = started(alice);
    host[callback].mockImplementationOnce(() => {
      shell.tell(EVENT.askFresh, 5, "t");
      shell.tell(EVENT.signOut, 6);
      source.set(bob);
    });
    want(...all.slice(0, 9));
    expect([of("askFresh").length, of("signOut").length, of("signedIn").length]).toEqual([1, 1, 2]);
    for (const one of callbacks) expect(host[one]).toHaveBeenCalledTimes(1);
  });

  it.each<[string, (stop: () => void, r: ReturnType<typeof rig>, source: any) => void]>([
    ["the event of a damaged record", (stop, r) => {
      localStorage.setItem("app", "{");
      sessionStorage.setItem("app", "{");
      r.host.log.mockImplementation(stop);
    }],
    ["what the start causes", (stop, r) => {
      r.script.set(EVENT.start, () => [[EFFECT.session], [EFFECT.publish]]);
      r.host.publish.mockImplementation(stop);
    }],
    ["the subscribing", (stop, _, source) => {
      const { subscribe } = source;
      source.subscribe = (listener: () => void) => {
        stop();
        return subscribe(listener);
      };
    }],
    ["the reading", (stop, _, source) => {
      source.getSession = () => (stop(), alice);
    }],
  ])("d6_inside_%s_leaves_nothing_behind", (_, prepare) => {
    const r = rig({ persist: 2 });
    const source = sourceOf(alice);
    prepare(() => r.shell.dispose(), r, source);
    r.shell.start(source);
    expect(r.freed()).toBe(1);
    expect(source.listeners.size).toBe(0);
    expect(r.host.log.mock.calls.length).toBeLessThanOrEqual(2);
    source.getSession = vi.fn();
    window.dispatchEvent(new Event("focus"));
    expect(source.getSession).not.toHaveBeenCalled();
    expect(r.of("signedIn")).toEqual([]);
  });
});
