"use client";
// A drop-in for `convex/react-clerk`. The auth context of `convex/react` is filled by Convex's own provider, which is
// given a stand-in for the client; the real client's auth is the bridge's alone.
import { ConvexProvider, ConvexProviderWithAuth } from "convex/react";
import { type JSX, type ReactNode, useMemo } from "react";
import { convex } from "./convex.js";
import { ClerkBridgeProvider, useBridge, useBridgeAuth } from "./react.js";
import type { BridgeOptions } from "./types.js";

/** Convex's provider asks for a token only to hand it to its client, here the stand-in. */
const fetchAccessToken = async () => null;

const useConvexState = () => {
  const { isLoading, isAuthenticated } = useBridgeAuth("convex");
  return { isLoading, isAuthenticated, fetchAccessToken };
};

/** Tells Convex's provider what the bridge knows, and does nothing else. */
function Stage({ client, children }: { client: any; children?: ReactNode }) {
  const bridge = useBridge();
  const standIn = useMemo(() => {
    let stop = () => {};
    return {
      setAuth(_: unknown, onChange: (accepted: boolean) => void, onRefreshChange?: (refreshing: boolean) => void) {
        stop();
        const tell = () => onRefreshChange?.(bridge.getSnapshot().backends.convex!.isRefreshing);
        stop = bridge.subscribe(tell);
        onChange(true);
        tell();
      },
      clearAuth: () => stop(),
    };
  }, [bridge]);
  return (
    <ConvexProviderWithAuth client={standIn} useAuth={useConvexState}>
      <ConvexProvider client={client}>{children}</ConvexProvider>
    </ConvexProviderWithAuth>
  );
}

/**
 * Drop-in for `convex/react-clerk`: change the import, keep the rest. `useConvexAuth`, `<Authenticated>` ... of
 * `convex/react` below it work as before; `useBridge()` and `useBridgeAuth()` of `clerk-bridge/react` work too.
 *
 * @example
 * ```tsx
 * import { useAuth } from "@clerk/react";
 * import { ConvexProviderWithClerk } from "clerk-bridge/convex-react";
 *
 * <ConvexProviderWithClerk client={client} useAuth={useAuth}>
 *   <App />
 * </ConvexProviderWithClerk>
 * ```
 */
export function ConvexProviderWithClerk({
  children,
  client,
  ...options
}: { children?: ReactNode; client: any; useAuth: () => any } & Pick<
  BridgeOptions,
  "name" | "persist" | "shareTabs" | "onEvent"
>): JSX.Element {
  const backends = useMemo(() => ({ convex: convex(client) }), [client]);
  return (
    <ClerkBridgeProvider {...options} backends={backends}>
      <Stage client={client}>{children}</Stage>
    </ClerkBridgeProvider>
  );
}
