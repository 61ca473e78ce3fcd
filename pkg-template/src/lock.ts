// Work that one tab at a time should do. Where the browser has no locks, or forbids them, it is done all the same. (E4)

/** @internal Waits for the lock until the signal aborts; then the work begins without it. */
export const underLock = async <T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  let begun: Promise<T> | undefined;
  try {
    await navigator.locks.request(name, { signal }, () => (begun = work()));
  } catch {}
  return begun ?? work();
};
