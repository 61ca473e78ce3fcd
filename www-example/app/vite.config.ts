// The build of the page. Only the settings of SERVICES may ever reach the browser: a wider prefix, such as "CLERK_",
// would publish secret keys.
import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

const BACKENDS = ["CONVEX_URL", "INSTANT_APP_ID", "TRIPLIT_URL", "HASURA_URL"];
const SERVICES = ["CLERK_PUBLISHABLE_KEY", ...BACKENDS, "INSTANT_API_URI"];

export default defineConfig(({ mode }) => {
  const set = loadEnv(mode, ".", [...SERVICES, "LOCAL_CLOUD_URL"]);
  if (!set.CLERK_PUBLISHABLE_KEY !== !BACKENDS.some((name) => set[name])) {
    throw new Error(`Set CLERK_PUBLISHABLE_KEY and any of ${BACKENDS.join(", ")}, or none to use the local stand-ins.`);
  }
  const target = set.LOCAL_CLOUD_URL ?? "http://127.0.0.1:4000";
  const withSockets = { target, ws: true };
  return {
    plugins: [react()],
    envPrefix: SERVICES,
    define: { IS_LOCAL: String(!set.CLERK_PUBLISHABLE_KEY) },
    server: {
      host: "127.0.0.1",
      proxy: {
        "/__clerk": target,
        "/__control": target,
        "/local.json": target,
        "/api": withSockets,
        "/__instant": withSockets,
        "/v1/graphql": withSockets,
      },
    },
  };
});
