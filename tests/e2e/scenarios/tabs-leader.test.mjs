// The tab that fetches for all is closed, blocked, frozen, or waits for a slow Clerk: no other tab is late for it, and
// nobody fetches twice without need.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";
import { afterMint, assertGood, assertSteady, everywhere, open, openAtOnce, ranked } from "../harness/tabs.mjs";

const user = "user_ada";
const vanilla = { user, page: "vanilla", setting: { client: "convex" } };

/** A hand-over in each of so many tabs. */
const handed = (cloud, count, since) =>
  cloud.until("hand-overs", (log) => log.hands().length >= count && log, { since, patienceMs: 40_000 });

describe("a leader", { concurrency: 4 }, () => {
  scene("e3 is closed between two fetches: the next one is made by another, on time", { ...vanilla, lifetime: 8 },
    async (scene) => {
      const { cloud } = scene;
      const [leader, ...others] = await ranked(await open(scene, 3));
      const since = await cloud.mark();
      await leader.page.close();
      const log = await handed(cloud, 2 * others.length, since);
      assert.equal(log.mints().length, 2, "one for each rotation");
      await assertSteady(others);
      await assertGood(others, user);
    });

  scene("e3 is closed in the middle of a fetch: another makes it, on time", { ...vanilla, lifetime: 12 },
    async (scene) => {
      const { cloud } = scene;
      const [leader, ...others] = await ranked(await open(scene, 3));
      await cloud.fault("clerk", "/tokens/convex", "hold", { times: 1 });
      const since = await cloud.mark();
      await cloud.until("the leader's fetch", (log) => log.mints().length, { since });
      await leader.page.close();
      const log = await handed(cloud, others.length, since);
      assert.equal(log.mints().length, 2, "the one that was lost, and one more");
      await assertSteady(others);
      await assertGood(others, user);
    });

  scene("e3 is blocked for eight seconds over the refresh: another takes its place, once", { ...vanilla, lifetime: 16 },
    async (scene) => {
      const { cloud } = scene;
      const tabs = await open(scene, 3);
      const [leader, ...others] = await ranked(tabs);
      const since = await cloud.mark();
      await afterMint(cloud, 6_000);
      await leader.page.evaluate(() => {
        setTimeout(() => {
          for (const end = Date.now() + 8_000; Date.now() < end; );
        });
      });
      const log = await handed(cloud, 3, since);
      assert.ok(log.mints().length <= 2, `${log.mints().length} fetches`);
      assert.ok((await Promise.all(others.map((tab) => tab.events("tab.leader")))).flat().length >= 1);
      // Whoever leads now, another rotation is one fetch.
      const next = await cloud.mark();
      const rotation = await handed(cloud, 3, next);
      assert.ok(rotation.mints().length <= 1, `${rotation.mints().length} fetches`);
      await assertSteady(tabs);
      await assertGood(tabs, user);
    });

  for (const count of [2, 8]) {
    scene(`e3 a Clerk that takes seven seconds, ${count} tabs that open at once: one fetch, a good token for each`,
      { ...vanilla, visit: false, before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "delay", { ms: 7000 }) },
      async (scene) => {
        const tabs = await openAtOnce(scene, count);
        await everywhere(tabs, (tab) => tab.authenticated());
        assert.equal((await scene.cloud.log()).mints().length, 1);
        await assertSteady(tabs);
        await assertGood(tabs, user);
      });

    scene(`e3 a Clerk that takes seven seconds, ${count} tabs: each rotation one fetch, a good token for each`,
      { ...vanilla, lifetime: 40 }, async (scene) => {
        const { cloud } = scene;
        const tabs = await open(scene, count);
        await cloud.fault("clerk", "/tokens/convex", "delay", { ms: 7000 });
        const since = await cloud.mark();
        const log = await cloud.until("a rotation", (log) => log.hands().length >= count && log, { since, patienceMs: 60_000 });
        // Clerk starts one by itself, 17 s before the end, in the tab that fetched; ours finds it still under way.
        const ours = (await Promise.all(tabs.map((tab) => tab.events("token.fetch")))).flat().filter(({ reason }) => reason === "minted");
        assert.equal(ours.length, 1);
        assert.ok(log.mints().length <= 2, `${log.mints().length} fetches`);
        await assertSteady(tabs);
        await assertGood(tabs, user);
      });
  }

  scene("e3 losing a race is no error: eight tabs ask for a fresh token at the same instant", vanilla, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 8);
    const at = Date.now() + 1_500;
    const since = await cloud.mark();
    const ask = async (at) => {
      await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
      return (await window.bridge.getToken({ template: "convex", forceRefresh: true })).length > 0;
    };
    assert.deepEqual(await Promise.all(tabs.map((tab) => tab.page.evaluate(ask, at))), tabs.map(() => true));
    await handed(cloud, 8, since);
    await assertSteady(tabs);
  });
});
