// The build of the page. Only the two settings of SERVICES may ever reach the browser: a wider prefix, such as "CLERK_",
// would publish secret keys.
import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";

const SERVICES = ["CLERK_PUBLISHABLE_KEY", "CONVEX_URL"];

export default defineConfig(({ mode }) => {
  const set = loadEnv(mode, ".", [...SERVICES, "LOCAL_CLOUD_URL"]);
  if (!set.CLERK_PUBLISHABLE_KEY !== !set.CONVEX_URL) {
    throw new Error("Set both CLERK_PUBLISHABLE_KEY and CONVEX_URL, or neither to use the local stand-ins.");
  }
  const target = set.LOCAL_CLOUD_URL ?? "http://127.0.0.1:4000";
  return {
    plugins: [react()],
    envPrefix: SERVICES,
    server: {
      host: "127.0.0.1",
      proxy: { "/__clerk": target, "/__control": target, "/api": { target, ws: true } },
    },
  };
});
