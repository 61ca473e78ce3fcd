/// <reference types="vite/client" />

interface ImportMetaEnv {
  readonly CLERK_PUBLISHABLE_KEY?: string;
  readonly CONVEX_URL?: string;
}
