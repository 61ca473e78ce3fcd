// The slim entry: every kind of thing that `loadWasm` takes, at every moment, and what happens when the file is not
// there. The page has no bundler, so the file is simply a file. (I3)
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { environments } from "../environments.mjs";
import { Project } from "../harness/project.mjs";
import { visit } from "../harness/visit.mjs";

/** Each runs in the page. */
const SOURCES = {
  path: (url) => new URL(url).pathname,
  url: (url) => new URL(url),
  request: (url) => new Request(url),
  response: (url) => fetch(url),
  array_buffer: async (url) => (await fetch(url)).arrayBuffer(),
  bytes: async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer()),
  module: (url) => WebAssembly.compileStreaming(fetch(url)),
};

describe("the wasm file", () => {
  const { start, wasmFile } = environments.find(({ name }) => name === "no_bundler");
  let site;

  before(async () => {
    const project = new Project({ fixture: "pages" });
    project.write("wasm-file.js", wasmFile);
    site = await start(project, ["tools"]);
  });
  after(() => site?.close());

  const inTools = (look) =>
    visit(`${site.url}/tools.html`, async (page) => {
      await page.sees(() => window.slim);
      await look(page);
    });

  /** Runs in the page: a bridge with a user. */
  const makeBridge = () => {
    const source = window.createTestSource({ user: "user_ada" });
    const backends = { api: window.slim.defineBackend({ kind: "api", attach() {}, detach() {} }) };
    window.bridge = window.slim.createBridge({ source, backends });
  };

  for (const [kind, source] of Object.entries(SOURCES)) {
    test(`i3_load_wasm_takes_a_${kind}`, () =>
      inTools(async (page) => {
        await page.evaluate(`(async () => window.slim.loadWasm(await (${source})(window.wasmFile)))()`);
        await page.evaluate(makeBridge);
        await page.status("authenticated");
      }));
  }

  test("i3_a_bridge_made_before_waits_for_load_wasm", () =>
    inTools(async (page) => {
      await page.evaluate(makeBridge);
      assert.equal(await page.evaluate(() => window.bridge.getSnapshot().status), "loading");
      await page.evaluate(() => window.slim.loadWasm(window.wasmFile));
      await page.status("authenticated");
    }));

  test("i3_load_wasm_may_be_called_again_after_a_failure", () =>
    inTools(async (page) => {
      await page.evaluate(makeBridge);
      const code = await page.evaluate(() => window.slim.loadWasm("/nowhere.wasm").catch(({ code }) => code));
      assert.equal(code, "ERR_WASM_LOAD");
      await page.status("unauthenticated");
      assert.equal(await page.evaluate(() => window.bridge.getSnapshot().error.code), "ERR_WASM_LOAD");
      assert.match(page.complaints.splice(0).join(), /404/);
      await page.evaluate(() => window.slim.loadWasm(window.wasmFile));
      await page.status("authenticated");
    }));

  test("i3_what_is_no_wasm_is_refused_with_a_code", () =>
    inTools(async (page) => {
      const code = await page.evaluate(() => window.slim.loadWasm("/tools.html").catch(({ code }) => code));
      assert.equal(code, "ERR_WASM_LOAD");
    }));
});
