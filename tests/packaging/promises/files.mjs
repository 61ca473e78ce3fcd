// What the tarball holds: everything that `exports` names, and nothing of the place where it was built.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { surroundings, tarball } from "../harness/tarball.mjs";

const EXPECTED = /^(package\.json|README\.md|LICENSE-(MIT|APACHE)|clerk_bridge\.wasm|dist\/[\w/-]+(\.js|\.d\.ts))$/;

describe("the tarball", () => {
  test("i3_it_holds_what_exports_names_and_no_other_kind_of_file", () => {
    assert.deepEqual(tarball.files.filter((path) => !EXPECTED.test(path)), []);
    const targets = Object.values(tarball.exports).flatMap((it) => (typeof it === "object" ? Object.values(it) : it));
    assert.deepEqual(targets.filter((target) => !tarball.files.includes(target.slice(2))), []);
  });

  test("i3_it_names_no_folder_of_the_machine_that_built_it", () => {
    const root = dirname(surroundings("PKG_DIR"));
    const tells = (path) => readFileSync(join(tarball.folder, path)).includes(root);
    assert.deepEqual(tarball.files.filter(tells), []);
  });

  test("i3_npm_has_nothing_else_to_install", () => {
    const { dependencies, scripts } = JSON.parse(readFileSync(join(tarball.folder, "package.json"), "utf8"));
    assert.deepEqual({ dependencies, scripts }, { dependencies: undefined, scripts: undefined });
  });
});
