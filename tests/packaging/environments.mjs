// The environments that the package promises to work in unchanged: how each builds pages, ships the wasm file and
// serves the result. The configurations are those a stranger starts with; none may make an exception for the package.
// (I3)
import { promisify, stripVTControlCharacters } from "node:util";
import react from "@vitejs/plugin-react";
import { build as esbuild } from "esbuild";
import { build as viteBuild, createLogger, createServer } from "vite";
import webpack from "webpack";
import { serve } from "./harness/server.mjs";
import { NAME, specifier, tarball } from "./harness/tarball.mjs";

/** A page that runs one script; `head` stands before it, `body` is what the page shows without it. */
export const page = (name, { attributes = 'type="module"', head = "", body = "" } = {}) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><link rel="icon" href="data:,">${head}</head>
<body>${body}<script ${attributes} src="/${name}.js"></script></body>
</html>
`;

const writePages = (project, names, folder, options) => {
  for (const name of names) project.write(`${folder}/${name}.html`, page(name, options));
};

const entryPoints = (project, names) => Object.fromEntries(names.map((name) => [name, project.path(`${name}.js`)]));

/** Vite warns through its logger only. */
const viteOptions = (project) => {
  const warnings = [];
  const customLogger = createLogger("silent");
  const note = (text) => warnings.push(stripVTControlCharacters(text).split("\n", 1)[0]);
  customLogger.warn = customLogger.warnOnce = customLogger.error = note;
  const quiet = { logLevel: "warn", customLogger };
  return { warnings, options: { root: project.folder, configFile: false, plugins: [react()], ...quiet } };
};

async function viteProduction(project, names) {
  writePages(project, names, ".");
  const { warnings, options } = viteOptions(project);
  const input = names.map((name) => project.path(`${name}.html`));
  await viteBuild({ ...options, build: { rolldownOptions: { input } } });
  // The command sets this for its own process, which here is everybody's.
  delete process.env.NODE_ENV;
  return { warnings, ...(await serve(project.path("dist"))) };
}

async function viteDevelopment(project, names) {
  writePages(project, names, ".");
  const { warnings, options } = viteOptions(project);
  const server = await createServer({ ...options, server: { host: "127.0.0.1", port: 0 } });
  await server.listen();
  return { warnings, url: server.resolvedUrls.local[0].replace(/\/$/, ""), close: () => server.close() };
}

async function webpackProduction(project, names) {
  writePages(project, names, "dist", { attributes: "defer" });
  const compiler = webpack({
    mode: "production",
    context: project.folder,
    entry: entryPoints(project, names),
    output: { path: project.path("dist") },
    performance: false,
  });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  return { warnings: [...errors, ...warnings].map(({ message }) => message), ...(await serve(project.path("dist"))) };
}

const withEsbuild = (attributes, options) => async (project, names, policy) => {
  writePages(project, names, "dist", { attributes });
  const { warnings } = await esbuild({
    absWorkingDir: project.folder,
    entryPoints: entryPoints(project, names),
    outdir: project.path("dist"),
    publicPath: "/",
    bundle: true,
    minify: true,
    loader: { ".wasm": "file" },
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
    ...options,
  });
  return { warnings: warnings.map(({ text }) => text), ...(await serve(project.path("dist"), { policy })) };
};

/** The map that a page without a bundler has to write, and nothing more. */
const importMap = () => {
  const targets = Object.entries(tarball.exports).map(([path, target]) => [path, target.default ?? target]);
  const urls = targets.map(([path, target]) => [specifier(path), `/node_modules/${NAME}/${target.slice(2)}`]);
  return JSON.stringify({ imports: Object.fromEntries(urls) });
};

async function plainModules(project, names) {
  writePages(project, names, ".", { head: `<script type="importmap">${importMap()}</script>` });
  return { warnings: [], ...(await serve(project.folder)) };
}

export const esbuildModules = withEsbuild('type="module"', { format: "esm", splitting: true });
const esbuildOneScript = withEsbuild("defer", { format: "iife" });

const imported = (suffix = "") => `export { default } from "${NAME}/clerk_bridge.wasm${suffix}";\n`;
const resolved = `export default new URL("${NAME}/clerk_bridge.wasm", import.meta.url);\n`;
const mapped = `export default import.meta.resolve("${NAME}/clerk_bridge.wasm");\n`;

const ALL = {
  pages: ["inlined", "slim", "provider", "slim-provider", "entries"],
  uses: ["react", "react-dom", "convex"],
};

/** `wasmFile`: the module by which a page learns where the wasm file is. `oneScript`: the script holds also what may be
 *  imported later. */
export const environments = [
  { name: "vite_production", start: viteProduction, wasmFile: imported("?url"), ...ALL },
  { name: "vite_development", start: viteDevelopment, wasmFile: imported("?url"), ...ALL },
  { name: "webpack_production", start: webpackProduction, wasmFile: resolved, ...ALL },
  { name: "esbuild_modules", start: esbuildModules, wasmFile: imported(), ...ALL },
  { name: "esbuild_one_script", start: esbuildOneScript, wasmFile: imported(), oneScript: true, ...ALL },
  { name: "no_bundler", start: plainModules, wasmFile: mapped, pages: ["inlined", "slim"], uses: [] },
];
