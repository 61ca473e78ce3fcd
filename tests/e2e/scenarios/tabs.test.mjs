// Many tabs of one browser: one fetch for all of them, at each rotation, at the start, after a failure and after a sleep.
// The promise is about time, so some of these take half a minute; they run side by side.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { scene } from "../harness/scene.mjs";
import { assertGood, assertNeverOut, assertSteady, everywhere, open, openAtOnce } from "../harness/tabs.mjs";

const user = "user_ada";
const LIFE = 8;
const vanilla = { user, lifetime: LIFE, page: "vanilla", setting: { client: "convex" } };

describe("tabs", { concurrency: 4 }, () => {
  for (const count of [1, 2, 8]) {
    scene(`e1 ${count} tabs, five rotations: a fetch for each, not for each tab`, vanilla, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const tabs = await open(scene, count);
      const begun = (await cloud.log()).mints().length;
      const since = await cloud.mark();
      const log = await cloud.until("five rotations", (log) => log.mints().length >= 5 && log.hands().length >= 5 * count && log, {
        since,
        patienceMs: 60_000,
      });
      assert.equal(log.mints().length, 5);
      const mints = (await cloud.log()).mints();
      const gaps = mints.slice(1).map(({ at }, i) => at - mints[i].at);
      assert.ok(gaps.every((gap) => gap > 4000), `who comes later takes the token from a sibling: ${begun}, ${gaps}`);
      assert.deepEqual([...new Set(log.hands())], [user]);
      await assertSteady(tabs);
    });
  }

  scene("e1 who opens later, or is loaded again, takes the token from a sibling", { ...vanilla, lifetime: 60 },
    async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const later = await scene.tab();
      await later.authenticated();
      assert.equal((await later.events("token.shared")).length, 1);
      assert.equal((await later.events("token.fetch")).length, 0);
      for (const tab of [scene, later]) {
        await tab.page.reload();
        await tab.authenticated();
        assert.equal((await tab.events("token.shared")).length, 1);
        assert.equal((await tab.events("token.fetch")).length, 0);
      }
      assert.equal((await cloud.log()).mints().length, 1);
    });

  scene("e1 eight tabs that open at once, as a browser restores them: one fetch",
    { ...vanilla, lifetime: 60, visit: false }, async (scene) => {
      const tabs = await openAtOnce(scene, 8);
      await everywhere(tabs, (tab) => tab.authenticated());
      assert.equal((await scene.cloud.log()).mints().length, 1);
      await assertGood(tabs, user);
    });
});

describe("tabs and a Clerk that fails", { concurrency: 4 }, () => {
  const tries = { 1: {}, 4: {} };
  for (const [how, detail] of [
    ["429 with Retry-After", { code: 429, retryAfter: 2 }],
    ["503", { code: 503 }],
  ]) {
    for (const count of [1, 4]) {
      scene(`e7_b3 ${how}, ${count} tabs: tries as of one, and one more as soon as it is back`, vanilla, async (scene) => {
        const { cloud, context } = scene;
        const tabs = await open(scene, count);
        const begun = await cloud.mark();
        const fault = await cloud.fault("clerk", "/tokens/convex", "status", detail);
        await everywhere(tabs, (tab) => tab.sees(() => window.seen.states.at(-1).isRefreshing));
        // The promise is about time: two lives of a token.
        await pause(2 * LIFE * 1000);
        tries[count][how] = (await cloud.log(begun)).mints().length;
        // Clerk tries again by itself within each of our tries, at 3 s and later.
        assert.ok(tries[count][how] <= 10, `${tries[count][how]} tries`);
        await assertNeverOut(tabs);

        await cloud.clear(fault);
        const since = await cloud.mark();
        await context.setOffline(true);
        const online = scene.page.evaluate(() => new Promise((resolve) => addEventListener("online", () => resolve(Date.now()))));
        await context.setOffline(false);
        const at = await online;
        await everywhere(tabs, (tab) => tab.authenticated());
        for (const tab of tabs) {
          const back = (await tab.states()).at(-1).at - at;
          assert.ok(back < 2000, `good again ${back} ms after \`online\``);
        }
        const fetches = (await cloud.log(since)).mints().length;
        assert.ok(fetches <= 2, `${fetches} fetches`);
        await assertGood(tabs, user);
        await assertNeverOut(tabs);
      });
    }
  }

  scene("e1_b3 three tabs offline for two lives of a token, then back within a second", vanilla, async (scene) => {
    const { cloud, context } = scene;
    const tabs = await open(scene, 3);
    await context.setOffline(true);
    await cloud.fault("convex", "GET /api/", "drop");
    await cloud.drop();
    await everywhere(tabs, (tab) => tab.sees(() => window.seen.states.at(-1).isRefreshing));
    await pause(LIFE * 1000);
    await cloud.clear();
    const since = await cloud.mark();
    const online = scene.page.evaluate(() => new Promise((resolve) => addEventListener("online", () => resolve(Date.now()))));
    await context.setOffline(false);
    const at = await online;
    await everywhere(tabs, (tab) => tab.authenticated());
    for (const tab of tabs) {
      const got = (await tab.page.evaluate(() => window.seen.events.filter(({ type }) => /^token\.(fetched|shared)$/.test(type)))).at(-1);
      assert.ok(got.at - at < 1000, `a token ${got.at - at} ms after coming online`);
    }
    const fetches = (await cloud.log(since)).mints().length;
    assert.ok(fetches <= 2, `${fetches} fetches`);
    await assertNeverOut(tabs);
    assert.ok((await cloud.log(since)).hands().every((hand) => hand === user));
  });

  scene("c4_e1 three tabs awake after a sleep that the token did not survive: one fetch, none that is dead is sent",
    { ...vanilla, lifetime: 60, before: ({ context }) => context.clock.install() }, async (scene) => {
      const { cloud, context } = scene;
      const tabs = await open(scene, 3);
      await everywhere(tabs, (tab) => tab.settled());
      const since = await cloud.mark();
      const slept = 120_000;
      await cloud.control("clock", { offsetMs: slept });
      await cloud.fault("clerk", "/tokens/convex", "late", { ms: 300, times: 1 });
      // As after opening a laptop: timers that are due fire once, and the sockets are found dead.
      await context.clock.fastForward(slept);
      await cloud.drop();
      await cloud.until("hand-overs", (log) => log.hands().length >= 3, { since });
      await everywhere(tabs, (tab) => tab.authenticated());
      const log = await cloud.log(since);
      assert.deepEqual([...new Set(log.hands())], [user], "no dead token on the wire");
      assert.deepEqual(log.convex("AuthError"), []);
      assert.deepEqual(log.runs().filter((run) => run.user !== user), []);
      assert.equal(log.mints().length, 1);
      await assertNeverOut(tabs);
    });
});
