// One backend's list, shown while the bridge says that this backend has accepted the user.
import { useBridgeAuth } from "clerk-bridge/react";
import { Problem } from "../panel/Problem";
import { StatusBadge } from "../panel/StatusBadge";
import { Skeleton } from "../ui/Skeleton";
import { Card, List } from "./List";
import type { Service } from "./types";

export function Column({ name, service }: { name: string; service: Service }) {
  const { status, isLoading, isAuthenticated, userId, orgId, error } = useBridgeAuth(name);
  if (isAuthenticated && userId) {
    // Made anew for everybody else, and for every organisation.
    return <List key={`${userId} ${orgId}`} service={service} caller={{ userId, orgId }} />;
  }
  return (
    <Card service={service} badge={<StatusBadge status={status} />}>
      {isLoading ? <Skeleton /> : error ? <Problem error={error} /> : <p className="hint">Signed out.</p>}
    </Card>
  );
}
