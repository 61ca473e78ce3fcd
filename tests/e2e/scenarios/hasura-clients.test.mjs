// Hasura with urql and Apollo in front, and their caches: set up as an application would, they lose no operation, show
// no error for a stale token, and hold nothing of a user who has left.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { PAST_EXPIRY } from "../harness/cloud.mjs";
import {
  answer, ask, besideWitness, callers, closes, inits, mints, rows, TASKS, watch,
} from "../harness/graphql.mjs";
import { scene } from "../harness/scene.mjs";
import { Writer } from "../harness/writer.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const peek = (scene, query) => scene.page.evaluate((query) => window.peek(query), query);
const owners = (tasks) => [...new Set(tasks.map(({ user_id }) => user_id))];
const CLIENTS = ["urql", "apollo"];
/** What graphql-ws lets pass at least when the server has cut a socket. */
const WAIT_MS = 1300;

describe("clients of Hasura", { concurrency: 4 }, () => {
  for (const client of CLIENTS) {
    const page = { page: "hasura", setting: { client } };

    scene(`g3 ten queries at once with a stale token: one fetch, ten replays, no error, ${client}`,
      { user: ada, ...page }, async (scene) => {
        const { cloud } = scene;
        await scene.authenticated();
        const since = await cloud.mark();
        await cloud.control("clock", PAST_EXPIRY);
        // Clients ask once for what they are asked twice: these differ.
        const names = Array.from({ length: 10 }, (_, i) => `call${i}`);
        await scene.page.evaluate((names) =>
          names.forEach((name) => window.ask(name, `{ ${name}: whoami { user_id } }`)), names);
        for (const name of names) {
          assert.equal(await scene.ended(name), "done");
          assert.equal((await answer(scene, name))[name].user_id, ada);
        }
        const log = await cloud.log(since);
        assert.equal(mints(log), 1);
        assert.deepEqual(callers(log).sort(), [...Array(10).fill("refused"), ...Array(10).fill(ada)]);
      });

    scene(`g1 signed out: no header at all, ${client}`, page, async (scene) => {
      await scene.unauthenticated();
      await ask(scene, "whoami");
      assert.equal(await scene.ended("whoami"), "done");
      assert.equal((await answer(scene, "whoami")).whoami.role, "anonymous");
      assert.deepEqual(callers(await scene.cloud.log()), [null]);
    });

    scene(`g2_d1 a query of Ada's that waits for a token is neither nobody's nor Grace's, ${client}`,
      { user: ada, ...page, before: ({ cloud }) => cloud.fault("clerk", "/tokens/hasura", "hold", { times: 1 }) },
      async (scene) => {
        const { cloud } = scene;
        await cloud.until("Ada's fetch", (log) => mints(log));
        await ask(scene, "of Ada");
        await scene.signIn(grace);
        // Apollo itself fails what is under way when its store is cleared, and may be the first to do so.
        assert.match(await scene.ended("of Ada"), client === "apollo" ? /^failed/ : /^failed: ERR_SIGNED_OUT$/);
        await cloud.clear();
        await scene.authenticated(grace);
        await ask(scene, "of Grace");
        assert.equal(await scene.ended("of Grace"), "done");
        assert.deepEqual(callers(await cloud.log()), [grace]);
      });

    scene(`h33 access-denied: told with a hint, asked once, ${client}`,
      { user: ada, page: "hasura", setting: { client, hasura: { role: "owner" } } }, async (scene) => {
        await scene.authenticated();
        await ask(scene, "whoami");
        assert.match(await scene.ended("whoami"), /^failed: .*requested role/);
        await scene.unauthenticated();
        const { error, hint } = (await scene.states()).at(-1);
        assert.equal(error, "ERR_BACKEND_CONFIG");
        assert.match(hint, /hasura/);
        const log = await scene.cloud.log();
        assert.deepEqual([callers(log), mints(log)], [["refused"], 1]);
      });

    scene(`h32 signing out ends a subscription, and nothing connects again, ${client}`,
      { user: ada, ...page, before: ({ page }) => page.clock.install() }, async (scene) => {
        const { cloud } = scene;
        await scene.authenticated();
        await watch(scene, "live", TASKS);
        await scene.sees(() => window.seen.rows.length);
        const since = await cloud.mark();
        await scene.signOut();
        assert.equal(await scene.ended("live"), "failed: ERR_SIGNED_OUT");
        await cloud.until("the socket is closed", (log) => log.hasura("Close").length, { since });
        await scene.unauthenticated();
        await scene.page.clock.fastForward(60_000);
        await ask(scene, "whoami");
        assert.equal(await scene.ended("whoami"), "done");
        const log = await cloud.log(since);
        assert.deepEqual([log.hasura("Open"), callers(log)], [[], [null]]);
      });

    scene(`h32_d3 after a switch Grace sees no row streamed or cached for Ada, ${client}`, { user: ada, ...page },
      async (scene) => {
        const { cloud } = scene;
        await scene.authenticated();
        await watch(scene, "of Ada", TASKS);
        await scene.sees(() => window.seen.rows.length);
        const stop = (await Writer.as(cloud, ada)).every(50);
        await scene.sees(() => window.seen.rows.at(-1).data.tasks.length > 5);
        await ask(scene, "tasks", TASKS);
        assert.equal(await scene.ended("tasks"), "done");
        assert.deepEqual(owners((await peek(scene, TASKS)).tasks), [ada], "the cache holds Ada's");

        await scene.signIn(grace);
        assert.equal(await scene.ended("of Ada"), "failed: ERR_SIGNED_OUT");
        await scene.authenticated(grace);
        const { at } = (await scene.states()).find(({ userId }) => userId === grace);
        assert.equal(await peek(scene, TASKS), null, "the cache is empty");
        await watch(scene, "of Grace", TASKS);
        await (await Writer.as(cloud, grace)).write("of Grace");
        await scene.sees(() => window.seen.rows.some(({ name, data }) => name === "of Grace" && data.tasks.length));
        await ask(scene, "tasks", TASKS);
        await scene.sees((grace) => window.seen.results.tasks.at(-1).tasks[0].user_id === grace, grace);
        await stop();
        const seen = (await rows(scene, "of Grace")).flatMap(({ data }) => data.tasks);
        assert.deepEqual([owners(seen), owners((await answer(scene, "tasks")).tasks)], [[grace], [grace]]);
        assert.deepEqual((await rows(scene, "of Ada")).filter((row) => row.at > at), []);
      });
  }
});

// Half a second is proved of the sockets alone; here, that no client waits as it would without the bridge. The promise
// is about time, so nothing else runs beside them.
describe("clients of Hasura through rotations", { concurrency: 2 }, () => {
  for (const client of CLIENTS) {
    scene(`h30 a subscription lives through three rotations, ${client}`,
      { user: ada, page: "hasura", setting: { client }, lifetime: 8 }, async (scene) => {
        const { cloud } = scene;
        await scene.authenticated();
        const stop = await besideWitness(scene, ada, TASKS, 200);
        await cloud.until("the fourth socket", (log) => inits(log).length > 4, { patienceMs: 40_000 });
        const { gap } = await stop();
        assert.equal(await scene.page.evaluate(() => window.seen.calls.live), "pending");
        assert.ok(gap < WAIT_MS, `the largest gap is ${gap} ms`);
        assert.deepEqual([...new Set(closes(await cloud.log()))], ["gone"]);
      });
  }
});
