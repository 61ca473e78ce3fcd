import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { privateModules } from "./private-modules.mjs";

const fake = (name: string) => fileURLToPath(new URL(`test/fake/${name}.ts`, import.meta.url));
const doubles = { "#shell": fake("shell"), "#inlined": fake("inlined") };

// The sources import private modules. In most tests scriptable doubles stand for the wasm module and the shell around
// it; in `whole` they are the real ones, which `cargo xtask build` makes.
const project = (name: string, include: string, alias: Record<string, string>) => ({
  resolve: { alias },
  test: { name, include: [include], environment: "jsdom" },
});

export default defineConfig({
  test: {
    projects: [
      project("parts", "test/*.test.{ts,tsx}", doubles),
      project("whole", "test/whole/*.test.ts", privateModules),
    ],
  },
});
