// One application for both providers: it signs in, watches two queries, counts what it is made to do. It must treat the
// two alike.
import { ClerkProvider, useAuth } from "@clerk/react";
import { ConvexReactClient, useConvexAuth, useQuery } from "convex/react";
import { makeFunctionReference } from "convex/server";
import { type ComponentType, useEffect, useRef } from "react";
import { createRoot } from "react-dom/client";
import { began } from "./began";

const { publishableKey, clientOptions } = (window as any).setting;
const seen = { getTokenCalls: 0, renders: 0, authenticatedMs: 0 };
Object.assign(window, { seen });

/** Clerk's hook, with its calls counted. The function changes when Clerk's does and no oftener. */
function useCountedAuth() {
  const auth = useAuth();
  const counted = useRef<{ of: unknown; getToken: unknown }>(undefined);
  if (counted.current?.of !== auth.getToken) {
    counted.current = {
      of: auth.getToken,
      getToken: (...args: any[]) => {
        seen.getTokenCalls++;
        return auth.getToken(...args);
      },
    };
  }
  return { ...auth, getToken: counted.current!.getToken as typeof auth.getToken };
}

function Probe() {
  seen.renders++;
  const { isAuthenticated } = useConvexAuth();
  useEffect(() => {
    if (isAuthenticated) seen.authenticatedMs ||= performance.now() - began;
  }, [isAuthenticated]);
  return null;
}

function Query({ path }: { path: string }) {
  return <pre id={path.replace(":", "-")}>{JSON.stringify(useQuery(makeFunctionReference<"query">(path), {}))}</pre>;
}

/** Renders the application under a provider. */
export function run(Provider: ComponentType<any>) {
  const client = new ConvexReactClient(location.origin, clientOptions);
  createRoot(document.getElementById("root")!).render(
    <ClerkProvider publishableKey={publishableKey} proxyUrl="/__clerk" prefetchUI={false} telemetry={false}>
      <Provider client={client} useAuth={useCountedAuth}>
        <Probe />
        <Query path="users:whoami" />
        <Query path="tasks:list" />
      </Provider>
    </ClerkProvider>,
  );
}
