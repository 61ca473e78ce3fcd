// Pages under a content security policy. One that forbids WebAssembly must end as a state with a code and a hint, which
// the application can show; never as a blank page or as waiting for ever. (I4)
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { environments, esbuildModules } from "../environments.mjs";
import { Project } from "../harness/project.mjs";
import { serve } from "../harness/server.mjs";
import { visit } from "../harness/visit.mjs";

const PAGES = ["inlined", "slim", "provider", "slim-provider"];
const HINT = "Add 'wasm-unsafe-eval' to script-src in the CSP.";

const POLICIES = [
  { policy: "script-src 'self'", allowed: false },
  { policy: "script-src 'self' 'wasm-unsafe-eval'", allowed: true },
];

async function assertBlocked(page) {
  await page.status("unauthenticated");
  const { error, backends, token } = await page.evaluate(async () => {
    const { error, backends } = window.bridge.getSnapshot();
    const token = await window.bridge.getToken().catch(({ code }) => code);
    return { error: { code: error.code, hint: error.hint }, backends, token };
  });
  assert.deepEqual(error, { code: "ERR_WASM_BLOCKED", hint: HINT });
  assert.equal(token, "ERR_WASM_BLOCKED");
  for (const { status } of Object.values(backends)) assert.equal(status, "unauthenticated");
}

describe("content security policies", () => {
  const { uses, wasmFile } = environments.find(({ start }) => start === esbuildModules);
  const project = new Project({ fixture: "pages", uses });

  before(async () => {
    project.write("wasm-file.js", wasmFile);
    await (await esbuildModules(project, [...PAGES, "tools"])).close();
  });

  for (const { policy, allowed } of POLICIES) {
    describe(policy, () => {
      let site;

      before(async () => (site = await serve(project.path("dist"), { policy })));
      after(() => site?.close());

      for (const name of PAGES) {
        test(`i4_${name.replace("-", "_")}_${allowed ? "works" : "says_what_to_do"}`, () =>
          visit(`${site.url}/${name}.html`, async (page) => {
            if (allowed) return page.status("authenticated");
            if (name.endsWith("provider")) await page.shows(`unauthenticated: ERR_WASM_BLOCKED ${HINT}`);
            await assertBlocked(page);
          }));
      }

      test(`i4_load_wasm_${allowed ? "resolves" : "rejects_with_the_code"}`, () =>
        visit(`${site.url}/tools.html`, async (page) => {
          await page.sees(() => window.slim);
          const code = await page.evaluate(() => window.slim.loadWasm(window.wasmFile).catch(({ code }) => code));
          assert.equal(code, allowed ? undefined : "ERR_WASM_BLOCKED");
        }));
    });
  }
});
