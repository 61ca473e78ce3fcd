// The place of the tasks while it is not known whether somebody is signed in.
import { useBridgeAuth } from "clerk-bridge/react";
import { personOf } from "./local/people";
import { withBridge } from "./parameters";

export function Waiting() {
  return (
    <section className="card waiting" aria-busy="true">
      <h1>{withBridge ? <WelcomeBack /> : "One moment"}</h1>
      <div className="skeleton" />
      <div className="skeleton" />
      <div className="skeleton" />
    </section>
  );
}

/** The bridge remembers who was here, before Clerk has loaded. */
function WelcomeBack() {
  const { remembered } = useBridgeAuth();
  if (!remembered) return "One moment";
  const name = personOf(remembered.userId)?.name.split(" ")[0];
  return name ? `Welcome back, ${name}` : "Welcome back";
}
