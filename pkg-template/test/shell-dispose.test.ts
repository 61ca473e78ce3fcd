// The shell around a scripted machine: that it ends when it is told, whenever that is.
import { describe, expect, it, vi } from "vitest";
import { EFFECT, EVENT } from "../src/shell/numbers.js";
import { HOST } from "./fake/machine.js";
import { alice, bob, rig, settle, sourceOf, started } from "./fake/shell-rig.js";

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
