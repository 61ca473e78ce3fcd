// Ends well if node_modules holds what package-lock.json names, so that `npm ci`, which starts by deleting
// node_modules, runs only when it is needed. It only looks.
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";

const read = (file) => JSON.parse(readFileSync(file, "utf8"));

function isThere(path, wanted) {
  if (wanted.link) return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  const manifest = join(path, "package.json");
  // A package for another platform is optional and rightly absent.
  if (!existsSync(manifest)) return Boolean(wanted.optional || wanted.devOptional);
  return read(manifest).version === wanted.version;
}

const installed = Object.entries(read("package-lock.json").packages).filter(([path]) => path.includes("node_modules/"));
process.exitCode = installed.length > 0 && installed.every(([path, wanted]) => isThere(path, wanted)) ? 0 : 1;
