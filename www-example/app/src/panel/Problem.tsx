// An error of the bridge: its code, and what to do about it.
import type { BridgeError } from "clerk-bridge";

export function Problem({ error }: { error: BridgeError | null }) {
  if (!error) return null;
  return (
    <p className="problem" role="alert">
      <code>{error.code}</code>
      {error.hint}
    </p>
  );
}
