// Clerk's React provider as the pages have it.
import { ClerkProvider } from "@clerk/react";
import type { ReactNode } from "react";
import { stay } from "./clerk";
import { setting } from "./ledger";

export const Clerk = ({ children }: { children: ReactNode }) => (
  <ClerkProvider
    publishableKey={setting.publishableKey}
    proxyUrl="/__clerk"
    prefetchUI={false}
    telemetry={false}
    routerPush={stay}
    routerReplace={stay}
  >
    {children}
  </ClerkProvider>
);
