// Tokens that are handed out at once: for as long as both clocks allow, and read again in each task.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createHeld } from "../src/held.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("b6_hands_out_the_same_promise_until_time_is_over", async () => {
  const held = createHeld();
  expect(held.get(null)).toBeUndefined();
  held.set(null, "token", 1000);
  held.set("hasura", "other", 2000);
  expect(held.get(null)).toBe(held.get(null));
  expect(await held.get(null)).toBe("token");
  vi.advanceTimersByTime(999);
  expect(await held.get(null)).toBe("token");
  vi.advanceTimersByTime(1);
  expect(held.get(null)).toBeUndefined();
  expect(await held.get("hasura")).toBe("other");
  held.set("hasura", null, 0);
  expect(held.get("hasura")).toBeUndefined();
});

it("b6_reads_the_clocks_once_in_a_task", () => {
  const held = createHeld();
  held.set(null, "token", 1000);
  const now = vi.spyOn(Date, "now");
  for (let i = 0; i < 10; i++) held.get(null);
  expect(now).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(0);
  held.get(null);
  expect(now).toHaveBeenCalledTimes(2);
});

it("d6_leaves_no_timer_behind_and_goes_on_if_it_must", () => {
  const held = createHeld();
  held.set(null, "token", 1000);
  held.get(null);
  held.clear();
  expect(vi.getTimerCount()).toBe(0);
  expect(held.get(null)).toBeUndefined();
  held.set(null, "token", 1000);
  expect(held.get(null)).toBeDefined();
  vi.advanceTimersByTime(1000);
  expect(held.get(null)).toBeUndefined();
});
