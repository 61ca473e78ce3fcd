// Something the visitor asked for that takes time and can fail.
import { useCallback, useState } from "react";

/** Runs one at a time; a failure is kept as words until the next try. */
export function useAction() {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const run = useCallback(async (action: () => Promise<unknown>) => {
    setBusy(true);
    setFailure(null);
    try {
      await action();
    } catch (error) {
      setFailure(wordsOf(error));
    } finally {
      setBusy(false);
    }
  }, []);
  return { run, isBusy, failure };
}

/** Clerk's errors carry their words for people in a list; Convex's in `data`. */
function wordsOf(error: unknown): string {
  const { errors, data, message } = Object(error) as {
    errors?: { longMessage?: string; message?: string }[];
    data?: { message?: string };
    message?: string;
  };
  const clerk = errors?.[0];
  return clerk?.longMessage || clerk?.message || data?.message || message || "That did not work.";
}
