// Signing out, in every way and at every moment, in every client: the server is left without identity and stays so.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { scene } from "../harness/scene.mjs";

const user = "user_ada";
/** Seconds. Convex would have its own timer fire within it. */
const LIFE = 5;

const KINDS = [
  ["the React page", { page: "react" }],
  ["client react", { page: "vanilla", setting: { client: "react" } }],
  ["client convex", { page: "vanilla", setting: { client: "convex" } }],
  ["client base", { page: "vanilla", setting: { client: "base" } }],
];

/** The server has nobody on this connection: the last hand-over is "None", or there never was one. */
const anonymous = (log) => log.hands().at(-1) == null;

/** No timer brings the user back, and a call of the page is nobody's. */
async function assertStaysOut(scene, since) {
  // The promise is about time: a timer that was left armed would fire within a token's life.
  await pause(LIFE * 1000);
  await scene.add("after");
  assert.match(await scene.ended("after"), /^failed/);
  const log = await scene.cloud.log(since);
  assert.ok(anonymous(await scene.cloud.log()), "the server has no identity");
  assert.deepEqual(log.hands().filter((hand) => hand !== null), [], "nobody is handed over after leaving");
  assert.deepEqual(log.mutations().map(({ user }) => user), [null]);
  assert.equal((await scene.states()).at(-1).status, "unauthenticated");
}

describe("leaving", { concurrency: 5 }, () => {
  for (const [kind, options] of KINDS) {
    scene(`h3 (22, 23) signing out in Clerk reaches Convex and no timer undoes it, ${kind}`,
      { user, lifetime: LIFE, ...options }, async (scene) => {
        await scene.settled();
        await scene.signOut();
        await scene.unauthenticated();
        const since = (await scene.cloud.until("None", (log) => log.hands().at(-1) === null && log.authenticates())).at(-1);
        await assertStaysOut(scene, since.seq);
        await scene.sees(() => window.seen.results["users:whoami"].at(-1) === null);
      });

    scene(`h3_d1 (21) signing out while the first token is fetched, ${kind}`, { user, lifetime: LIFE, ...options,
      before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hold") }, async (scene) => {
        const { cloud } = scene;
        await cloud.until("a fetch", (log) => log.mints().length);
        const since = await cloud.mark();
        await scene.signOut();
        await scene.unauthenticated();
        await cloud.clear();
        await assertStaysOut(scene, since);
      });

    scene(`h3_d1 (21) signing out while a newer token is fetched, ${kind}`, { user, lifetime: LIFE, ...options },
      async (scene) => {
        const { cloud } = scene;
        await scene.settled();
        await cloud.fault("clerk", "/tokens/convex", "hold");
        const mints = (await cloud.log()).mints().length;
        await scene.page.evaluate(() => void window.bridge.getToken({ template: "convex", forceRefresh: true }).catch(() => {}));
        await cloud.until("a fetch", (log) => log.mints().length > mints);
        await scene.signOut();
        await scene.unauthenticated();
        const since = (await cloud.until("None", (log) => log.hands().at(-1) === null && log.authenticates())).at(-1);
        await cloud.clear();
        await assertStaysOut(scene, since.seq);
      });

    scene(`h3_c4 signing out while the client is held because its token has run out, ${kind}`,
      { user, lifetime: LIFE, ...options, before: ({ page }) => page.clock.install() }, async (scene) => {
        const { cloud, page } = scene;
        await scene.settled();
        // Long for the token, short for Convex, which gives up a connection that is silent for a minute.
        const slept = 4 * LIFE * 1000;
        await cloud.control("clock", { offsetMs: slept });
        await cloud.fault("clerk", "/tokens/convex", "hold");
        await page.clock.fastForward(slept);
        await scene.sees(() => window.seen.states.at(-1).isRefreshing);
        await scene.signOut();
        await scene.unauthenticated();
        const since = (await cloud.until("None", (log) => log.hands().at(-1) === null && log.authenticates())).at(-1);
        await cloud.clear();
        await assertStaysOut(scene, since.seq);
      });

    scene(`d6 (40) disposing while a token is fetched attaches nothing, ${kind}`, { user, ...options,
      before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hold") }, async (scene) => {
        const { cloud, page } = scene;
        await cloud.until("a fetch", (log) => log.mints().length);
        const [states, events] = await page.evaluate(() => {
          window.bridge.dispose();
          return [window.seen.states.length, window.seen.events.length];
        });
        await cloud.clear();
        await cloud.until("the answer", (log) => log.mints().every(({ detail }) => detail.status));
        // The client is free: what it asks goes through.
        await scene.sees(() => window.seen.results["users:whoami"]?.length);
        assert.deepEqual((await cloud.log()).hands().filter((hand) => hand !== null), []);
        const after = await page.evaluate(() => [window.seen.states.length, window.seen.events.length]);
        assert.deepEqual(after, [states, events], "no listener is called");
      });
  }

  for (const page of ["vanilla", "react"])
    scene(`d7 bridge.signOut detaches first, then signs out of Clerk; twice is once, ${page}`, { user, page },
      async (scene) => {
        await scene.settled();
        await scene.page.evaluate(() => {
          const signOut = window.Clerk.signOut;
          window.Clerk.signOut = (...args) => {
            window.seen.events.push({ type: "Clerk.signOut" });
            return signOut(...args);
          };
          return Promise.all([window.bridge.signOut(), window.bridge.signOut()]).then(() => {});
        });
        await scene.unauthenticated();
        const order = await scene.page.evaluate(() => window.seen.events.map(({ type }) => type));
        const ends = order.filter((type) => type === "backend.detached" || type === "Clerk.signOut");
        assert.deepEqual(ends, ["backend.detached", "Clerk.signOut"]);
        const log = await scene.cloud.log();
        assert.equal(log.filter(({ what }) => what.startsWith("DELETE ")).length, 1);
        assert.deepEqual(log.hands(), [user, null]);
      });

  scene("h3_h6 a sign-out that takes the provider away", { user, lifetime: LIFE, page: "react", setting: { inside: true } },
    async (scene) => {
      const { cloud } = scene;
      await scene.settled();
      await scene.signOut();
      const since = (await cloud.until("None", (log) => log.hands().at(-1) === null && log.authenticates())).at(-1);
      await scene.sees(() => !document.querySelector("#status"));
      await scene.add("after");
      assert.match(await scene.ended("after"), /^failed/);
      assert.deepEqual((await cloud.log(since.seq)).hands().filter((hand) => hand !== null), []);
    });

  scene("b2_h3 a session that an administrator ends is a sign-out, at the next fetch", { user, lifetime: LIFE },
    async (scene) => {
      const { cloud } = scene;
      await scene.settled();
      await cloud.control("revoke", { userId: user });
      await scene.unauthenticated();
      await cloud.until("None", (log) => log.hands().at(-1) === null && log.hands().length > 1);
      await scene.sees(() => window.seen.results["users:whoami"].at(-1) === null);
    });

  for (const client of ["react", "convex", "base"]) {
    scene(`h6 a mutation queued while offline is not sent after signing out, client ${client}`,
      { user, page: "vanilla", setting: { client } }, async (scene) => {
        const { cloud } = scene;
        await scene.settled();
        const offline = await cloud.fault("convex", "GET /api/", "drop");
        await cloud.drop();
        await scene.add("left behind");
        await scene.signOut();
        await scene.unauthenticated();
        assert.match(await scene.ended("left behind"), /^failed/);
        await cloud.clear(offline);
        await cloud.until("a new connection", (log) => log.convex("Connect").length > 1);
        await scene.sees(() => window.seen.results["users:whoami"].at(-1) === null);
        assert.deepEqual((await cloud.log()).mutations(), []);
      });
  }
});
