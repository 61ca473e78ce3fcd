// Signing out in one tab is signing out in all that are in that session: at once, whatever Clerk's own signal does, and
// whatever is being fetched. Tabs in another session are left alone.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { scene } from "../harness/scene.mjs";
import {
  SAID, assertGood, assertNobody, assertSteady, everywhere, message, muteClerk, open, ranked, stranger,
} from "../harness/tabs.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const LIFE = 8;
const vanilla = { user: ada, lifetime: LIFE, page: "vanilla", setting: { client: "convex" } };
const muted = { ...vanilla, before: ({ context }) => context.addInitScript(muteClerk) };

const WAYS = {
  "bridge.signOut()": () => void window.bridge.signOut().catch(() => {}),
  "Clerk.signOut()": () => void window.Clerk.signOut().catch(() => {}),
};

/** Signs out in a tab; answers when. */
const leave = (tab, way) => tab.page.evaluate(`(() => { const at = Date.now(); (${WAYS[way]})(); return at; })()`);

/** When a tab was signed out last. */
const leftAt = async (tab) => (await tab.states()).findLast(({ status }, i, states) => status === "unauthenticated" && states[i - 1]?.status !== status).at;

/** For as long as a token lives nobody comes back, in any tab, and the server knows nobody. */
async function assertStayOut({ cloud }, tabs, since) {
  await pause(LIFE * 1000);
  for (const tab of tabs) assert.equal((await tab.states()).at(-1).status, "unauthenticated");
  assert.deepEqual((await cloud.log(since)).hands().filter((hand) => hand !== null), [], "nobody is handed over");
  assertNobody(await cloud.log());
}

describe("leaving, in many tabs", { concurrency: 4 }, () => {
  for (const way of Object.keys(WAYS)) {
    scene(`e2 ${way} reaches the others within a second, and Clerk's own signal does not come at all`, muted, async (scene) => {
      const { cloud } = scene;
      const tabs = await open(scene, 3);
      await everywhere(tabs, (tab) => tab.settled());
      const at = await leave(tabs[1], way);
      await everywhere(tabs, (tab) => tab.unauthenticated());
      const first = await leftAt(tabs[1]);
      for (const tab of tabs) {
        const late = (await leftAt(tab)) - first;
        assert.ok(late < 1000, `${late} ms after the tab that signs out`);
      }
      assert.ok(first - at < 3000);
      const since = await cloud.mark();
      await assertStayOut(scene, tabs, since);
    });

    scene(`e6 ${way} while another tab's refresh is in flight: out everywhere, and it stays so`, muted, async (scene) => {
      const { cloud } = scene;
      const tabs = await ranked(await open(scene, 3));
      const fault = await cloud.fault("clerk", "/tokens/convex", "hold");
      await cloud.until("the leader's fetch", (log) => log.mints().some(({ detail }) => detail.fault));
      await leave(tabs[1], way);
      await everywhere(tabs, (tab) => tab.unauthenticated());
      const since = await cloud.mark();
      await cloud.clear(fault);
      await assertStayOut(scene, tabs, since);
    });

    scene(`e6 ${way} while another tab's refresh is in flight, offline: out everywhere, and the server is told as soon as it can be`,
      muted, async (scene) => {
        const { cloud, context } = scene;
        const tabs = await ranked(await open(scene, 3));
        const fault = await cloud.fault("clerk", "/tokens/convex", "hold");
        await cloud.until("the leader's fetch", (log) => log.mints().some(({ detail }) => detail.fault));
        const since = await cloud.mark();
        await context.setOffline(true);
        await leave(tabs[1], way);
        await everywhere(tabs, (tab) => tab.unauthenticated());
        await cloud.clear(fault);
        // The promise is about time: within a token's life every timer that was left armed fires.
        await pause(LIFE * 1000);
        for (const tab of tabs) assert.equal((await tab.states()).at(-1).status, "unauthenticated");
        assert.deepEqual((await cloud.log(since)).hands().filter((hand) => hand !== null), []);
        await context.setOffline(false);
        const log = await cloud.until("None from each", (log) => log.hands().length >= 3 && log, { since });
        assert.deepEqual(log.hands().slice(0, 3), [null, null, null]);
        assert.equal((await tabs[1].states()).at(-1).status, "unauthenticated");
      });
  }

  for (const count of [1, 3]) {
    scene(`e2 a mistaken end, ${count} tabs: who still shows the session in Clerk asks once, after two seconds, and is back`,
      { ...vanilla, lifetime: 60 }, async (scene) => {
        const { cloud } = scene;
        const tabs = await open(scene, count);
        await everywhere(tabs, (tab) => tab.settled());
        const since = await cloud.mark();
        const { say } = await stranger(scene);
        await say([message(SAID.ended, await scene.page.evaluate(() => window.Clerk.session.id), { template: null })]);
        await everywhere(tabs, (tab) => tab.unauthenticated());
        await everywhere(tabs, (tab) => tab.authenticated());
        for (const tab of tabs) {
          const states = await tab.states();
          const out = states.find(({ status }, i) => i && status === "unauthenticated").at;
          const back = states.findLast(({ isAuthenticated }, i, all) => isAuthenticated && !all[i - 1].isAuthenticated).at;
          assert.ok(back - out > 1900 && back - out < 4500, `back after ${back - out} ms`);
        }
        const log = await cloud.log(since);
        assert.ok(log.sessionMints().length >= 1 && log.sessionMints().length <= count, `${log.sessionMints().length} mints`);
        await assertGood(tabs, ada);
      });
  }

  scene("e2_j2 a mistaken end while Clerk takes three seconds: back within a back-off step of another tab that lives",
    { ...vanilla, lifetime: 60 }, async (scene) => {
      const { cloud } = scene;
      const tabs = await open(scene, 2);
      await everywhere(tabs, (tab) => tab.settled());
      await cloud.fault("clerk", "/tokens", "late", { ms: 3000 });
      const since = await cloud.mark();
      const { say } = await stranger(scene);
      await say([message(SAID.ended, await scene.page.evaluate(() => window.Clerk.session.id), { template: null })]);
      await cloud.until("late answers", (log) => log.sessionMints().filter(({ detail }) => detail.status).length >= 2, { since });
      await cloud.clear();
      // An answer that late might be that of a Clerk that was offline: it counts for nothing, as long as nobody says otherwise.
      tabs.push(await scene.tab());
      await everywhere(tabs, (tab) => tab.sees(() => window.seen?.states.at(-1)?.isAuthenticated, undefined, 40_000));
      await assertGood(tabs, ada);
    });

  scene("e2_j2 a sign-out that Clerk refuses: back in, in every tab that has the session still", { ...vanilla, lifetime: 60 }, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 3);
    await cloud.fault("clerk", "DELETE /v1/client/sessions", "status", { code: 503 });
    await leave(tabs[0], "bridge.signOut()");
    await tabs[0].sees(() => window.seen.events.some(({ type }) => type === "signed-out"));
    await cloud.clear();
    // Where its sign-out has failed Clerk shows neither a session nor none, until the page is loaded again. The others do
    // not wait for that tab, though it may lead. One back-off step:
    const [first, ...others] = tabs;
    await everywhere(others, (tab) => tab.sees(() => window.seen.states.at(-1).isAuthenticated, undefined, 40_000));
    await assertGood(others, ada);
    await first.page.reload();
    await first.authenticated();
    await assertGood(tabs, ada);
  });

  scene("e2 a session that Clerk's server has ended is not asked back to life", muted, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 2);
    await leave(tabs[0], "bridge.signOut()");
    await everywhere(tabs, (tab) => tab.unauthenticated());
    const since = await cloud.mark();
    await tabs[1].sees(() => window.Clerk.session === null);
    await assertStayOut(scene, tabs, since);
    const asked = (await cloud.log(since)).filter(({ service, what }) => service === "clerk" && what.includes("/tokens"));
    assert.ok(asked.length <= 2, `${asked.length} fetches`);
  });

  scene("e2 tabs on different sessions of one browser leave each other alone", vanilla, async (scene) => {
    const { cloud } = scene;
    const [first, second] = await open(scene, 2);
    await second.signIn(grace);
    await second.authenticated(grace);
    const since = await cloud.mark();
    const log = await cloud.until("two rotations of each", (log) => log.hands().length >= 4 && log, { since, patienceMs: 30_000 });
    assert.deepEqual([...new Set(log.hands())].toSorted(), [ada, grace]);
    await assertSteady([first]);
    await assertGood([first], ada);
    await assertGood([second], grace);
    await second.page.evaluate(() => window.Clerk.signOut({ sessionId: window.Clerk.session.id }));
    await pause(LIFE * 1000);
    await assertSteady([first]);
    await assertGood([first], ada);
    assert.ok((await first.states()).every(({ userId }) => userId === null || userId === ada));
  });

  scene("e2 a switch of the user in one tab is a switch of that session alone", { ...vanilla, lifetime: 60 }, async (scene) => {
    const { cloud } = scene;
    const [first, second] = await open(scene, 2);
    await second.signIn(grace);
    await second.authenticated(grace);
    for (const tab of [first, second]) await tab.page.evaluate(() => window.bridge.getToken({ template: "convex" }));
    await assertGood([first], ada);
    await assertGood([second], grace);
    const mints = (await cloud.log()).mints();
    assert.deepEqual(mints.map(({ user }) => user), [ada, grace]);
  });
});
