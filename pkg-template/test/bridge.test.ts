// The bridge around a scripted shell: state and listeners, callers, the fast path of tokens, traps, the end.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { innerOf } from "../src/bridge.js";
import { type Bridge, BridgeError, type BridgeEvent, createBridge, defineBackend } from "../src/index.js";
import { createTestSource } from "../src/testing.js";
import { lastShell, reset, script, shells } from "./fake/shell.js";

const open: Bridge<any>[] = [];
const make = (options: any = {}) => {
  const bridge = createBridge({ source: createTestSource(), ...options });
  open.push(bridge);
  return bridge;
};
const started = async (options?: any) => {
  const count = shells.length;
  const bridge = make(options);
  await vi.waitFor(() => expect(shells.length).toBe(count + 1));
  return { bridge, shell: lastShell() };
};
const plain = () => defineBackend({ kind: "plain", attach() {}, detach() {} });

beforeEach(reset);
afterEach(() => {
  for (const bridge of open.splice(0)) bridge.dispose();
  vi.restoreAllMocks();
});

describe("start", () => {
  it("a1_is_loading_before_the_module_has_loaded", async () => {
    const bridge = make();
    expect(bridge.getSnapshot()).toMatchObject({ status: "loading", isLoading: true, userId: null, error: null });
    expect(bridge.getSnapshot()).toBe(bridge.getServerSnapshot());
    expect(shells).toHaveLength(0);
  });

  it("hands_its_options_to_the_shell", async () => {
    const { shell } = await started({
      name: "app",
      persist: "tokens",
      shareTabs: false,
      leewaySeconds: 3,
      fetchTimeoutMs: 4,
      sourceTimeoutMs: 5,
      backends: { one: plain(), two: defineBackend({ kind: "two", template: "t", attach() {}, detach() {} }) },
    });
    expect(shell.names).toEqual(["one", "two"]);
    expect(shell.options).toMatchObject({
      name: "app",
      persist: 2,
      shareTabs: false,
      leewaySeconds: 3,
      fetchTimeoutMs: 4,
      sourceTimeoutMs: 5,
    });
    expect(shell.of("backend")).toEqual([
      [0, undefined, 0, 0],
      [0, "t", 0, 0],
    ]);
  });

  it("hands_its_source_to_the_shell", async () => {
    for (const source of [createTestSource(), { loaded: false, addListener: () => () => {} }])
      expect((await started({ source })).shell.of("start")).toEqual([[source]]);
  });

  it("without_a_source_it_is_not_known_who_is_here_until_it_is_fed", async () => {
    const { bridge, shell } = await started({ source: undefined });
    const [[source]] = shell.of("start") as any;
    expect(source.getSession()).toBeUndefined();
    expect(source.subscribe()).toBeUndefined();
    innerOf(bridge).feed({ getSession: () => null, getToken: async () => "fed" });
    expect(source.getSession()).toBeNull();
    expect(await source.getToken({})).toBe("fed");
    expect(shell.of("look")).toHaveLength(1);
  });
});

describe("state", () => {
  it("a5_snapshots_are_frozen_and_keep_their_identity", async () => {
    const { bridge, shell } = await started({ backends: { plain: plain() } });
    shell.effect("backend", 0, 1, 0, 0);
    shell.say({ status: 1, userId: "u", sessionId: "s", orgId: "o", orgRole: "r" });
    const state = bridge.getSnapshot();
    expect(state).toEqual({
      status: "authenticated",
      isLoading: false,
      isAuthenticated: true,
      isRefreshing: false,
      userId: "u",
      sessionId: "s",
      orgId: "o",
      orgRole: "r",
      remembered: null,
      error: null,
      backends: {
        plain: { status: "authenticated", isLoading: false, isAuthenticated: true, isRefreshing: false, error: null },
      },
    });
    expect(bridge.getSnapshot()).toBe(state);
    for (const it of [state, state.backends, state.backends.plain]) expect(Object.isFrozen(it)).toBe(true);
    shell.say({ status: 1, userId: "u", sessionId: "s2" });
    expect(bridge.getSnapshot()).not.toBe(state);
    expect(bridge.getSnapshot().backends).toBe(state.backends);
  });

  it("a1_says_who_was_here_last", async () => {
    const { bridge, shell } = await started();
    shell.say({ rememberedUserId: "u", rememberedOrgId: "o" });
    expect(bridge.getSnapshot().remembered).toEqual({ userId: "u", orgId: "o" });
    expect(Object.isFrozen(bridge.getSnapshot().remembered)).toBe(true);
  });

  it("a5_a_listener_that_throws_stops_no_other", async () => {
    const { bridge, shell } = await started();
    const uncaught: unknown[] = [];
    vi.stubGlobal("queueMicrotask", (task: () => void) => {
      try {
        task();
      } catch (error) {
        uncaught.push(error);
      }
    });
    const heard: string[] = [];
    bridge.subscribe(() => {
      heard.push("first");
      throw new Error("listener");
    });
    bridge.subscribe(() => heard.push("second"));
    shell.say({ status: 2 });
    vi.unstubAllGlobals();
    expect(heard).toEqual(["first", "second"]);
    expect(uncaught).toEqual([new Error("listener")]);
  });

  it("a5_listeners_subscribe_and_unsubscribe_from_inside_callbacks", async () => {
    const { bridge, shell } = await started();
    const heard: string[] = [];
    const second = () => heard.push("second");
    bridge.subscribe(() => {
      heard.push("first");
      stop();
      bridge.subscribe(() => heard.push("late"));
    });
    const stop = bridge.subscribe(second);
    shell.say({ status: 2 });
    expect(heard).toEqual(["first"]);
    shell.say({ status: 1 });
    expect(heard).toEqual(["first", "first", "late"]);
  });

  it("a5_a_listener_given_twice_is_two_listeners", async () => {
    const { bridge, shell } = await started();
    const listener = vi.fn();
    const stop = bridge.subscribe(listener);
    bridge.subscribe(listener);
    shell.say({ status: 2 });
    expect(listener).toHaveBeenCalledTimes(2);
    stop();
    stop();
    shell.say({ status: 1 });
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it("ready_resolves_when_the_state_first_leaves_loading", async () => {
    const { bridge, shell } = await started();
    shell.say({ rememberedUserId: "u" });
    shell.say({ status: 2 });
    shell.say({ status: 1 });
    expect((await bridge.ready).status).toBe("unauthenticated");
  });

  it("errors_carry_code_hint_backend_and_cause", async () => {
    const { bridge, shell } = await started({ backends: { plain: plain() } });
    shell.effect("backend", 0, 2, 0, 12);
    shell.say({ status: 2, error: 12, errorBackend: 0 });
    const { error, backends } = bridge.getSnapshot();
    expect(error).toBeInstanceOf(BridgeError);
    expect(error).toBe(backends.plain!.error);
    expect(error).toMatchObject({ code: "ERR_BACKEND_REJECTED", backend: "plain", hint: expect.any(String) });
    shell.say({ status: 2, error: 6 });
    const failed = bridge.getSnapshot().error;
    expect(failed).toMatchObject({ code: "ERR_SOURCE_FAILED", backend: null });
    shell.say({ status: 2, error: 6, userId: "u" });
    expect(bridge.getSnapshot().error).toBe(failed);
  });
});

describe("getToken", () => {
  it("asks_the_shell_and_settles_as_it_answers", async () => {
    const { bridge, shell } = await started();
    script.askGood = script.askFresh = (shell, caller, template) =>
      shell.effect("answer", caller, 0, `token ${template}`);
    expect(await bridge.getToken()).toBe("token null");
    expect(await bridge.getToken({ template: "hasura", forceRefresh: true })).toBe("token hasura");
    expect([...shell.of("askGood"), ...shell.of("askFresh")].map(([, ...args]) => args)).toEqual([[null], ["hasura"]]);
    script.askGood = (shell, caller) => shell.effect("answer", caller, 11, null);
    await expect(bridge.getToken({ template: null })).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    script.askGood = (shell, caller) => shell.effect("answer", caller, 0, null);
    expect(await bridge.getToken()).toBeNull();
  });

  it("g4_a_template_that_is_no_string_is_asked_for_as_one", async () => {
    const { bridge, shell } = await started();
    for (const template of [3, "", 0, null]) bridge.getToken({ template: template as any }).catch(() => {});
    expect(shell.of("askGood").map(([, template]) => template)).toEqual(["3", null, null, null]);
  });

  it("c4_no_wait_is_longer_than_a_timer_can_be", () => {
    vi.useFakeTimers();
    const bridge = make({ fetchTimeoutMs: Number.MAX_VALUE });
    let failed: unknown;
    bridge.getToken().catch((error) => (failed = error));
    vi.advanceTimersByTime(2 ** 31 - 2);
    expect([failed, vi.getTimerCount()]).toEqual([undefined, 1]);
    bridge.dispose();
    vi.useRealTimers();
  });

  it("b6_a_held_token_is_handed_out_without_asking_the_shell", async () => {
    const { bridge, shell } = await started();
    shell.effect("cache", null, "held", 1000);
    shell.effect("cache", "hasura", "other", 1000);
    expect(await bridge.getToken()).toBe("held");
    expect(bridge.getToken()).toBe(bridge.getToken());
    expect(await bridge.getToken({ template: "hasura" })).toBe("other");
    expect(shell.of("askGood")).toHaveLength(0);
    shell.effect("cache", null, null, 0);
    bridge.getToken().catch(() => {});
    expect(shell.of("askGood")).toHaveLength(1);
    script.askFresh = (shell, caller) => shell.effect("answer", caller, 0, "minted");
    expect(await bridge.getToken({ template: "hasura", forceRefresh: true })).toBe("minted");
  });

  it.each([
    ["the wall clock", () => vi.spyOn(Date, "now").mockReturnValue(Date.now() + 1000)],
    ["the monotonic clock", () => vi.spyOn(performance, "now").mockReturnValue(performance.now() + 1000)],
  ])("b6_a_held_token_ends_by_%s", async (_, advance) => {
    const { bridge, shell } = await started();
    shell.effect("cache", null, "held", 1000);
    advance();
    bridge.getToken().catch(() => {});
    expect(shell.of("askGood")).toHaveLength(1);
  });

  it("b6_the_clocks_are_read_again_in_the_next_task", async () => {
    const { bridge, shell } = await started();
    shell.effect("cache", null, "held", 1000);
    expect(await bridge.getToken()).toBe("held");
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 1000);
    await vi.waitFor(() => {
      bridge.getToken().catch(() => {});
      expect(shell.of("askGood").length).toBeGreaterThan(0);
    });
  });

  it("waits_for_the_module", async () => {
    script.askGood = (shell, caller) => shell.effect("answer", caller, 0, "late");
    const bridge = make();
    expect(await bridge.getToken()).toBe("late");
  });

  it("b10_once_there_is_a_shell_it_alone_keeps_the_time", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const bridge = make({ fetchTimeoutMs: 10_000 });
    const settled = vi.fn();
    bridge.getToken().then(settled, settled);
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(settled).not.toHaveBeenCalled();
    vi.useRealTimers();
  });

  it("tells_the_cause", async () => {
    const { bridge } = await started();
    const offline = { code: "clerk_offline" };
    script.askGood = (shell, caller) => {
      shell.blame = offline;
      shell.effect("answer", caller, 8, null);
    };
    await expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_TOKEN_TRANSIENT", cause: offline });
  });
});

describe("leave, event", () => {
  it("leavers_are_awaited", async () => {
    const { bridge, shell } = await started();
    const left: unknown[] = [];
    let finish!: () => void;
    bridge.onLeave((userId, reason) => {
      left.push([userId, reason]);
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    const stop = bridge.onLeave(() => void left.push("unsubscribed"));
    stop();
    shell.effect("leave", 5, "user_a", 1);
    expect(left).toEqual([["user_a", "user-switched"]]);
    expect(shell.of("left")).toHaveLength(0);
    finish();
    await vi.waitFor(() => expect(shell.of("left")).toEqual([[5]]));
  });

  it("events_name_the_backend", async () => {
    const events: BridgeEvent[] = [];
    const { shell } = await started({ backends: { plain: plain() }, onEvent: (event: BridgeEvent) => events.push(event) });
    shell.effect("log", "retry.scheduled", 0, "t", "offline", 500);
    expect(events).toEqual([
      { at: expect.any(Number), type: "retry.scheduled", backend: "plain", template: "t", reason: "offline", ms: 500 },
    ]);
  });
});

describe("signOut and dispose", () => {
  it("d7_sign_out_asks_the_shell", async () => {
    const { bridge, shell } = await started();
    script.signOut = (shell, caller) => shell.effect("answer", caller, 0, null);
    expect(await bridge.signOut()).toBeUndefined();
    expect(shell.of("signOut")).toHaveLength(1);
  });

  it("d6_after_dispose_nothing_happens_any_more", async () => {
    const listener = vi.fn();
    const close = vi.fn();
    const { bridge, shell } = await started({ onEvent: listener });
    bridge.subscribe(close);
    shell.effect("cache", null, "held", 1000);
    const waiting = bridge.getToken({ template: "t" });
    const before = bridge.getSnapshot();
    bridge.dispose();
    bridge.dispose();
    expect(shell.of("dispose")).toHaveLength(1);
    await expect(waiting).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await expect(bridge.signOut()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    expect(bridge.subscribe(listener)).toBeTypeOf("function");
    expect(bridge.getSnapshot()).toBe(before);
    expect(await bridge.ready).toBe(before);
    expect(listener).not.toHaveBeenCalled();
    expect(close).not.toHaveBeenCalled();
  });

  it("d6_dispose_before_the_module_has_loaded_makes_no_shell", async () => {
    make().dispose();
    const { bridge } = await started();
    expect(shells).toHaveLength(1);
    bridge.dispose();
  });

  it.each<[string, (shell: ReturnType<typeof lastShell>) => unknown]>([
    ["an event", ({ effect }) => effect("log", "x", -1)],
    ["a state", (shell) => shell.say({ status: 2 })],
  ])("d6_a_dispose_inside_%s_while_the_shell_begins_is_the_end", async (_, cause) => {
    const bridge = make({ backends: { plain: plain() }, onEvent: () => bridge.dispose() });
    bridge.subscribe(() => bridge.dispose());
    script.backend = cause;
    const waiting = expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    await waiting;
    expect(lastShell().of("dispose")).toHaveLength(1);
    lastShell().effect("log", "late", -1);
    expect((await bridge.ready).status).toBe(bridge.getSnapshot().status);
  });

  it("a5_a_call_made_while_the_shell_begins_is_asked_once", async () => {
    const bridge = make({ onEvent: () => void bridge.getToken().catch(() => {}) });
    script.start = ({ effect }) => effect("log", "x", -1);
    bridge.getToken().catch(() => {});
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    expect(lastShell().of("askGood").map(([caller]) => caller)).toEqual([2, 1]);
  });

  it("i5_two_bridges_do_not_disturb_each_other", async () => {
    const one = await started();
    const two = await started();
    one.bridge.dispose();
    two.shell.say({ status: 1, userId: "u" });
    expect(two.bridge.getSnapshot().userId).toBe("u");
    expect(one.bridge.getSnapshot().userId).toBeNull();
  });
});

describe("a trap", () => {
  it("j1_is_reported_and_a_new_shell_carries_on", async () => {
    const events: string[] = [];
    const { bridge, shell } = await started({ onEvent: ({ type }: BridgeEvent) => events.push(type) });
    shell.say({ status: 1, userId: "u" });
    const states: unknown[] = [];
    bridge.subscribe(() => {
      const { status, error } = bridge.getSnapshot();
      states.push([status, error?.code ?? null]);
    });
    script.askGood = (shell, caller) => shell.effect("answer", caller, 0, "after");
    const waiting = bridge.getToken();
    expect(await waiting).toBe("after");
    delete script.askGood;
    const pending = bridge.getToken();
    shell.trap();
    await vi.waitFor(() => expect(shells).toHaveLength(2));
    expect(lastShell().of("askGood")).toEqual([[2, null]]);
    lastShell().effect("answer", 2, 0, "again");
    expect(await pending).toBe("again");
    lastShell().say({ status: 0 });
    lastShell().say({ status: 1, userId: "u" });
    expect(states).toEqual([
      ["authenticated", "ERR_PANIC"],
      ["authenticated", null],
    ]);
    expect(events).toEqual(["panic"]);
  });

  it("j1_the_dead_instance_is_never_entered_again", async () => {
    const { shell } = await started();
    shell.trap();
    expect(() => shell.trap()).not.toThrow();
    await vi.waitFor(() => expect(shells).toHaveLength(2));
  });

  it("j3_the_shell_of_a_dead_machine_lets_go_of_everything", async () => {
    const attach = vi.fn();
    const { shell } = await started({ backends: { own: defineBackend({ kind: "own", attach, detach() {} }) } });
    await shell.effect("run", 0, 1, 1, "token", 0, "u", "s", null);
    shell.trap();
    await vi.waitFor(() => expect(shells).toHaveLength(2));
    expect(shell.of("dispose")).toHaveLength(1);
    expect(attach.mock.calls[0]![1].signal.aborted).toBe(true);
  });

  it.each(["listener", "onEvent"])("d6_a_dispose_inside_a_%s_that_hears_of_it_is_the_end", async (by) => {
    const { bridge, shell } = await started({ onEvent: () => by === "onEvent" && bridge.dispose() });
    const listener = vi.fn(() => bridge.dispose());
    bridge.subscribe(listener);
    const before = bridge.getSnapshot();
    const pending = expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    shell.trap();
    await pending;
    expect(listener).toHaveBeenCalledTimes(by === "onEvent" ? 0 : 1);
    if (by === "onEvent") expect(bridge.getSnapshot()).toBe(before);
    const other = await started();
    expect(shells).toHaveLength(2);
    other.bridge.dispose();
  });

  it("j1_restarts_only_a_few_times_a_minute", async () => {
    const { bridge } = await started();
    for (let count = 1; count <= 3; count++) {
      lastShell().trap();
      await vi.waitFor(() => expect(shells).toHaveLength(count + 1));
    }
    vi.useFakeTimers();
    lastShell().trap();
    await vi.advanceTimersByTimeAsync(59_000);
    expect(shells).toHaveLength(4);
    expect(bridge.getSnapshot()).toMatchObject({ status: "unauthenticated", error: { code: "ERR_PANIC" } });
    await vi.advanceTimersByTimeAsync(1_000);
    vi.useRealTimers();
    await vi.waitFor(() => expect(shells).toHaveLength(5));
  });
});
