// Whom Convex takes the page for. It must always agree with what the bridge says.
import { useQuery } from "convex/react";
import { api } from "./api";

export function Whoami() {
  const caller = useQuery(api.users.whoami);
  if (caller === undefined) return "…";
  return caller ? [caller.userId, caller.orgId].filter(Boolean).join(" · ") : "nobody";
}
