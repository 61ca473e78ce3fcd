// Builds the npm package into pkg/ from the sources here and the wasm that `cargo xtask build` has made.
// The entry points are those of `exports` in package.json: `./dist/NAME.js` is built from `src/NAME.ts(x)`.
// The sources import two private modules, `#shell` and `#inlined`; both become part of the bundles.
// It must never leave a half-made package behind: the old one stays until the new one is complete.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";
import ts from "typescript";
import { privateModules, wasmFolder } from "./private-modules.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const out = join(root, "pkg");
const partial = join(root, "target/xtask/pkg");

/** What belongs to the workspace, not to the published package. */
const UNPUBLISHED = ["devDependencies", "private", "scripts"];

/** What the package carries from the root of the project. */
const TEXTS = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/** The bundler imports each shared chunk for its effects wherever it might matter. None has effects that another
 *  module waits for, and bundlers warn about such imports in a package without side effects. */
const BARE_IMPORT = /import"[./\w-]*\bchunk-[A-Z0-9]+\.js";/g;

const TERSER = {
  module: true,
  ecma: 2020,
  compress: { passes: 3, directives: false, pure_getters: true, keep_fargs: false, unsafe_arrows: true, unsafe_methods: true },
};

function fail(why) {
  throw new Error(`pkg-template: ${why}`);
}

/** The published manifest, checked against what the package promises: no dependency, no side effect, types first. */
function manifest() {
  const published = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
  const crate = /^version = "(.+)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1];
  for (const field of UNPUBLISHED) delete published[field];
  if (published.version !== crate) fail(`version ${published.version} is not the crate's ${crate}`);
  if (published.dependencies) fail("the package must have no dependencies");
  if (published.type !== "module" || published.sideEffects !== false) fail("type must be module, sideEffects false");
  for (const [path, target] of Object.entries(published.exports)) {
    if (typeof target === "object" && Object.keys(target)[0] !== "types") fail(`${path}: types must come first`);
  }
  return { ...published, files: ["dist", "clerk_bridge.wasm", ...TEXTS] };
}

/** Source files of the entry points, by name. */
function entryPoints(exports) {
  const entries = Object.values(exports).filter((target) => typeof target === "object");
  return Object.fromEntries(
    entries.map((target) => {
      const name = basename(target.default, ".js");
      const source = [".ts", ".tsx"].map((ext) => join(here, "src", name + ext)).find(existsSync);
      return [name, source ?? fail(`src/${name}.ts is missing`)];
    }),
  );
}

/** ESM bundles that share their common parts; peers stay imports. */
async function bundle(entries) {
  const { outputFiles } = await build({
    entryPoints: entries,
    outdir: join(partial, "dist"),
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    minify: true,
    legalComments: "none",
    jsx: "automatic",
    packages: "external",
    plugins: [
      {
        name: "private modules",
        setup({ onResolve }) {
          onResolve({ filter: /^#/ }, ({ path }) => ({
            path: privateModules[path] ?? fail(`${path} is unknown`),
            sideEffects: false,
          }));
        },
      },
    ],
    logLevel: "warning",
    write: false,
  });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    // What esbuild leaves out of its minifying is a twentieth of the code.
    const { code } = await minify(text.replaceAll(BARE_IMPORT, ""), TERSER);
    writeFileSync(path, code);
  }
}

/** Type declarations of the entry points and of what they reach, nothing else. */
function declare(entries) {
  const file = join(here, "tsconfig.json");
  const config = ts.parseJsonConfigFileContent(ts.readConfigFile(file, ts.sys.readFile).config, ts.sys, here);
  const ambient = config.fileNames.filter((name) => name.endsWith(".d.ts"));
  const program = ts.createProgram([...Object.values(entries), ...ambient], {
    ...config.options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    declarationMap: false,
    incremental: false,
    composite: false,
    stripInternal: true,
    rootDir: join(here, "src"),
    outDir: join(partial, "dist"),
  });
  const { diagnostics } = program.emit();
  const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (problems.length > 0) {
    fail(ts.formatDiagnostics(problems, { ...ts.sys, getCanonicalFileName: (name) => name, getNewLine: () => "\n" }));
  }
}

/** All files below a folder, relative to it. */
const files = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));

/** What the sources alone cannot promise. */
function check(published) {
  const present = new Set(files(partial));
  for (const target of Object.values(published.exports).flatMap((t) => (typeof t === "object" ? Object.values(t) : t))) {
    if (!present.has(target.replace(/^\.\//, ""))) fail(`exports names ${target}, which was not built`);
  }
  for (const name of present) {
    if (/\.d\.ts$/.test(name)) checkDeclaration(name);
  }
}

/** A declaration must not lead to a private module, nor to a file that is not shipped. */
function checkDeclaration(name) {
  const text = readFileSync(join(partial, name), "utf8");
  for (const [, specifier] of text.matchAll(/(?:\bfrom |\bimport\()"([.#][^"]*)"/g)) {
    const target = join(partial, dirname(name), specifier.replace(/\.js$/, ".d.ts"));
    if (specifier.startsWith("#") || !existsSync(target)) fail(`${name} refers to ${specifier}`);
  }
}

/** "use client" must survive bundling: without it a server component cannot import the React entry. */
function checkDirectives(entries) {
  for (const [name, source] of Object.entries(entries)) {
    const marked = (file) => /^(?:\/\/.*\n|\/\*[^]*?\*\/|\s)*["']use client["']/.test(readFileSync(file, "utf8"));
    if (marked(source) && !marked(join(partial, "dist", `${name}.js`))) fail(`${name} lost its "use client"`);
  }
}

rmSync(partial, { recursive: true, force: true });
mkdirSync(partial, { recursive: true });
const published = manifest();
const entries = entryPoints(published.exports);
await bundle(entries);
declare(entries);
writeFileSync(join(partial, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
cpSync(join(wasmFolder, "clerk_bridge.wasm"), join(partial, "clerk_bridge.wasm"));
for (const text of TEXTS) {
  if (existsSync(join(root, text))) cpSync(join(root, text), join(partial, text));
}
check(published);
checkDirectives(entries);
rmSync(out, { recursive: true, force: true });
renameSync(partial, out);
console.log(`    ${Object.keys(entries).length} entry points, ${files(out).length} files`);
