// The tokens that the bridge keeps fresh: one for each JWT template, whatever the number of backends.
import { useAuth } from "@clerk/react";
import { useServices } from "../backends";
import { useCloudState } from "../local/cloud-state";
import { Section } from "./Section";
import { TokenLife } from "./TokenLife";

export function Tokens({ offsetMs = 0 }: { offsetMs?: number | undefined }) {
  const services = Object.values(useServices());
  // Convex is given the session token where that is meant for it, else one of the template "convex".
  const audience = [useAuth().sessionClaims?.["aud"]].flat();
  const usual = audience.includes("convex") ? null : "convex";
  const users = new Map<string | null, string[]>();
  for (const { title, template = usual, hasOwnSession } of services) {
    users.set(template, [...(users.get(template) ?? []), hasOwnSession ? `${title} once` : title]);
  }
  return (
    <Section title="Tokens">
      <ul className="tokens">
        {[...users].map(([template, names]) => (
          <TokenLife key={template} template={template} users={names.join(", ")} offsetMs={offsetMs} />
        ))}
      </ul>
    </Section>
  );
}

/** The stand-ins' clock can be moved, and says by how much. */
export function LocalTokens() {
  const offsetMs = useCloudState()?.clock.offsetMs;
  return <Tokens offsetMs={offsetMs} />;
}
