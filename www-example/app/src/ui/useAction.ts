// Something the visitor asked for that takes time and can fail.
import { useCallback, useState } from "react";
import { wordsOf } from "./words";

/** A failure is kept as words until the next try. `run` tells whether there was one. */
export function useAction() {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const run = useCallback(async (action: () => Promise<unknown>) => {
    setBusy(true);
    setFailure(null);
    try {
      await action();
      return true;
    } catch (error) {
      setFailure(wordsOf(error));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { run, isBusy, failure };
}
