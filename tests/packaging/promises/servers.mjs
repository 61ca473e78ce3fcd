// Places without a browser: Node, rendering on a server, workers, jsdom. Importing there touches nothing, a bridge made
// there stays `loading`, and what was rendered there is what the browser renders first. (I1)
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { esbuildModules, page } from "../environments.mjs";
import { Project, tool } from "../harness/project.mjs";
import { entries, specifier } from "../harness/tarball.mjs";
import { visit } from "../harness/visit.mjs";

const PEERS = ["react", "react-dom", "convex"];
const TOGETHER = entries.filter((path) => path !== "./slim");

/** What a program in the project says, in JSON. */
async function answer(project, ...args) {
  const { stdout, stderr } = await project.node(...args);
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

describe("node", () => {
  const project = new Project({ fixture: "node", uses: PEERS });

  for (const path of entries) {
    const name = path === "." ? "index" : path.slice(2).replaceAll("-", "_");
    test(`i1_i3_node_imports_${name}_and_touches_nothing`, async () => {
      const { exports, touched } = await answer(project, "import.js", specifier(path));
      assert.notDeepEqual(exports, []);
      assert.deepEqual(touched, []);
    });
  }

  test("i1_a_bridge_on_a_server_stays_loading_and_holds_up_nothing", async () => {
    const expected = { status: "loading", same: true, told: [], fetches: 0 };
    assert.deepEqual(await answer(project, "bridge.js"), expected);
  });

  test("i3_node_requires_it_from_commonjs", async () => {
    assert.equal((await project.node("require.cjs")).stdout, "loading\n");
  });

  test("i3_peers_are_optional", async () => {
    const alone = new Project({ fixture: "node" });
    for (const path of entries.filter((path) => !path.includes("react"))) {
      assert.notDeepEqual((await answer(alone, "import.js", specifier(path))).exports, []);
    }
  });
});

describe("rendering on a server", () => {
  const LOADING = "<p>loading, remembered: nobody</p><i>wait</i>";
  const project = new Project({ fixture: "rendering", uses: PEERS });
  let site;

  before(async () => {
    site = await esbuildModules(project, ["client"]);
    project.write("dist/client.html", page("client", { body: `<div id="root">${LOADING}</div>` }));
  });
  after(() => site?.close());

  test("i1_the_provider_renders_as_loading_for_every_request", async () => {
    assert.deepEqual(await answer(project, "server.js"), { first: LOADING, second: LOADING });
  });

  test("i1_the_convex_provider_renders_as_loading", async () => {
    const { isLoading, isAuthenticated } = await answer(project, "convex.js");
    assert.deepEqual({ isLoading, isAuthenticated }, { isLoading: true, isAuthenticated: false });
  });

  test("i1_the_first_client_render_agrees_also_when_somebody_is_remembered", () =>
    visit(`${site.url}/client.html`, async (page) => {
      const assertHydrated = async () => {
        await page.sees(() => document.body.innerText.includes("welcome"));
        assert.deepEqual(await page.evaluate(() => window.recovered), []);
      };
      await assertHydrated();
      assert.match(await page.evaluate(() => JSON.stringify(localStorage)), /user_ada/);
      await page.reload();
      await assertHydrated();
    }));
});

describe("workers", () => {
  const project = new Project({ fixture: "worker", uses: PEERS });
  let site;

  before(async () => {
    project.writeEntries("all.js", TOGETHER);
    site = await esbuildModules(project, ["page", "worker"]);
  });
  after(() => site?.close());

  test("i1_a_web_worker_imports_every_entry", () =>
    visit(`${site.url}/page.html`, async (page) => {
      await page.sees(() => window.answer);
      const expected = { entries: TOGETHER.map(specifier), status: "loading" };
      assert.deepEqual(await page.evaluate(() => window.answer), expected);
    }));
});

describe("jsdom", () => {
  test("i1_i3_vitest_imports_every_entry_and_a_bridge_works", async () => {
    const project = new Project({ fixture: "jsdom", uses: [...PEERS, "vitest", "jsdom"] });
    project.writeEntries("all.js", TOGETHER);
    const { stdout } = await project.node(tool("vitest"), "run", "--environment", "jsdom", "--reporter", "json");
    const { numPassedTests, numTotalTests } = JSON.parse(stdout);
    assert.deepEqual([numPassedTests, numTotalTests], [2, 2]);
  });
});
