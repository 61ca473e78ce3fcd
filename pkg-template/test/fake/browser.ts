// What the tabs of one browser share, in memory: channels and Web Locks, as far as the package uses them. It counts what
// is held of them, and listeners of the window; it must never keep anything alive or wait for real time.
import { vi } from "vitest";

interface Waiting {
  name: string;
  grant(): void;
}

/** Stands in for the browser's own until `close`. */
export const createBrowser = () => {
  const channels = new Set<Channel>();
  /** By name, what takes the lock away from its holder. */
  const held = new Map<string, (error: unknown) => void>();
  const waiting = new Set<Waiting>();
  const listeners = new Map<unknown, Set<string>>();
  /** The locks of a tab that says nothing. */
  const frozen = new Set<string>();

  class Channel {
    onmessage?: (event: { data: unknown }) => void;

    constructor(readonly name: string) {
      channels.add(this);
    }
    postMessage(data: unknown) {
      for (const other of channels)
        if (other !== this && other.name === this.name)
          queueMicrotask(() => channels.has(other) && other.onmessage?.({ data }));
    }
    close() {
      channels.delete(this);
    }
  }

  const grantNext = (name: string) => {
    if (held.has(name)) return;
    for (const one of waiting) if (one.name === name) return one.grant();
  };

  const request = (name: string, { signal, steal, ifAvailable }: LockOptions, work: (lock: object | null) => unknown) =>
    new Promise<unknown>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (ifAvailable && held.has(name)) return resolve(Promise.resolve(null).then(work));
      const own: Waiting = {
        name,
        grant() {
          waiting.delete(own);
          held.set(name, reject);
          const release = () => {
            if (held.get(name) === reject) held.delete(name);
            grantNext(name);
          };
          const working = Promise.resolve({ name }).then(work);
          working.then(release, release);
          working.then(resolve, reject); // unless it is stolen before
        },
      };
      if (steal || ifAvailable) {
        held.get(name)?.(new DOMException("Stolen.", "AbortError"));
        return own.grant();
      }
      waiting.add(own);
      signal?.addEventListener("abort", () => waiting.delete(own) && reject(signal.reason));
      grantNext(name);
    });

  vi.stubGlobal("BroadcastChannel", Channel);
  Object.defineProperty(navigator, "locks", { value: { request }, configurable: true });
  const { addEventListener, removeEventListener } = window;
  vi.spyOn(window, "addEventListener").mockImplementation((...args: [any, any]) => {
    if (!listeners.has(args[1])) listeners.set(args[1], new Set());
    listeners.get(args[1])!.add(args[0]);
    addEventListener.apply(window, args);
  });
  vi.spyOn(window, "removeEventListener").mockImplementation((...args: [any, any]) => {
    listeners.get(args[1])?.delete(args[0]);
    removeEventListener.apply(window, args);
  });

  return {
    /** A tab that says nothing takes every lock. What it has is not counted. */
    freeze() {
      for (const name of [...held.keys()]) {
        frozen.add(name);
        request(name, { steal: true }, () => new Promise(() => {})).catch(() => frozen.delete(name));
      }
    },
    holdings: () => ({
      timers: vi.getTimerCount(),
      listeners: [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
      channels: channels.size,
      locks: held.size + waiting.size - frozen.size,
    }),
    close() {
      vi.unstubAllGlobals();
      vi.restoreAllMocks();
      delete (navigator as any).locks;
    },
  };
};
