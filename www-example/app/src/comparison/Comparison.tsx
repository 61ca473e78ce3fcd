// `?provider=convex`: the same list with Convex's own provider in the bridge's place, to be compared with it. That knows
// one backend only, and tells little.
import { ClerkProvider, useAuth, useClerk } from "@clerk/react";
import { useConvexAuth } from "convex/react";
import { ConvexProviderWithClerk } from "convex/react-clerk";
import { CloudSignIn } from "../cloud/CloudSignIn";
import { Header } from "../header/Header";
import { Faults } from "../local/Faults";
import { LocalSignIn } from "../local/LocalSignIn";
import { useMeasured } from "../measure";
import { addresses, clerkOptions } from "../services";
import { SignOutContext } from "../sign-out";
import { open } from "../tasks/convex";
import { List } from "../tasks/List";
import { Waiting } from "../Waiting";
import { ConvexState } from "./ConvexState";

const { client, Provider: _, ...service } = open(addresses.convex ?? location.origin);

export default function Comparison() {
  return (
    <ClerkProvider {...clerkOptions} telemetry={false}>
      <ConvexProviderWithClerk client={client} useAuth={useAuth}>
        <Page />
      </ConvexProviderWithClerk>
    </ClerkProvider>
  );
}

function Page() {
  const clerk = useClerk();
  return (
    <SignOutContext value={() => clerk.signOut()}>
      <div className="page">
        <Header />
        <main>
          <Main />
        </main>
        <aside className="panel" aria-label="Behind the page">
          <ConvexState />
          {IS_LOCAL && <Faults />}
        </aside>
      </div>
    </SignOutContext>
  );
}

function Main() {
  const { isLoading, isAuthenticated } = useConvexAuth();
  const { userId, orgId } = useAuth();
  useMeasured("main");
  if (isLoading) return <Waiting />;
  if (isAuthenticated && userId) return <List service={service} caller={{ userId, orgId: orgId ?? null }} />;
  if (userId) return <p className="failure">You are signed in with Clerk, but Convex does not accept it for now.</p>;
  return IS_LOCAL ? <LocalSignIn /> : <CloudSignIn />;
}
