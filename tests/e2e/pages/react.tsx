// A page as the migration guide leaves it: ConvexProviderWithClerk imported from clerk-bridge, all else as it was.
import { useAuth } from "@clerk/react";
import { ConvexProviderWithClerk } from "clerk-bridge/convex-react";
import { useBridge, useBridgeAuth } from "clerk-bridge/react";
import { ConvexReactClient, useConvexAuth, useQuery } from "convex/react";
import { makeFunctionReference } from "convex/server";
import { StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { expose, follow, note, onEvent, seen, setting, track } from "./ledger";
import { Clerk } from "./provider";

const client = new ConvexReactClient(location.origin, { unsavedChangesWarning: false, ...setting.clientOptions });

/** Counts its renders: all that it depends on is what the provider says. */
function Probe() {
  seen.renders++;
  const { isLoading, isAuthenticated, isRefreshing } = useConvexAuth();
  const { status } = useBridgeAuth();
  const last = seen.convexAuth.at(-1);
  const now = { isLoading, isAuthenticated, isRefreshing };
  if (JSON.stringify(now) !== JSON.stringify(last)) seen.convexAuth.push(now);
  return <p id="status">{status}</p>;
}

function Query({ path }: { path: string }) {
  const value = useQuery(makeFunctionReference<"query">(path), {});
  useEffect(() => note(path, value), [path, value]);
  return <pre>{JSON.stringify(value)}</pre>;
}

function Expose() {
  const bridge = useBridge();
  useEffect(() => {
    expose({ bridge });
    return follow(bridge);
  }, [bridge]);
  return null;
}

function App() {
  return (
    <ConvexProviderWithClerk client={client} useAuth={useAuth} onEvent={onEvent} {...setting.bridge}>
      <Expose />
      <Probe />
      {setting.watch!.map((path) => (
        <Query key={path} path={path} />
      ))}
    </ConvexProviderWithClerk>
  );
}

expose({
  client,
  add: (text: string) =>
    track(text, client.mutation(makeFunctionReference<"mutation">("tasks:add"), { text })),
});

/** The layout of many apps: the provider is there only while somebody is signed in. */
const Inside = () => (useAuth().isSignedIn ? <App /> : null);

const app = <Clerk>{setting.inside ? <Inside /> : <App />}</Clerk>;
createRoot(document.getElementById("root")!).render(setting.strict ? <StrictMode>{app}</StrictMode> : app);
