// Shown when the bridge knows of nobody: either nobody is signed in, or it could not start.
import { useAuth } from "@clerk/react";
import { useBridgeAuth } from "clerk-bridge/react";
import { CloudSignIn } from "./cloud/CloudSignIn";
import { LocalSignIn } from "./local/LocalSignIn";
import { Problem } from "./panel/Problem";

export function SignedOut() {
  const { isSignedIn } = useAuth();
  const { error } = useBridgeAuth();
  if (isSignedIn && error) {
    return (
      <section className="card">
        <h1>Not connected</h1>
        <p className="lead">You are signed in with Clerk, but the backends cannot be told.</p>
        <Problem error={error} />
      </section>
    );
  }
  return IS_LOCAL ? <LocalSignIn /> : <CloudSignIn />;
}
