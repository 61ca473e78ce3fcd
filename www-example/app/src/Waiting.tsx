// The place of the tasks while it is not known whether somebody is signed in.
import { useBridgeAuth } from "clerk-bridge/react";
import { personOf } from "./local/people";
import { Skeleton } from "./ui/Skeleton";

export function Waiting({ title = "One moment" }) {
  return (
    <section className="card waiting" aria-busy="true">
      <h1>{title}</h1>
      <Skeleton />
    </section>
  );
}

/** The bridge remembers who was here, before Clerk has loaded. */
export function WelcomeBack() {
  const { remembered } = useBridgeAuth();
  if (!remembered) return <Waiting />;
  const name = personOf(remembered.userId)?.name.split(" ")[0];
  return <Waiting title={name ? `Welcome back, ${name}` : "Welcome back"} />;
}
