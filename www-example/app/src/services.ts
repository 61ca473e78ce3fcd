// Which services the page talks to: your own Clerk and backends when the build names them, else the stand-ins on this
// machine.
import type { ClerkProvider } from "@clerk/react";
import type { ComponentProps } from "react";

/** Of "happy-fox-13.clerk.accounts.dev", which nobody asks: the proxy answers on this origin. */
const LOCAL_KEY = "pk_test_aGFwcHktZm94LTEzLmNsZXJrLmFjY291bnRzLmRldiQ=";

/** The one app of the stand-in for Instant. */
const LOCAL_APP = "c1e4b41d-9e00-4a5c-8b1d-0f1e2d3c4b5a";

const stayHere = (to: string) => history.replaceState(null, "", new URL(to, location.href));

type ClerkOptions = Omit<ComponentProps<typeof ClerkProvider>, "children">;

export const clerkOptions: ClerkOptions = IS_LOCAL
  ? {
      publishableKey: LOCAL_KEY,
      proxyUrl: "/__clerk",
      prefetchUI: false,
      // Without a router Clerk would load the page anew when somebody signs out.
      routerPush: stayHere,
      routerReplace: stayHere,
      afterSignOutUrl: location.pathname + location.search,
    }
  : { publishableKey: import.meta.env.CLERK_PUBLISHABLE_KEY! };

/** Triplit's server is a process of its own: `cargo xtask demo` leaves its address beside the page. */
async function localTriplit(): Promise<string | undefined> {
  const answer = await fetch("/local.json");
  const isThere = answer.headers.get("content-type")?.startsWith("application/json");
  return isThere ? (await answer.json()).triplit : undefined;
}

/** Where each backend is. One without an address is not part of the page. */
export const addresses = IS_LOCAL
  ? {
      convex: location.origin,
      instant: { appId: LOCAL_APP, apiURI: `${location.origin}/__instant` },
      triplit: localTriplit,
      hasura: `${location.origin}/v1/graphql`,
    }
  : {
      convex: import.meta.env.CONVEX_URL,
      instant: import.meta.env.INSTANT_APP_ID && {
        appId: import.meta.env.INSTANT_APP_ID,
        apiURI: import.meta.env.INSTANT_API_URI,
      },
      triplit: async () => import.meta.env.TRIPLIT_URL,
      hasura: import.meta.env.HASURA_URL,
    };
