// Bundles fixture pages against the built package, the way an application would: what stands in `exports` of its
// package.json is what can be imported, and every peer comes from this workspace. It must never reach into the sources.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { surroundings } from "./cloud.mjs";

const here = import.meta.dirname;

const builtPackage = (pkg) => ({
  name: "built package",
  setup(build) {
    const { exports } = JSON.parse(readFileSync(join(pkg, "package.json"), "utf8"));
    build.onResolve({ filter: /^clerk-bridge($|\/)/ }, ({ path }) => {
      const target = exports[path.replace(/^clerk-bridge/, ".")];
      if (!target) return { errors: [{ text: `${path} is not exported` }] };
      return { path: join(pkg, target.default ?? target), sideEffects: false };
    });
    // One copy of each peer, wherever the package lies.
    build.onResolve({ filter: /^(react|react-dom|convex|@clerk\/react)($|\/)/ }, ({ path, kind, pluginData }) =>
      pluginData === here ? undefined : build.resolve(path, { kind, resolveDir: here, pluginData: here }),
    );
  },
});

const html = (name, { policy }) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${name}</title>${
  policy ? `<meta http-equiv="Content-Security-Policy" content="${policy}">` : ""
}</head>
<body><div id="root"></div><script type="module" src="/${name}.js"></script></body>
</html>
`;

/**
 * Bundles the pages into a folder that goes with this process, and answers the folder. `entries` maps a name to its
 * source; `variants` maps a file name to `{ entry, policy }`, the same page under a content security policy.
 */
export async function bundle(entries, { variants = {}, splitting = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "clerk-bridge-pages-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await build({
    entryPoints: entries,
    outdir: folder,
    bundle: true,
    splitting,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [builtPackage(resolve(surroundings("PKG_DIR")))],
    logLevel: "warning",
  });
  for (const name of Object.keys(entries)) writeFileSync(join(folder, `${name}.html`), html(name, {}));
  for (const [file, { entry, policy }] of Object.entries(variants)) {
    writeFileSync(join(folder, `${file}.html`), html(entry, { policy }));
  }
  return folder;
}
