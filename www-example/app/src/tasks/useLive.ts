// A subscription as a hook. A failed one is thrown while rendering, so that it ends in the boundary of its column.
import { useEffect, useState } from "react";

type Subscribe<T> = (next: (value: T) => void, fail: (error: unknown) => void) => () => void;

/** What the subscription said last; undefined before. `subscribe` must be the same function at every render. */
export function useLive<T>(subscribe: Subscribe<T>): T | undefined {
  const [last, setLast] = useState<{ value?: T; error?: unknown }>({});
  useEffect(
    () =>
      subscribe(
        (value) => setLast({ value }),
        (error) => setLast({ error }),
      ),
    [subscribe],
  );
  if (last.error) throw last.error;
  return last.value;
}
