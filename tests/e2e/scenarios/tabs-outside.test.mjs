// Whoever runs on this origin can speak on the channel. What is said there changes nothing that the tab cannot check.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";
import {
  SAID, afterMint, assertGood, assertNeverOut, assertSteady, everywhere, message, open, ranked, stranger,
} from "../harness/tabs.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const vanilla = { user: ada, lifetime: 8, page: "vanilla", setting: { client: "convex" } };

const session = (tab) => tab.page.evaluate(() => window.Clerk.session.id);

/** Tokens are refreshed as if nothing had been said: one fetch for each of two rotations, or so many, and no tab is late. */
async function assertUnmoved({ cloud }, tabs, most = 1) {
  const begun = (await cloud.log()).mints().length;
  const ofEach = (log, mint) => {
    const { at } = log.mints()[mint] ?? { at: Infinity };
    return new Set(log.authenticates().filter((one) => one.at >= at).map(({ detail }) => detail.connection)).size;
  };
  const log = await cloud.until("two rotations", (log) => ofEach(log, begun + 1) >= tabs.length && log, { patienceMs: 40_000 });
  const fetches = log.mints().length - begun;
  assert.ok(fetches <= 2 * most, `${fetches} fetches for two rotations`);
  assert.deepEqual([...new Set(log.hands())], [ada]);
  for (const tab of tabs) assert.deepEqual(await tab.events("panic"), []);
  await assertSteady(tabs);
  await assertGood(tabs, ada);
}

describe("messages from outside", { concurrency: 4 }, () => {
  scene("j1_e2 junk of every shape changes nothing", vanilla, async (scene) => {
    const tabs = await open(scene, 2);
    const { page } = await stranger(scene);
    await page.evaluate((whole) => {
      const long = "x".repeat(1 << 20);
      const odd = [undefined, null, true, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 32, 2 ** 53, 1e300, 1n, "", "\ud800", "\0", long, {}, [], [[]],
        new Date(), new Map([[1, 2]]), new Error("x"), new ArrayBuffer(9), /x/];
      for (const one of odd) {
        channel.postMessage(one);
        channel.postMessage([one]);
        channel.postMessage([whole[0], one]);
        for (let i = 0; i < whole.length; i++) channel.postMessage(whole.with(i, one));
        for (let i = 0; i < whole.length; i++) channel.postMessage(whole.slice(0, i).concat([one]));
      }
      channel.postMessage({ length: 8, ...whole });
      channel.postMessage(whole.concat(Array(100_000).fill(1)));
      channel.postMessage(whole.concat(whole));
    }, message(SAID.token, await session(scene), { token: "x.y.z" }));
    await assertUnmoved(scene, tabs);
  });

  for (const said of [1.5, 2 ** 32 + SAID.token, -(2 ** 32) + SAID.token]) {
    scene(`j1_e3 a message of a kind that is none (${said}), just before a refresh, swallows no token`, vanilla, async (scene) => {
      const tabs = await open(scene, 2);
      const { say } = await stranger(scene);
      await say([message(said, await session(scene), { token: "x.y.z", numbers: [1, 0] })], 250);
      // Who is offered a token whose end cannot be read asks Clerk.
      await assertUnmoved(scene, tabs, tabs.length);
    });
  }

  scene("e2 another version is not understood", vanilla, async (scene) => {
    const tabs = await open(scene, 2);
    const { say } = await stranger(scene);
    const id = await session(scene);
    for (const version of ["clerk-bridge 0", "clerk-bridge 2", "clerk-bridge", "", 1, null]) {
      const { ended, failed, busy, leads } = SAID;
      await say([ended, failed, busy, leads].map((said) => message(said, id, { version })));
    }
    await assertUnmoved(scene, tabs);
  });

  scene("e2_b11 another user's token, and another session's, is not adopted", vanilla, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 2);
    const { say } = await stranger(scene);
    const id = await session(scene);
    const iat = Math.floor(Date.now() / 1000);
    const claims = { aud: "convex", iss: (await cloud.control("state")).issuer, iat, nbf: iat, exp: iat + 3600 };
    const tokens = [
      (await cloud.control("sign", { claims: { ...claims, sub: grace } })).token,
      (await cloud.control("sign", { claims: { ...claims, sub: ada, sid: "sess_other" } })).token,
    ];
    await say(tokens.flatMap((token) => [
      message(SAID.token, id, { token }),
      message(SAID.token, id, { token, numbers: [10, 5] }),
      message(SAID.token, id, { token, template: null }),
      message(SAID.token, "sess_other", { token }),
    ]), 500);
    await assertUnmoved(scene, tabs);
    for (const tab of tabs) {
      const held = await tab.page.evaluate(() => window.bridge.getToken({ template: "convex" }));
      assert.ok(!tokens.includes(held));
    }
  });

  scene("e3 somebody says \"I lead\" and \"I am fetching it\" all the time: refreshed on time all the same", vanilla, async (scene) => {
    const tabs = await open(scene, 3);
    const { say } = await stranger(scene);
    const id = await session(scene);
    await say([message(SAID.leads, id), message(SAID.busy, id)], 100);
    await assertUnmoved(scene, tabs);
  });

  scene("e3_e7 somebody says that nothing can be fetched for weeks, and the leader closes: one back-off step, no more",
    vanilla, async (scene) => {
      const { cloud } = scene;
      const [leader, ...others] = await ranked(await open(scene, 2));
      const { say } = await stranger(scene);
      const id = await session(scene);
      await cloud.fault("clerk", "/tokens/convex", "hold", { times: 1 });
      const since = await cloud.mark();
      await cloud.until("the leader's fetch", (log) => log.mints().length, { since });
      await say([message(SAID.failed, id, { numbers: [2 ** 32 - 1, 503] })], 50);
      await others[0].sees(() => window.seen.events.some(({ type }) => type === "retry.scheduled"));
      await leader.page.close();
      await cloud.until("hand-overs", (log) => log.hands().length >= others.length, { since, patienceMs: 35_000 });
      await everywhere(others, (tab) => tab.authenticated());
      await assertNeverOut(others);
      await assertGood(others, ada);
    });

  scene("e1_c2 somebody wants a token all the time: no fetch before its time", { ...vanilla, lifetime: 60 }, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 2);
    const { say } = await stranger(scene);
    const id = await session(scene);
    await say([0, 1].flatMap((minted) => [null, "x.y.z"].map((token) => message(SAID.want, id, { token, numbers: [minted, 0] }))), 50);
    await afterMint(cloud, 20_000);
    assert.equal((await cloud.log()).mints().length, 1);
    await assertSteady(tabs);
  });

  scene("e2 the end of a session that is nobody's here is nothing to anybody", vanilla, async (scene) => {
    const tabs = await open(scene, 2);
    const { say } = await stranger(scene);
    await say(["sess_other", "", null, `sess_${"x".repeat(1000)}`].map((id) => message(SAID.ended, id, { template: null })), 200);
    await assertUnmoved(scene, tabs);
  });
});
