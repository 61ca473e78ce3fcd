// The claims of a template's current token. It is asked for when the bridge got a new one; that costs no fetch.
import { useBridge, useBridgeAuth } from "clerk-bridge/react";
import { useEffect, useState } from "react";
import { type Claims, claimsOf } from "./claims";
import { eventLog } from "./event-log";

const NEWS = new Set(["token.fetched", "token.shared", "identity.changed", "backend.authenticated"]);

export function useTokenClaims(template: string | null): Claims | null {
  const bridge = useBridge();
  const { userId } = useBridgeAuth();
  const [claims, setClaims] = useState<Claims | null>(null);

  useEffect(() => {
    if (!userId) return;
    let isOver = false;
    let isAsking = false;
    const ask = () => {
      if (isAsking || isOver) return;
      isAsking = true;
      const read = (token: string | null) => isOver || setClaims(token === null ? null : claimsOf(token));
      // Without a token the last one's bar stays and runs out; the state says why.
      bridge.getToken({ template }).then(read, () => {}).finally(() => {
        isAsking = false;
      });
    };
    const stop = eventLog.subscribe(() => {
      const type = eventLog.getSnapshot()[0]?.type;
      if (type && NEWS.has(type)) ask();
    });
    ask();
    return () => {
      isOver = true;
      stop();
      setClaims(null);
    };
  }, [bridge, userId, template]);

  return claims;
}
