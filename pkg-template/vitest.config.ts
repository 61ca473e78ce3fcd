import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The sources import two private modules. Here a scriptable double stands for the wasm module behind them.
export default defineConfig({
  resolve: { alias: { "#glue": here("test/fake/glue.ts"), "#shell": here("test/fake/shell.ts"), "#inlined": here("test/fake/inlined.ts") } },
  test: { include: ["test/*.test.{ts,tsx}"], environment: "jsdom" },
});
