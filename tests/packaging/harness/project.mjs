// A small project of a stranger: the package from the tarball, and of the peers only those that it says it uses.
// It must never see the workspace's own link to the package.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { NAME, area, run, specifier, tarball } from "./tarball.mjs";

const fixtures = join(import.meta.dirname, "../fixtures");
const { resolve } = createRequire(import.meta.url);

/** Where the workspace has a dependency, so that nothing is fetched. */
function dependency(name) {
  const folder = resolve.paths(name).map((folder) => join(folder, name)).find(existsSync);
  if (!folder) throw new Error(`${name} is not installed`);
  return folder;
}

/** The command of a tool of the workspace, for `node`. */
export function tool(name) {
  const folder = dependency(name);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[name === "typescript" ? "tsc" : name]);
}

let made = 0;

export class Project {
  /** With copies of these fixtures, and links to these packages. */
  constructor({ fixture, uses = [] }) {
    this.folder = join(area, `project-${++made}`);
    cpSync(join(fixtures, fixture), this.folder, { recursive: true });
    this.write("package.json", JSON.stringify({ name: "stranger", private: true, type: "module" }));
    cpSync(tarball.folder, this.path("node_modules", NAME), { recursive: true });
    for (const name of uses) {
      const link = this.path("node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(dependency(name), link);
    }
  }

  path(...parts) {
    return join(this.folder, ...parts);
  }

  write(path, text) {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  /** Writes a module whose default export has these entry points by name, e.g. "clerk-bridge/react". */
  writeEntries(path, paths) {
    const names = paths.map(specifier);
    const imports = names.map((name, i) => `import * as entry${i} from "${name}";\n`);
    const members = names.map((name, i) => `  "${name}": entry${i},\n`);
    this.write(path, `${imports.join("")}export default {\n${members.join("")}};\n`);
  }

  /** Runs node in the project; answers `{ stdout, stderr }`. */
  node(...args) {
    return run(process.execPath, args, this.folder);
  }
}
