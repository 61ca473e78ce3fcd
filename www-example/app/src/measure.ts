// Counts for a benchmark, on `window.__counts`, and the moments of first use as performance marks. It does nothing unless
// the page was opened with `?measure`.
import { useEffect } from "react";
import { isMeasured } from "./parameters";

declare global {
  interface Window {
    /** How often each part of the page was rendered. */
    __counts?: Record<string, number>;
  }
}

/** Count the renders of a part of the page, and mark the first. */
export function useMeasured(part: string) {
  useEffect(() => {
    if (!isMeasured) return;
    const counts = (window.__counts ??= {});
    counts[part] = (counts[part] ?? 0) + 1;
    if (counts[part] === 1) performance.mark(part);
  });
}
