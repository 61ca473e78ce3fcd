// Whether the list is live.
import { useConvexConnectionState } from "convex/react";

export function Connection() {
  const { isWebSocketConnected, hasInflightRequests } = useConvexConnectionState();
  const state = !isWebSocketConnected ? "reconnecting" : hasInflightRequests ? "saving" : "live";
  return (
    <span className="badge" data-status={state === "live" ? "authenticated" : "refreshing"} role="status">
      {state}
    </span>
  );
}
