// What is left of a bridge, module and all, on a clock that the test turns: nothing, whenever it is let go, and no more
// after a thousand rotations than after one.
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { createBridge, defineBackend } from "../../src/index.js";
import { createTestSource, type TestSource } from "../../src/testing.js";
import { createBrowser } from "../fake/browser.js";

const SECOND = 1000;
const PATIENCE = 60 * SECOND;
const NOTHING = { timers: 0, listeners: 0, channels: 0, locks: 0 };
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const ticks = async (count: number) => {
  for (let i = 0; i < count; i++) await null;
};

let memory: WebAssembly.Memory;
let browser: ReturnType<typeof createBrowser>;

/** A source that knows how many listen. */
const createSource = (user: string | null) => {
  const source = createTestSource({ user });
  let listening = 0;
  const counted: TestSource = {
    ...source,
    subscribe(onChange) {
      listening++;
      const leave = source.subscribe(onChange);
      return () => {
        listening--;
        leave();
      };
    },
  };
  return Object.assign(counted, { listening: () => listening });
};

/** One of the tabs. */
const open = (source: TestSource) => {
  const own = defineBackend({ kind: "own", attach() {}, detach() {} });
  const slow = defineBackend({ kind: "slow", template: "slow", attach: () => ticks(100), detach: () => ticks(100) });
  return createBridge({ source, backends: { own, slow } });
};

beforeAll(async () => {
  const { instantiate } = WebAssembly;
  const spy = vi.spyOn(WebAssembly, "instantiate").mockImplementation(async (...args: any) => {
    const made: any = await (instantiate as any)(...args);
    memory = made.exports.memory;
    return made;
  });
  // Compiling takes real time; later bridges share the module.
  const bridge = createBridge({ source: createTestSource(), shareTabs: false });
  await bridge.ready;
  bridge.dispose();
  spy.mockRestore();
});
beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
  browser = createBrowser();
});
afterEach(() => {
  browser.close();
  vi.useRealTimers();
});

/** A life with everything in it; each step takes the time it says. */
const LIFE: Array<[ms: number, step: (source: TestSource) => unknown]> = [
  [400, () => {}],
  [2 * SECOND, (source) => source.signIn("user_a")],
  [60 * SECOND, () => {}],
  [40 * SECOND, (source) => source.fail("offline")],
  [40 * SECOND, (source) => source.fail("timeout")],
  [40 * SECOND, (source) => source.fail("rate-limited")],
  [10 * SECOND, (source) => source.fail(null)],
  [3 * SECOND, (source) => source.setOrganization("org")],
  [3 * SECOND, (source) => source.signIn("user_b")],
  [3 * SECOND, (source) => source.signOut()],
  [3 * SECOND, (source) => source.signIn("user_c")],
];
const LASTS = LIFE.reduce((sum, [ms]) => sum + ms, 0);

it("d6_j3_nothing_is_left_of_tabs_that_are_let_go_at_any_moment", async () => {
  for (let end = 0; end < LASTS; end += end < 3 * SECOND ? 100 : 2900) {
    const source = createSource(null);
    const tabs = [open(source), open(source)];
    let left = end;
    for (const [ms, step] of LIFE) {
      step(source);
      await pass(Math.min(ms, left));
      left -= ms;
      if (left <= 0) break;
    }
    for (const tab of tabs) tab.dispose();
    await pass(0); // jsdom tells of a change in storage by a timer
    expect({ end, ...browser.holdings(), listening: source.listening() }).toEqual({ end, ...NOTHING, listening: 0 });
  }
}, PATIENCE);

it("d6_nothing_is_left_of_a_tab_that_has_just_taken_the_lock_from_a_frozen_one", async () => {
  const tab = open(createSource("user_a"));
  await pass(SECOND);
  const { locks } = browser.holdings();
  browser.freeze();
  for (let i = 0; i < 1000 && browser.holdings().locks <= locks; i++) await pass(SECOND / 10);
  tab.dispose();
  await pass(0);
  expect(browser.holdings()).toEqual(NOTHING);
}, PATIENCE);

it("j3_a_thousand_rotations_hold_no_more_than_one", async () => {
  const source = createSource("user_a");
  const tabs = [open(source), open(source)];
  const rotate = async () => {
    (source.fetches as unknown[]).length = 0;
    await pass(60 * SECOND);
    expect(source.fetches.length).toBeGreaterThan(0);
  };
  await rotate();
  const { byteLength } = memory.buffer;
  for (let i = 0; i < 1000; i++) {
    await rotate();
    expect(browser.holdings()).toEqual({ timers: 2, listeners: 8, channels: 2, locks: 2 });
  }
  expect(source.listening()).toBe(2);
  expect(memory.buffer.byteLength).toBe(byteLength);
  for (const tab of tabs) tab.dispose();
}, PATIENCE);
