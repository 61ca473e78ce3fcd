/// <reference types="vite/client" />

interface ImportMetaEnv {
  readonly CLERK_PUBLISHABLE_KEY?: string;
  readonly CONVEX_URL?: string;
  readonly INSTANT_APP_ID?: string;
  readonly INSTANT_API_URI?: string;
  readonly TRIPLIT_URL?: string;
  readonly HASURA_URL?: string;
}

/** True when the stand-ins serve the page. A constant of the build, so that neither build carries the other's parts. */
declare const IS_LOCAL: boolean;
