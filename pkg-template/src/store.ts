// One value and those who listen to it. A listener may subscribe, unsubscribe and change the value from inside a
// callback; one that throws must never stop another. (A5)

/** @internal An error of the application: told as uncaught, where it can harm nobody. */
export const report = (error: unknown): void =>
  queueMicrotask(() => {
    throw error;
  });

/** @internal Calls a callback of the application; what it throws is reported. */
export const safely = <A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): unknown => {
  try {
    return callback(...args);
  } catch (error) {
    report(error);
  }
};

/** @internal What it was with a change: frozen, and the same object if nothing changed. (A5) */
export const changed = <T extends object>(before: T | null | undefined, change: Partial<T>): T =>
  before && Object.entries(change).every(([key, value]) => before[key as keyof T] === value)
    ? before
    : Object.freeze({ ...before, ...change } as T);

/** @internal One more in a set; returns what takes it out again. */
export const join = <T>(set: Set<T>, one: T) => {
  set.add(one);
  return (): void => {
    set.delete(one);
  };
};

/** @internal */
export interface Store<S> {
  get(): S;
  /** The value changes; the listeners hear of it. */
  set(change: Partial<S>): void;
  subscribe(listener: () => void): () => void;
  /** Nobody listens any more. */
  close(): void;
}

/** @internal */
export const createStore = <S extends object>(value: S): Store<S> => {
  // Each subscription is a function of its own, so that a listener given twice counts twice.
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(change) {
      value = changed(value, change);
      for (const listener of [...listeners]) {
        if (listeners.has(listener)) safely(listener);
      }
    },
    subscribe: (listener) => join(listeners, () => listener()),
    close: () => listeners.clear(),
  };
};
