// How long a token lives yet, by the servers' clock. The token itself is never shown.
import { useBridge } from "clerk-bridge/react";
import { useState } from "react";
import { Failure } from "../ui/Failure";
import { useAction } from "../ui/useAction";
import { useNow } from "../ui/useNow";
import type { Claims } from "./claims";
import { useTokenClaims } from "./useTokenClaims";

interface Props {
  /** Null: the session token. */
  template: string | null;
  /** Whom it is for. */
  users: string;
  offsetMs: number;
}

export function TokenLife({ template, users, offsetMs }: Props) {
  const bridge = useBridge();
  const claims = useTokenClaims(template);
  const { run, isBusy, failure } = useAction();
  const left = useSecondsLeft(claims, offsetMs);
  const life = claims ? claims.expiresAt - claims.issuedAt : 0;
  return (
    <li>
      <div className="token">
        <span>
          {users} <small>{template === null ? "session" : <code>{template}</code>}</small>
        </span>
        <small>{left === null ? "none" : left > 0 ? `${left} of ${life} s` : "expired"}</small>
        <button
          className="icon-button"
          disabled={isBusy || !claims}
          aria-label={`Renew the token of ${users}`}
          title="Renew now"
          onClick={() => run(() => bridge.getToken({ template, forceRefresh: true }))}
        >
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M15.5 8A6 6 0 1 0 16 11M16 4.5V8h-3.5" />
          </svg>
        </button>
      </div>
      <div
        className="life"
        role="meter"
        aria-label={`Life left of the token of ${users}`}
        aria-valuemin={0}
        aria-valuemax={Math.max(life, 1)}
        aria-valuenow={left ?? 0}
      >
        {claims && life > 0 && (
          <LifeBar key={claims.id + offsetMs} life={life} age={(Date.now() + offsetMs) / 1000 - claims.issuedAt} />
        )}
      </div>
      <Failure words={failure} />
    </li>
  );
}

function useSecondsLeft(claims: Claims | null, offsetMs: number) {
  const now = useNow() + offsetMs;
  return claims && Math.max(0, Math.round(claims.expiresAt - now / 1000));
}

/** The style sheet moves the bar, and is told only once how far it is. */
function LifeBar({ life, age }: { life: number; age: number }) {
  const [start] = useState(age);
  return <div style={{ animationDuration: `${life}s`, animationDelay: `${-start}s` }} />;
}
