// The package as npm would publish it, packed once and installed once. It must never be taken from anywhere but the
// tarball: a file that `files` forgets has to be missing here, too.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const NAME = "clerk-bridge";

/** What `cargo xtask test` says about the machine. */
export function surroundings(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test e2e\``);
  return value;
}

/** Where the throw-away projects live; it goes with this process. */
export const area = realpathSync(mkdtempSync(join(tmpdir(), "clerk-bridge-packaging-")));
process.on("exit", () => rmSync(area, { recursive: true, force: true }));

/** The settings of the npm that runs these tests are not those of a stranger's project. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_/i.test(name)));

/** Runs a program; answers what it printed, or throws with it. */
export async function run(program, args, cwd) {
  try {
    return await promisify(execFile)(program, args, { cwd, env });
  } catch (error) {
    error.message += `\n${error.stdout}`;
    throw error;
  }
}

async function pack() {
  const args = ["pack", surroundings("PKG_DIR"), "--pack-destination", area, "--json", "--loglevel=error"];
  const [{ filename, files }] = JSON.parse((await run("npm", args, area)).stdout);
  return { path: join(area, filename), files: files.map(({ path }) => path) };
}

async function install() {
  const { path, files } = await pack();
  const first = join(area, "first");
  mkdirSync(first);
  writeFileSync(join(first, "package.json"), JSON.stringify({ private: true }));
  await run("npm", ["install", path, "--offline", "--no-audit", "--no-fund", "--loglevel=error"], first);
  const folder = join(first, "node_modules", NAME);
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return { folder, files, exports };
}

/** `{ folder, files, exports }`: where npm has installed it, what the tarball holds, what can be imported. */
export const tarball = await install();

/** Subpaths that are modules, e.g. `./react`; the rest of `exports` are files. */
export const entries = Object.keys(tarball.exports).filter((path) => typeof tarball.exports[path] === "object");

/** What an application writes to import it. */
export const specifier = (path) => NAME + path.slice(1);
