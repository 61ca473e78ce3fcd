// The tab that fetches for all is frozen: it holds its lock and says nothing. One after the other, since the process to
// stop is found by what it does.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { frozen } from "../harness/processes.mjs";
import { scene } from "../harness/scene.mjs";
import { afterMint, assertGood, assertNeverOut, assertNobody, assertSteady, everywhere, open, ranked } from "../harness/tabs.mjs";

const user = "user_ada";
const vanilla = { user, lifetime: 16, page: "vanilla", setting: { client: "convex" } };

describe("a leader that is frozen", { concurrency: 1 }, () => {
  scene("e3 for two lives of a token: nobody else is late, and it finds a good token when it thaws", vanilla, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 3);
    const [leader, ...others] = await ranked(tabs);
    const since = await cloud.mark();
    const log = await frozen(leader.page, () =>
      cloud.until("two rotations of the others", (log) => log.hands().length >= 2 * others.length && log, { since, patienceMs: 60_000 }),
    );
    assert.equal(log.mints().length, 2, "one for each rotation");
    await assertSteady(others);
    await leader.sees(() => window.seen.states.at(-1).isAuthenticated && !window.seen.states.at(-1).isRefreshing);
    assert.ok((await cloud.log(since)).mints().length <= 3);
    await assertNeverOut(tabs);
    await assertGood(tabs, user);
    // And from then on as before.
    const next = await cloud.mark();
    const rotation = await cloud.until("another", (log) => log.hands().length >= 3 && log, { since: next, patienceMs: 30_000 });
    assert.equal(rotation.mints().length, 1);
  });

  scene("e3 in the middle of a fetch: another makes it, on time", vanilla, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 3);
    const [leader, ...others] = await ranked(tabs);
    await cloud.fault("clerk", "/tokens/convex", "hold", { times: 1 });
    await afterMint(cloud, 8_000);
    const since = await cloud.mark();
    await cloud.until("the leader's fetch", (log) => log.mints().length, { since });
    const log = await frozen(leader.page, () =>
      cloud.until("hand-overs", (log) => log.hands().length >= others.length && log, { since, patienceMs: 20_000 }),
    );
    assert.equal(log.mints().length, 2);
    await assertSteady(others);
    await cloud.clear();
    await everywhere(tabs, (tab) => tab.authenticated());
    await assertGood(tabs, user);
  });

  scene("e6 while another signs out: it is out as soon as it thaws", vanilla, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 3);
    const [leader, ...others] = await ranked(tabs);
    await frozen(leader.page, async () => {
      await others[0].page.evaluate(() => window.bridge.signOut());
      await everywhere(others, (tab) => tab.unauthenticated());
    });
    const at = Date.now();
    await leader.unauthenticated();
    assert.ok((await leader.states()).at(-1).at - at < 1_000);
    await cloud.until("None", (log) => log.hands().filter((hand) => hand === null).length >= 3);
    assertNobody(await cloud.log());
  });
});
