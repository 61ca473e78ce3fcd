// Shown when Convex has no user: either nobody is signed in, or somebody is and Convex does not accept it.
import { useAuth } from "@clerk/react";
import { useBridgeAuth } from "clerk-bridge/react";
import { CloudSignIn } from "./cloud/CloudSignIn";
import { LocalSignIn } from "./local/LocalSignIn";
import { Problem } from "./panel/Problem";
import { withBridge } from "./parameters";
import { isLocal } from "./services";
import { useSignOut } from "./sign-out";
import { Failure } from "./ui/Failure";
import { useAction } from "./ui/useAction";

export function SignedOut() {
  const { isSignedIn } = useAuth();
  if (isSignedIn) return <Refused />;
  return isLocal ? <LocalSignIn /> : <CloudSignIn />;
}

function Refused() {
  const signOut = useSignOut();
  const { run, isBusy, failure } = useAction();
  return (
    <section className="card">
      <h1>Not accepted</h1>
      <p className="lead">You are signed in with Clerk, but Convex does not accept it for now.</p>
      {withBridge && <WhyRefused />}
      <p>
        <button className="button" disabled={isBusy} onClick={() => run(signOut)}>
          Sign out
        </button>
      </p>
      <Failure words={failure} />
    </section>
  );
}

function WhyRefused() {
  const { error } = useBridgeAuth();
  return <Problem error={error} />;
}
