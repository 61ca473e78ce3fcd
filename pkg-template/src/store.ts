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

/** @internal */
export interface Store<S> {
  get(): S;
  /** A new value; the listeners hear of it. */
  set(next: S): void;
  subscribe(listener: () => void): () => void;
  /** Nobody listens any more. */
  close(): void;
}

/** @internal */
export const createStore = <S>(value: S): Store<S> => {
  // Each subscription is a function of its own, so that a listener given twice counts twice.
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of [...listeners]) {
        if (listeners.has(listener)) safely(listener);
      }
    },
    subscribe(listener) {
      const own = () => listener();
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    close: () => listeners.clear(),
  };
};
