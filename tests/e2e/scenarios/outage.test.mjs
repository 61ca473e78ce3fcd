// Clerk, the network or the server's verifier are away for a while: who was signed in stays so, and what was lost comes
// back by itself.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { scene } from "../harness/scene.mjs";

const user = "user_ada";
const LIFE = 8;

/** From the first authenticated state on, none that is not. */
async function assertNeverOut(scene) {
  const states = await scene.states();
  const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
  assert.ok(since >= 0 && states.slice(since).every(({ isAuthenticated }) => isAuthenticated), JSON.stringify(states));
}

const refreshing = (scene) => scene.sees(() => window.seen.states.at(-1).isRefreshing);

describe("outage", { concurrency: 6 }, () => {
  for (const [kind, options] of [
    ["the React page", { page: "react" }],
    ["client convex", { page: "vanilla", setting: { client: "convex" } }],
  ]) {
    scene(`b2_b3_a4 (12, 13) offline for three lives of a token, then back within a second, ${kind}`,
      { user, lifetime: LIFE, ...options }, async (scene) => {
        const { cloud, context, page } = scene;
        await scene.settled();
        await context.setOffline(true);
        await cloud.fault("convex", "GET /api/", "drop");
        await cloud.drop();
        // The promise is about time: longer than any token lives.
        await pause(3 * LIFE * 1000);
        await refreshing(scene);
        await assertNeverOut(scene);
        await cloud.clear();

        const since = await cloud.mark();
        const online = page.evaluate(() => new Promise((resolve) => addEventListener("online", () => resolve(Date.now()))));
        await context.setOffline(false);
        const at = await online;
        await cloud.until("a fetch", (log) => log.mints().length, { since });
        await scene.authenticated();
        const fetched = (await scene.events("token.fetched")).at(-1);
        assert.ok(fetched.at - at < 1000, `a token ${fetched.at - at} ms after coming online`);
        await scene.add("after");
        assert.equal(await scene.ended("after"), "done");
        await assertNeverOut(scene);
        assert.ok((await cloud.log(since)).hands().every((hand) => hand === user));
      });
  }

  for (const [how, kind, detail] of [
    ["answers 500", "status", { code: 500 }],
    ["hangs up", "drop", {}],
    ["never answers", "hang", {}],
    ["answers 429", "status", { code: 429, retryAfter: 2 }],
  ]) {
    scene(`b2_j2 (12) Clerk ${how} for three lives of a token: never signed out, and back by itself`,
      { user, lifetime: LIFE, page: "vanilla" }, async (scene) => {
        const { cloud } = scene;
        await scene.settled();
        const fault = await cloud.fault("clerk", "/tokens", kind, detail);
        await pause(3 * LIFE * 1000);
        await refreshing(scene);
        await assertNeverOut(scene);
        const since = await cloud.mark();
        await cloud.clear(fault);
        await cloud.until("a hand-over", (log) => log.hands().length, { since, patienceMs: 32_000 });
        await scene.authenticated();
        await assertNeverOut(scene);
        assert.deepEqual((await cloud.log()).hands().filter((hand) => hand !== user), []);
      });
  }
});

describe("a short failure", { concurrency: 4 }, () => {
  scene("b4 (16) a fetch that hangs counts as failed, and another is made",
    { user, page: "vanilla", setting: { bridge: { fetchTimeoutMs: 1000 } },
      before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hang", { times: 1 }) }, async (scene) => {
      await scene.settled();
      assert.equal((await scene.cloud.log()).mints().length, 2);
    });

  for (const client of ["react", "convex", "base"]) {
    const page = { page: "vanilla", setting: { client } };

    scene(`h6 (32, 36) the socket drops before the first token: nothing goes out as nobody, client ${client}`,
      { user, ...page, before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hold") }, async (scene) => {
        const { cloud } = scene;
        await cloud.until("a fetch", (log) => log.mints().length);
        await scene.add("early");
        await cloud.until("a connection", (log) => log.convex("Open").length);
        await cloud.drop();
        await cloud.until("another connection", (log) => log.convex("Open").length > 1);
        await cloud.clear();
        await scene.settled();
        assert.equal(await scene.ended("early"), "done");
        const log = await cloud.log();
        assert.deepEqual([...new Set(log.runs().map(({ user }) => user))], [user]);
        assert.deepEqual(log.hands(), [user]);
      });

    scene(`h1_a2 (34) a reconnect with a good token: no fetch, no change of state, client ${client}`, { user, ...page },
      async (scene) => {
        const { cloud } = scene;
        await scene.settled();
        const states = await scene.states();
        const since = await cloud.mark();
        await cloud.drop();
        const log = await cloud.until("the queries again", (log) => log.queries("users:whoami").length && log, { since });
        assert.deepEqual(log.mints(), []);
        assert.deepEqual(log.hands(), [user]);
        assert.deepEqual(log.runs().filter((run) => run.user !== user), []);
        assert.deepEqual(await scene.states(), states);
      });

    scene(`h2 (20) the verifier fails and the server closes with 1011: no fetch, no sign-out, client ${client}`,
      { user, ...page, before: ({ cloud }) => cloud.fault("convex", "^Authenticate$", "status", { code: 503, times: 2 }) },
      async (scene) => {
        await scene.settled();
        const log = await scene.cloud.log();
        assert.equal(log.mints().length, 1);
        assert.deepEqual(log.hands(), [user, user, user]);
        assert.deepEqual([...new Set((await scene.states()).map(({ status }) => status))], ["loading", "authenticated"]);
      });

    scene(`c4 (33) awake after a sleep that the token did not survive: none that is dead is sent, client ${client}`,
      { user, ...page, before: ({ page }) => page.clock.install() }, async (scene) => {
        const { cloud, page } = scene;
        await scene.settled();
        const since = await cloud.mark();
        const slept = 120_000;
        await cloud.control("clock", { offsetMs: slept });
        await cloud.fault("clerk", "/tokens/convex", "hold", { times: 1 });
        // As after opening a laptop: timers that are due fire once, and the socket is found dead.
        await page.clock.fastForward(slept);
        await cloud.drop();
        await cloud.until("a new connection", (log) => log.convex("Open").length, { since });
        await cloud.clear();
        await cloud.until("a hand-over", (log) => log.hands().length, { since });
        await scene.authenticated();
        await scene.add("awake");
        assert.equal(await scene.ended("awake"), "done");
        const log = await cloud.log(since);
        assert.deepEqual([...new Set(log.hands())], [user], "no dead token on the wire");
        assert.deepEqual(log.convex("AuthError"), []);
        assert.deepEqual(log.runs().filter((run) => run.user !== user), []);
        assert.equal(log.mints().length, 1);
        await assertNeverOut(scene);
      });
  }
});
