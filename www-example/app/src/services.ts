// Which services the page talks to: your own Clerk and Convex when the build names them, else the stand-ins on this
// machine. The choice is made at build time, so neither build carries the other's parts.
import type { ClerkProvider } from "@clerk/react";
import type { ComponentProps } from "react";

/** True when the stand-ins serve the page. */
export const isLocal = !import.meta.env.CLERK_PUBLISHABLE_KEY;

/** Of "happy-fox-13.clerk.accounts.dev", which nobody asks: the proxy answers on this origin. */
const LOCAL_KEY = "pk_test_aGFwcHktZm94LTEzLmNsZXJrLmFjY291bnRzLmRldiQ=";

const stayHere = (to: string) => history.replaceState(null, "", new URL(to, location.href));

type ClerkOptions = Omit<ComponentProps<typeof ClerkProvider>, "children">;

export const clerkOptions: ClerkOptions = isLocal
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

export const convexUrl = import.meta.env.CONVEX_URL || location.origin;
