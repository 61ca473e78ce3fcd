// From one user to another and from one organisation to another: straight over, nothing as the wrong one, nothing as
// nobody.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";
import { until } from "../harness/cloud.mjs";

const [ada, grace] = ["user_ada", "user_grace"];

const KINDS = [
  ["the React page", { page: "react" }],
  ["client react", { page: "vanilla", setting: { client: "react" } }],
  ["client convex", { page: "vanilla", setting: { client: "convex" } }],
  ["client base", { page: "vanilla", setting: { client: "base" } }],
];

const texts = (log) => log.mutations().map(({ user, detail }) => [user, detail.args[0].text]);

/** After Ada, Grace; nothing in between as nobody, and nothing as Ada once Grace is there. */
function assertStraightOver(log) {
  const arrival = log.authenticates().find(({ user }) => user === grace);
  assert.ok(arrival, "Grace has arrived");
  assert.deepEqual(log.hands().filter((hand) => hand !== ada && hand !== grace), [], "nobody is handed over");
  assert.deepEqual(log.runs().filter(({ user }) => user === null), [], "nothing runs as nobody");
  const late = log.runs().filter(({ user, seq }) => user === ada && seq > arrival.seq);
  assert.deepEqual(late, [], "nothing runs as Ada any more");
}

describe("switching user", { concurrency: 4 }, () => {
  for (const [kind, options] of KINDS) {
    scene(`h4_d3 (24) goes straight over, ${kind}`, { user: ada, ...options }, async (scene) => {
      await scene.settled();
      await scene.add("of Ada");
      assert.equal(await scene.ended("of Ada"), "done");
      await scene.signIn(grace);
      await scene.settled(grace);
      await scene.add("of Grace");
      assert.equal(await scene.ended("of Grace"), "done");
      assertStraightOver(await scene.cloud.log());
      await scene.sees(() => window.seen.results["tasks:list"].at(-1)?.map(({ text }) => text).join() === "of Grace");
    });

    scene(`h6 (24) a mutation that Ada queued is never Grace's, ${kind}`, { user: ada, ...options }, async (scene) => {
      const { cloud } = scene;
      await scene.settled();
      const offline = await cloud.fault("convex", "GET /api/", "drop");
      await cloud.drop();
      await scene.add("queued");
      await scene.signIn(grace);
      await scene.sees((grace) => window.seen.states.at(-1).userId === grace, grace);
      await cloud.clear(offline);
      await scene.settled(grace);
      assert.match(await scene.ended("queued"), /^failed/);
      const log = await cloud.log();
      assert.deepEqual(texts(log), []);
      assertStraightOver(log);
    });

    scene(`h6 (24) a mutation that Ada sent is not sent again as Grace, ${kind}`, { user: ada, ...options },
      async (scene) => {
        const { cloud } = scene;
        await scene.settled();
        await cloud.fault("convex", "Mutation tasks:add", "hang", { times: 1 });
        await scene.add("sent");
        await until("it was sent", async () => (await cloud.control("fault")).faults.length === 0);
        const offline = await cloud.fault("convex", "GET /api/", "drop");
        await cloud.drop();
        await scene.signIn(grace);
        await scene.sees((grace) => window.seen.states.at(-1).userId === grace, grace);
        await cloud.clear(offline);
        await scene.settled(grace);
        assert.match(await scene.ended("sent"), /^failed/);
        assert.deepEqual(texts(await cloud.log()), []);
      });

    scene(`h6 (24, 25) a mutation that waits for Ada's first token is never Grace's, ${kind}`, { user: ada, ...options,
      before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hold", { times: 1 }) }, async (scene) => {
        const { cloud } = scene;
        await cloud.until("Ada's fetch", (log) => log.mints().length);
        await scene.sees((ada) => window.seen.states.at(-1).userId === ada, ada);
        await scene.add("early");
        await scene.signIn(grace);
        await scene.settled(grace);
        assert.match(await scene.ended("early"), /^failed/);
        assert.deepEqual(texts(await cloud.log()), []);
      });

    scene(`d1_b11 (25) Ada's late token is not used for Grace, ${kind}`, { user: ada, ...options,
      before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hold", { times: 1 }) }, async (scene) => {
        const { cloud } = scene;
        await cloud.until("Ada's fetch", (log) => log.mints().length);
        await scene.signIn(grace);
        await scene.settled(grace);
        await cloud.clear();
        await cloud.until("Ada's answer", (log) => log.mints().every(({ detail }) => detail.status));
        await scene.add("of Grace");
        assert.equal(await scene.ended("of Grace"), "done");
        const log = await cloud.log();
        assert.deepEqual(log.hands(), [grace]);
        assert.deepEqual([...new Set(log.runs().map(({ user }) => user))], [grace]);
      });
  }
});

describe("switching organisation", { concurrency: 4 }, () => {
  for (const [kind, options] of KINDS) {
    const switched = async (scene, how) => {
      await scene.settled();
      const since = await scene.cloud.mark();
      const states = (await scene.states()).length;
      await how();
      await scene.sees(() => window.seen.results["users:whoami"].at(-1)?.orgId === "org_acme");
      await scene.sees(() => window.seen.states.at(-1).orgId === "org_acme");
      const log = await scene.cloud.log(since);
      assert.equal(log.mints().length, 1, "one fetch");
      assert.deepEqual(log.authenticates().map(({ user, detail }) => [user, detail.org]), [[ada, "org_acme"]]);
      assert.deepEqual(log.queries("users:whoami").map(({ user, detail }) => [user, detail.org]), [[ada, "org_acme"]]);
      const after = (await scene.states()).slice(states);
      assert.ok(after.every(({ isAuthenticated }) => isAuthenticated), JSON.stringify(after));
    };

    scene(`c6_h4 (26) one fetch, one hand-over, authenticated throughout, ${kind}`, { user: ada, ...options },
      (scene) => switched(scene, () => scene.activate({ organization: "org_acme" })));

    scene(`a7_c6 (26, 27) the same with a navigation, in which Clerk knows nothing for a moment, ${kind}`,
      { user: ada, ...options }, (scene) =>
        switched(scene, () =>
          scene.page.evaluate(() => window.Clerk.setActive({ organization: "org_acme", navigate: async () => {} }))));
  }
});
