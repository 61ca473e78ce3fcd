// The bridge's state and each backend's, as `useBridgeAuth` gives them.
import type { BackendState } from "clerk-bridge";
import { useBridgeAuth } from "clerk-bridge/react";
import { useServices } from "../backends";
import { Problem } from "./Problem";
import { Section } from "./Section";
import { StatusBadge } from "./StatusBadge";

export function BridgeState() {
  const services = useServices();
  const { status, isRefreshing, userId, sessionId, orgId, orgRole, remembered, error, backends } = useBridgeAuth();
  return (
    <Section title="clerk-bridge" aside={<StatusBadge status={status} isRefreshing={isRefreshing} />}>
      <dl className="facts">
        <Fact name="User">{userId}</Fact>
        <Fact name="Organisation">{orgId && [orgId, orgRole].filter(Boolean).join(" · ")}</Fact>
        <Fact name="Session">{sessionId && `${sessionId.slice(0, 12)}…`}</Fact>
        {remembered && <Fact name="Remembered">{remembered.userId}</Fact>}
      </dl>
      <ul className="backends">
        {Object.entries(backends).map(([name, backend]) => (
          <BackendRow key={name} title={services[name]?.title ?? name} backend={backend} />
        ))}
      </ul>
      {/* A backend's error stands in its own row. */}
      {error?.backend ? null : <Problem error={error} />}
    </Section>
  );
}

function BackendRow({ title, backend }: { title: string; backend: BackendState }) {
  return (
    <li>
      {title}
      <StatusBadge status={backend.status} isRefreshing={backend.isRefreshing} />
      <Problem error={backend.error} />
    </li>
  );
}

function Fact({ name, children }: { name: string; children: string | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children ?? "–"}</dd>
    </div>
  );
}
