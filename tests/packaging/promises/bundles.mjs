// Pages, in every environment of the table: each has to become authenticated, and to end so when the user leaves.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { environments } from "../environments.mjs";
import { Project } from "../harness/project.mjs";
import { entries, specifier } from "../harness/tarball.mjs";
import { visit } from "../harness/visit.mjs";

/** How a wasm module begins, in base64. */
const INLINED = "AGFzbQEAAAA";

/** The two that bring the wasm do not stand in one page. */
const TOGETHER = entries.filter((path) => path !== "./slim");

/** Signed in, handed to the backend, gone. */
async function assertWholeLife(page) {
  await page.status("authenticated");
  const [token, ...more] = await page.evaluate(() => window.held);
  assert.deepEqual(more, []);
  assert.equal(JSON.parse(Buffer.from(token.split(".")[1], "base64url")).sub, "user_ada");
  await page.evaluate(() => window.bridge.signOut());
  await page.status("unauthenticated");
  assert.deepEqual(await page.evaluate(() => window.held), []);
}

/** The wasm came as a file, and not a second time inside JavaScript. */
function assertFileOnly({ downloads }, { oneScript }) {
  const paths = [...downloads.keys()];
  assert.equal(paths.filter((path) => path.endsWith(".wasm")).length, 1, paths.join());
  if (!oneScript) assert.deepEqual(paths.filter((path) => downloads.get(path).includes(INLINED)), []);
}

const PAGES = {
  inlined: assertWholeLife,
  async slim(page, environment) {
    await assertWholeLife(page);
    assertFileOnly(page, environment);
  },
  provider: (page) => page.shows("authenticated: user_ada"),
  async "slim-provider"(page, environment) {
    await page.shows("authenticated: user_ada");
    assertFileOnly(page, environment);
    await assertWholeLife(page);
  },
  async entries(page) {
    await page.sees(() => window.entries);
    const found = await page.evaluate(() => window.entries);
    assert.deepEqual(Object.keys(found), TOGETHER.map(specifier));
    for (const [name, exported] of Object.entries(found)) assert.ok(exported.length > 0, name);
  },
};

for (const environment of environments) {
  describe(environment.name, () => {
    let site;

    before(async () => {
      const project = new Project({ fixture: "pages", uses: environment.uses });
      project.write("wasm-file.js", environment.wasmFile);
      project.writeEntries("all.js", TOGETHER);
      site = await environment.start(project, environment.pages);
    });
    after(() => site?.close());

    test(`i3_${environment.name}_builds_without_a_warning`, () => assert.deepEqual(site.warnings, []));

    for (const name of environment.pages) {
      test(`i3_${environment.name}_${name.replace("-", "_")}`, () =>
        visit(`${site.url}/${name}.html`, (page) => PAGES[name](page, environment)));
    }
  });
}
