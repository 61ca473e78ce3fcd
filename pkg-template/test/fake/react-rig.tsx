// What the tests of the React binding stand on: roots over a scripted shell.
import { act, type ReactNode, useEffect, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { defineBackend } from "../../src/index.js";
import { lastShell, reset, shells } from "./shell.js";

(globalThis as any).IS_REACT_ACT_ENVIRONMENT = true;

export const roots: Root[] = [];
/** Rendered in a root that is gone after the test. */
export const render = async (node: ReactNode) => {
  const container = document.createElement("div");
  const root = createRoot(container);
  roots.push(root);
  await act(async () => root.render(node));
  return { container, root, text: () => container.textContent };
};
/** The last shell, once there are so many. */
export const shell = async (count = 1) => {
  await act(async () => vi.waitFor(() => expect(shells).toHaveLength(count)));
  return lastShell();
};
export const say = (state: object) => act(async () => lastShell().say(state));

/** A hook as Clerk has it, whose value the test sets. */
export const hook = () => {
  let value: any = { isLoaded: false };
  const listeners = new Set<() => void>();
  return {
    useAuth: () => {
      const [, render] = useState(0);
      useEffect(() => {
        const listener = () => render((count) => count + 1);
        listeners.add(listener);
        return () => void listeners.delete(listener);
      }, []);
      return value;
    },
    set: (next: any) =>
      act(async () => {
        value = next;
        for (const listener of listeners) listener();
      }),
  };
};

beforeEach(reset);
afterEach(async () => {
  vi.useFakeTimers();
  for (const root of roots.splice(0)) await act(async () => root.unmount());
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
});

export const plain = () => defineBackend({ kind: "plain", attach() {}, detach() {} });
