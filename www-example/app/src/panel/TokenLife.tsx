// How long the current token lives yet, by the servers' clock. The token itself is never shown.
import { useBridge } from "clerk-bridge/react";
import { useState } from "react";
import { useCloudState } from "../local/cloud-state";
import { Failure } from "../ui/Failure";
import { useAction } from "../ui/useAction";
import { useNow } from "../ui/useNow";
import type { Claims } from "./claims";
import { Section } from "./Section";
import { useTemplate, useTokenClaims } from "./useTokenClaims";

export function TokenLife({ offsetMs = 0 }: { offsetMs?: number }) {
  const bridge = useBridge();
  const template = useTemplate();
  const claims = useTokenClaims(template);
  const { run, isBusy, failure } = useAction();
  const renew = (
    <button
      className="button small"
      disabled={isBusy || !claims}
      onClick={() => run(() => bridge.getToken({ template, forceRefresh: true }))}
    >
      Renew now
    </button>
  );
  return (
    <Section title="Token" aside={renew}>
      {claims ? <Life key={claims.id + offsetMs} claims={claims} offsetMs={offsetMs} /> : <p className="hint">None.</p>}
      <Failure words={failure} />
    </Section>
  );
}

/** The stand-in's clock can be moved, and says by how much. */
export function LocalTokenLife() {
  const offsetMs = useCloudState()?.clock.offsetMs;
  return <TokenLife {...(offsetMs !== undefined && { offsetMs })} />;
}

function Life({ claims: { issuedAt, expiresAt }, offsetMs }: { claims: Claims; offsetMs: number }) {
  const life = expiresAt - issuedAt;
  const age = (useNow() + offsetMs) / 1000 - issuedAt;
  const left = Math.max(0, Math.round(life - age));
  return (
    <>
      <div className="life" role="meter" aria-label="Token life left" aria-valuemin={0} aria-valuemax={life} aria-valuenow={left}>
        <LifeBar life={life} age={age} />
      </div>
      <p className="life-words">{left > 0 ? `${left} s of ${life} s left` : "Expired"}</p>
    </>
  );
}

/** The style sheet moves the bar, and is told only once how far it is. */
function LifeBar({ life, age }: { life: number; age: number }) {
  const [start] = useState(age);
  if (life <= 0) return null;
  return <div style={{ animationDuration: `${life}s`, animationDelay: `${-start}s` }} />;
}
