// The one bridge that keeps all backends signed in, below Clerk, which loads while their clients do.
import { useAuth } from "@clerk/react";
import { ClerkBridgeProvider, useBridge } from "clerk-bridge/react";
import { type ReactNode, use, useMemo } from "react";
import { openServices, ServicesContext } from "./backends";
import { eventLog } from "./panel/event-log";
import { SignOutContext } from "./sign-out";

export function Providers({ children }: { children: ReactNode }) {
  const services = use(openServices());
  const backends = useMemo(
    () => Object.fromEntries(Object.entries(services).map(([name, { backend }]) => [name, backend])),
    [services],
  );
  return (
    <ClerkBridgeProvider useAuth={useAuth} backends={backends} onEvent={eventLog.add}>
      <ServicesContext value={services}>
        <SignOut>{children}</SignOut>
      </ServicesContext>
    </ClerkBridgeProvider>
  );
}

/** The bridge detaches its backends before Clerk signs out. */
function SignOut({ children }: { children: ReactNode }) {
  return <SignOutContext value={useBridge().signOut}>{children}</SignOutContext>;
}
