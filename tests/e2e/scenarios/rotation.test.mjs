// Ten rotations of tokens that live for eight seconds. The promise is about time, so these take a minute; they run side
// by side.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";

const user = "user_ada";
const MINUTE_AND_A_HALF = 90_000;
const SKEW_MS = 5 * 60_000;

/** Waits for so many rotations after the first token, and for the last one's hand-over. */
const rotations = (cloud, count) =>
  cloud.until(`${count} rotations`, (log) => log.authenticates().length > count && log, {
    patienceMs: MINUTE_AND_A_HALF,
  });

function assertRotated(log, count) {
  assert.equal(log.mints().length, count + 1, "one fetch for each rotation");
  assert.deepEqual(log.hands(), Array(count + 1).fill(user), "one hand-over for each rotation, none refused");
  assert.deepEqual(log.convex("AuthError"), []);
  const times = log.mints().map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - times[i]);
  assert.ok(gaps.every((gap) => gap > 4000 && gap < 8000), `refreshed between half a life and its end: ${gaps}`);
}

describe("ten rotations", { concurrency: 8 }, () => {
  scene("h1_a2_i2 in React: a fetch and a hand-over each, nothing rendered", { user, lifetime: 8 }, async (scene) => {
    await scene.settled();
    const first = await scene.cloud.log();
    assert.equal(first.queries("users:whoami").length, 1, "queries run once at the start");
    const renders = await scene.page.evaluate(() => window.seen.renders);
    const states = await scene.states();

    assertRotated(await rotations(scene.cloud, 10), 10);
    assert.equal(await scene.page.evaluate(() => window.seen.renders), renders, "renders");
    assert.deepEqual(await scene.states(), states, "states");
    assert.equal((await scene.page.evaluate(() => window.seen.results["users:whoami"])).length, 1);
  });

  for (const client of ["react", "convex", "base"]) {
    scene(`h1_a2 client ${client}: a fetch and a hand-over each`,
      { user, lifetime: 8, page: "vanilla", setting: { client } }, async (scene) => {
        await scene.settled();
        const states = await scene.states();
        assertRotated(await rotations(scene.cloud, 10), 10);
        assert.deepEqual(await scene.states(), states, "states");
      });
  }

  for (const [word, offsetMs] of [["behind", SKEW_MS], ["ahead", -SKEW_MS]]) {
    scene(`c3 (8) a clock five minutes ${word}: refreshed on time, never signed out`,
      { user, lifetime: 8, page: "vanilla", before: ({ cloud }) => cloud.control("clock", { offsetMs }) },
      async (scene) => {
        await scene.settled();
        const log = await rotations(scene.cloud, 5);
        assert.ok(log.hands().every((hand) => hand === user), `${log.hands()}`);
        assert.ok(log.mints().length <= 8, `${log.mints().length} fetches for five rotations`);
        assert.deepEqual(log.convex("AuthError"), []);
        const states = await scene.states();
        const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
        assert.ok(states.slice(since).every(({ isAuthenticated }) => isAuthenticated));
      });
  }
});
