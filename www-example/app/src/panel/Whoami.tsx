// Whom Convex takes the page for. It must always agree with the rows above it.
import { useQuery } from "convex/react";
import { api } from "../api";

export function Whoami() {
  const caller = useQuery(api.users.whoami);
  return (
    <div>
      <dt>Convex sees</dt>
      <dd>{caller === undefined ? "…" : caller ? [caller.userId, caller.orgId].filter(Boolean).join(" · ") : "nobody"}</dd>
    </div>
  );
}
