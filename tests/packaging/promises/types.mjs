// A strict TypeScript application, one example for each entry point, under both ways in which modules are found. (I3)
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { describe, test } from "node:test";
import { Project, tool } from "../harness/project.mjs";
import { entries } from "../harness/tarball.mjs";

const RESOLUTIONS = { bundler: "esnext", nodenext: "nodenext" };

describe("types", { concurrency: true }, () => {
  const project = new Project({ fixture: "types", uses: ["react", "@types/react", "convex", "@clerk/react"] });

  test("i3_every_entry_has_an_example", () => {
    const examples = readdirSync(project.folder).filter((name) => /\.tsx?$/.test(name));
    const expected = entries.map((path) => (path === "." ? "index" : path.slice(2)));
    assert.deepEqual(examples.map((name) => basename(name).replace(/\.tsx?$/, "")).sort(), expected.sort());
  });

  for (const [resolution, module] of Object.entries(RESOLUTIONS)) {
    test(`i3_strict_typescript_compiles_with_module_resolution_${resolution}`, async () => {
      const { stdout } = await project.node(tool("typescript"), "--moduleResolution", resolution, "--module", module);
      assert.equal(stdout, "");
    });
  }
});
