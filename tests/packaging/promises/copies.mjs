// Several bridges on one page, out of one copy of the package or out of two: each with its own user, its own backends
// and its own end. (I5)
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { esbuildModules } from "../environments.mjs";
import { Project } from "../harness/project.mjs";
import { visit } from "../harness/visit.mjs";

/** Runs in the page: a bridge for each user, made by one copy with a backend of that or of the other. */
const makeBridges = (users) => {
  window.bridges = users.map(({ user, of, backendOf }) => {
    const held = [];
    const attach = (token) => void held.push(JSON.parse(atob(token.split(".")[1])).sub);
    const detach = () => void held.splice(0);
    const api = window[backendOf].defineBackend({ kind: "api", attach, detach });
    const source = window[backendOf].createTestSource({ user });
    const bridge = window[of].createBridge({ name: user, source, backends: { api } });
    return Object.assign(bridge, { held });
  });
};

const COMBINATIONS = {
  two_bridges_of_one_copy: [
    { user: "user_ada", of: "first", backendOf: "first" },
    { user: "user_grace", of: "first", backendOf: "first" },
  ],
  two_copies: [
    { user: "user_ada", of: "first", backendOf: "first" },
    { user: "user_grace", of: "second", backendOf: "second" },
  ],
  two_copies_that_exchange_backends: [
    { user: "user_ada", of: "first", backendOf: "second" },
    { user: "user_grace", of: "second", backendOf: "first" },
  ],
};

const states = (page) =>
  page.evaluate(() =>
    window.bridges.map((bridge) => {
      const { status, userId } = bridge.getSnapshot();
      return { status, userId, held: [...bridge.held] };
    }),
  );

const signedIn = (userId) => ({ status: "authenticated", userId, held: [userId] });
const signedOut = { status: "unauthenticated", userId: null, held: [] };

describe("copies", () => {
  const project = new Project({ fixture: "copies" });
  let site;

  before(async () => {
    for (const name of ["first", "second"]) {
      const own = new Project({ fixture: "copies" });
      project.write(`${name}.js`, `export * from "${own.path("copy.js")}";\n`);
    }
    site = await esbuildModules(project, ["two"]);
  });
  after(() => site?.close());

  for (const [name, users] of Object.entries(COMBINATIONS)) {
    test(`i5_${name}_do_not_disturb_each_other`, () =>
      visit(`${site.url}/two.html`, async (page) => {
        await page.sees(() => window.first && window.second);
        assert.ok(await page.evaluate(() => window.first.createBridge !== window.second.createBridge));
        await page.evaluate(makeBridges, users);
        await page.evaluate(() => Promise.all(window.bridges.map(({ ready }) => ready)));
        assert.deepEqual(await states(page), [signedIn("user_ada"), signedIn("user_grace")]);
        await page.evaluate(() => window.bridges[0].signOut());
        assert.deepEqual(await states(page), [signedOut, signedIn("user_grace")]);
        const renewed = await page.evaluate(async () => {
          window.bridges[0].dispose();
          const token = await window.bridges[1].getToken({ forceRefresh: true });
          return JSON.parse(atob(token.split(".")[1])).sub;
        });
        assert.equal(renewed, "user_grace");
      }));
  }
});
