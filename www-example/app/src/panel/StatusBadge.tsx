// A status as a word and a colour; the word says it all.
import type { Status } from "clerk-bridge";

export function StatusBadge({ status, isRefreshing = false }: { status: Status; isRefreshing?: boolean }) {
  return (
    <span className="badge" data-status={isRefreshing ? "refreshing" : status}>
      {status}
      {isRefreshing && ", refreshing"}
    </span>
  );
}
