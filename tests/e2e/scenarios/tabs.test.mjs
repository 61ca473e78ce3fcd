// Many tabs of one browser: one fetch for all of them, and nobody is delayed by another. The promise is about time, so
// some of these take half a minute; they run side by side.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";

const user = "user_ada";
const LIFE = 8;
const vanilla = { user, lifetime: LIFE, page: "vanilla", setting: { client: "convex" } };

/** So many tabs in all, each of them there for itself. */
async function open(scene, count) {
  const more = await Promise.all(Array.from({ length: count - 1 }, () => scene.tab()));
  const tabs = [scene, ...more];
  await Promise.all(tabs.map((tab) => tab.authenticated(user)));
  return tabs;
}

/** None of them was ever anything but authenticated, once it was so. */
async function assertSteady(tabs) {
  for (const tab of tabs) {
    const states = await tab.states();
    const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
    assert.ok(since >= 0);
    for (const state of states.slice(since)) assert.ok(state.isAuthenticated && !state.isRefreshing, JSON.stringify(state));
  }
}

describe("tabs", { concurrency: 4 }, () => {
  for (const count of [1, 2, 8]) {
    scene(`e1 ${count} tabs, five rotations: a fetch for each, not for each tab`, vanilla, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const tabs = await open(scene, count);
      assert.equal((await cloud.log()).mints().length, 1, "who comes later takes the token from a sibling");
      const log = await cloud.until("five rotations", (log) => log.mints().length > 5 && log.authenticates().length >= 6 * count && log, {
        patienceMs: 60_000,
      });
      assert.equal(log.mints().length, 6);
      assert.deepEqual([...new Set(log.hands())], [user]);
      await assertSteady(tabs);
    });
  }
});
