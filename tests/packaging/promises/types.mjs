// A strict TypeScript application, one example for each entry point, under both ways in which modules are found. (I3)
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { Project, tool } from "../harness/project.mjs";
import { entries } from "../harness/tarball.mjs";

/** How modules are found, and the kind of modules that goes with it. */
const RESOLUTIONS = { bundler: "esnext", nodenext: "nodenext" };

/** What the examples keep authenticated, and what those are made of. */
const CLIENTS = [
  ...["convex", "@instantdb/core", "@triplit/client", "graphql", "graphql-ws"],
  ...["@apollo/client", "rxjs", "@urql/core", "@urql/exchange-auth"],
];

describe("types", () => {
  const project = new Project({ fixture: "types", uses: [...CLIENTS, "react", "@types/react", "@clerk/react"] });
  const examples = readdirSync(project.folder).filter((name) => /\.tsx?$/.test(name));

  test("i3_every_entry_has_an_example", () => {
    const expected = entries.map((path) => (path === "." ? "index" : path.slice(2)));
    assert.deepEqual(examples.map((name) => name.replace(/\.tsx?$/, "")).sort(), expected.sort());
  });

  const compile = async (folder, resolution) => {
    const options = ["--project", folder, "--moduleResolution", resolution, "--module", RESOLUTIONS[resolution]];
    assert.equal((await project.node(tool("typescript"), ...options)).stdout, "");
  };

  for (const resolution of Object.keys(RESOLUTIONS)) {
    test(`i3_strict_typescript_compiles_every_example_with_module_resolution_${resolution}`, () =>
      compile(".", resolution));
  }

  // Applications rarely check the declarations of others, and Clerk's own do not pass. Those of the package have to.
  test("i3_the_declarations_are_sound", () => {
    project.writeEntries("declarations/all.ts", entries);
    const tsconfig = { extends: "../tsconfig.json", compilerOptions: { skipLibCheck: false } };
    project.write("declarations/tsconfig.json", JSON.stringify(tsconfig));
    return compile("declarations", "nodenext");
  });
});
