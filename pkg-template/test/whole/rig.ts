// What the tests of the whole package stand on: bridges on a clock that the test turns, with a backend that writes down
// what it is told.
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { type Bridge, type BridgeEvent, createBridge, defineBackend } from "../../src/index.js";
import { createTestSource, type TestSource } from "../../src/testing.js";
import type { AttachContext, BackendDefinition, BridgeOptions } from "../../src/types.js";

export const SECOND = 1000;
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const open: Bridge<any>[] = [];

export const claimsOf = (token: string) => JSON.parse(atob(token.split(".")[1]!));

/** A backend that writes down what it is told. */
export const recorder = (more: Partial<BackendDefinition> = {}) => {
  const log: string[] = [];
  const tokens: string[] = [];
  const contexts: AttachContext[] = [];
  const note = (word: string) => (token: string, context: AttachContext) => {
    log.push(`${word} ${claimsOf(token).sub}`);
    tokens.push(token);
    contexts.push(context);
  };
  const backend = defineBackend({
    kind: "recorder",
    attach: note("attach"),
    update: note("update"),
    detach: (reason) => void log.push(`detach ${reason}`),
    ...more,
  });
  return { backend, log, tokens, contexts, note };
};

export const make = (source: TestSource | object | undefined, options: BridgeOptions<any> = {}) => {
  const events: BridgeEvent[] = [];
  const bridge = createBridge<any>({
    source: source as TestSource,
    shareTabs: false,
    onEvent: (event) => events.push(event),
    ...options,
  });
  open.push(bridge);
  return { bridge, events, types: () => events.map(({ type }) => type) };
};

/** A bridge with one recording backend. */
export const rig = (source: TestSource | object | undefined, options: BridgeOptions<any> = {}, more = {}) => {
  const recorded = recorder(more);
  return { ...make(source, { backends: { own: recorded.backend }, ...options }), ...recorded };
};

beforeAll(async () => {
  // Compiling takes real time; later bridges share the module.
  const bridge = createBridge({ source: createTestSource() });
  expect((await bridge.ready).status).toBe("unauthenticated");
  bridge.dispose();
});
beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
});
afterEach(async () => {
  for (const bridge of open.splice(0)) bridge.dispose();
  await pass(0); // jsdom tells of a change in storage by a timer
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});
