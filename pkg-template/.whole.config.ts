import { defineConfig } from "vitest/config";
export default defineConfig({
  resolve: { alias: { "#shell": "/work/main/pkg-template/src/shell/shell.ts", "#glue": "/tmp/diet/wasm/clerk_bridge_glue.js", "#inlined": "/tmp/diet/wasm/clerk_bridge_inlined.js" } },
  test: { include: ["test/whole/*.test.ts"], environment: "jsdom" },
});
