// Measures what an application downloads from a finished package: node measure.mjs PKG
// prints lines of `name <tab> raw <tab> gzip <tab> brotli`. Each entry point counts as what it adds to an application
// that already has what it builds on. Only what is loaded at once counts; peers and dynamic imports do not.
// Minified by esbuild and terser, which ship with the common bundlers. It must never judge: the budgets stand in xtask.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const pkg = resolve(process.argv[2]);
const { exports } = JSON.parse(readFileSync(join(pkg, "package.json"), "utf8"));

function weigh(bytes) {
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  return [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes, options).length];
}

const add = (a, b) => a.map((n, i) => n + b[i]);
const subtract = (a, b) => a.map((n, i) => n - b[i]);
const files = new Map();

/** What an entry point exports. */
async function exportsOf(file) {
  const options = { bundle: true, format: "esm", packages: "external", write: false, metafile: true, absWorkingDir: pkg };
  const { metafile } = await build({ ...options, entryPoints: [file], outdir: pkg, splitting: true });
  return Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint === file).exports;
}

/** What an application imports only if it has a backend that has no adapter: weighed as the adapters are. */
const OWN_BACKEND = "defineBackend";

/** The weight of an application that imports all of these entry points; with "defineBackend", that too. */
async function app(...names) {
  const own = names.includes(OWN_BACKEND);
  names = names.filter((name) => name !== OWN_BACKEND);
  const imports = names.map((name) => exports[name === "." ? "." : `./${name}`].default);
  // By name, as applications import: a namespace object would be weighed too.
  const all = await Promise.all(imports.map(async (target, i) => {
    const exported = await exportsOf(target.replace(/^\.\//, ""));
    const wanted = exported.filter((one) => own || one !== OWN_BACKEND).map((one) => `${one} as ${one}${i}`);
    return `export { ${wanted.join(", ")} } from ${JSON.stringify(join(pkg, target))};`;
  }));
  const { metafile, outputFiles } = await build({
    stdin: { contents: all.join("\n"), resolveDir: pkg, sourcefile: "app.js" },
    outdir: pkg,
    entryNames: "app",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    packages: "external",
    legalComments: "none",
    write: false,
    metafile: true,
    absWorkingDir: pkg,
  });
  files.clear();
  // As webpack does; esbuild's own minifying leaves a twentieth more.
  for (const { path, text } of outputFiles) {
    files.set(path, Buffer.from((await minify(text, { module: true, ecma: 2020, compress: { passes: 2 } })).code));
  }
  const atOnce = new Set(["app.js"]);
  for (const output of atOnce) {
    for (const { path, kind, external } of metafile.outputs[output].imports) {
      if (kind === "import-statement" && !external) atOnce.add(path);
    }
  }
  return [...atOnce].map((output) => weigh(files.get(join(pkg, output)))).reduce(add);
}

const print = (name, weight) => console.log([name, ...weight].join("\t"));

/** Entry points that need more than the bare bridge to make sense, and what that is. */
const BUILDS_ON = { "convex-react": ["react", "convex"] };
const NOT_ADDITIONS = [".", "slim"];

const wasm = weigh(readFileSync(join(pkg, "clerk_bridge.wasm")));
print("core wasm", wasm);
print("loader and core", await app("slim"));
const additions = Object.keys(exports)
  .filter((path) => typeof exports[path] === "object")
  .map((path) => path.replace(/^\.\//, ""))
  .filter((name) => !NOT_ADDITIONS.includes(name));
for (const name of additions) {
  const base = ["slim", ...(BUILDS_ON[name] ?? [])];
  print(name, subtract(await app(...base, name), await app(...base)));
}
print(OWN_BACKEND, subtract(await app("slim", OWN_BACKEND), await app("slim")));
print("slim, react, convex", add(await app("slim", "react", "convex"), wasm));
print("inlined, react, convex", await app(".", "react", "convex"));
