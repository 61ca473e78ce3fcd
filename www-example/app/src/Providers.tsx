// Clerk, and below it the provider that keeps Convex signed in: clerk-bridge's, or with `?provider=convex` Convex's own.
// The two take the same props; what the page does beyond that goes through `useSignOut`.
import { ClerkProvider, useAuth, useClerk } from "@clerk/react";
import { ConvexProviderWithClerk as BridgedProvider } from "clerk-bridge/convex-react";
import { useBridge } from "clerk-bridge/react";
import { ConvexReactClient } from "convex/react";
import { ConvexProviderWithClerk as ConvexOwnProvider } from "convex/react-clerk";
import type { ReactNode } from "react";
import { eventLog } from "./panel/event-log";
import { withBridge } from "./parameters";
import { clerkOptions, convexUrl } from "./services";
import { SignOutContext } from "./sign-out";

const convex = new ConvexReactClient(convexUrl);

function BridgeSignOut({ children }: { children: ReactNode }) {
  const bridge = useBridge();
  return <SignOutContext value={bridge.signOut}>{children}</SignOutContext>;
}

function ClerkSignOut({ children }: { children: ReactNode }) {
  const clerk = useClerk();
  return <SignOutContext value={() => clerk.signOut()}>{children}</SignOutContext>;
}

export function Providers({ children }: { children: ReactNode }) {
  return (
    <ClerkProvider {...clerkOptions} telemetry={false}>
      {withBridge ? (
        <BridgedProvider client={convex} useAuth={useAuth} onEvent={eventLog.add}>
          <BridgeSignOut>{children}</BridgeSignOut>
        </BridgedProvider>
      ) : (
        <ConvexOwnProvider client={convex} useAuth={useAuth}>
          <ClerkSignOut>{children}</ClerkSignOut>
        </ConvexOwnProvider>
      )}
    </ClerkProvider>
  );
}
