// With Convex's own provider there is no bridge: what it and Clerk say is all there is to see.
import { useAuth } from "@clerk/react";
import { useConvexAuth } from "convex/react";
import { Section } from "../panel/Section";
import { StatusBadge } from "../panel/StatusBadge";
import { Whoami } from "../tasks/convex/Whoami";

export function ConvexState() {
  const { isLoading, isAuthenticated } = useConvexAuth();
  const { userId, orgId } = useAuth();
  const status = isLoading ? "loading" : isAuthenticated ? "authenticated" : "unauthenticated";
  return (
    <Section title="Convex’s own provider" aside={<StatusBadge status={status} />}>
      <dl className="facts">
        <div>
          <dt>Clerk’s user</dt>
          <dd>{userId ?? "–"}</dd>
        </div>
        <div>
          <dt>Clerk’s organisation</dt>
          <dd>{orgId ?? "–"}</dd>
        </div>
        <div>
          <dt>Convex sees</dt>
          <dd>
            <Whoami />
          </dd>
        </div>
      </dl>
    </Section>
  );
}
