// Whoever runs on this origin can speak on the channel. What is said there changes nothing that the tab cannot check.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";
import { afterMint, assertGood, assertNeverOut, assertSteady, everywhere, open, ranked } from "../harness/tabs.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const vanilla = { user: ada, lifetime: 8, page: "vanilla", setting: { client: "convex" } };
const VERSION = "clerk-bridge 1";
/** What is said, by number. */
const [WANT, TOKEN, FAILED, LEADS, ENDED, BUSY] = [0, 1, 2, 3, 4, 5];

/** A page of the same origin without a bridge; `say` posts messages from it, again and again if asked to. */
async function stranger({ context, cloud }) {
  const page = await context.newPage();
  await page.goto(`${cloud.url}/__control/state`);
  await page.evaluate(() => void (window.channel = new BroadcastChannel("clerk-bridge")));
  return {
    page,
    say: (messages, everyMs) =>
      page.evaluate(([messages, everyMs]) => {
        const say = () => messages.forEach((message) => window.channel.postMessage(message));
        say();
        if (everyMs) setInterval(say, everyMs);
      }, [messages, everyMs]),
  };
}

const session = (tab) => tab.page.evaluate(() => window.Clerk.session.id);

/** Tokens are refreshed as if nothing had been said: one fetch for each of two rotations, in every tab. */
async function assertUnmoved({ cloud }, tabs) {
  const begun = (await cloud.log()).mints().length;
  const ofEach = (log, mint) => {
    const { at } = log.mints()[mint] ?? { at: Infinity };
    return new Set(log.authenticates().filter((one) => one.at >= at).map(({ detail }) => detail.connection)).size;
  };
  const log = await cloud.until("two rotations", (log) => ofEach(log, begun + 1) >= tabs.length && log, { patienceMs: 40_000 });
  assert.equal(log.mints().length, begun + 2);
  assert.deepEqual([...new Set(log.hands())], [ada]);
  for (const tab of tabs) assert.deepEqual(await tab.events("panic"), []);
  await assertSteady(tabs);
  await assertGood(tabs, ada);
}

describe("messages from outside", { concurrency: 4 }, () => {
  scene("j1_e2 junk of every shape changes nothing", vanilla, async (scene) => {
    const tabs = await open(scene, 2);
    const { page } = await stranger(scene);
    await page.evaluate(([version, session]) => {
      const long = "x".repeat(1 << 20);
      const odd = [undefined, null, true, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 32, 2 ** 53, 1e300, 1n, "", "\ud800", "\0", long, {}, [], [[]],
        new Date(), new Map([[1, 2]]), new Error("x"), new ArrayBuffer(9), /x/];
      const whole = [version, 1, session, null, "convex", "x.y.z", 0, 0];
      for (const one of odd) {
        channel.postMessage(one);
        channel.postMessage([one]);
        channel.postMessage([version, one]);
        for (let i = 0; i < whole.length; i++) channel.postMessage(whole.with(i, one));
        for (let i = 0; i < whole.length; i++) channel.postMessage(whole.slice(0, i).concat([one]));
      }
      channel.postMessage({ length: 8, ...whole });
      channel.postMessage(whole.concat(Array(100_000).fill(1)));
      channel.postMessage(whole.concat(whole));
    }, [VERSION, await session(scene)]);
    await assertUnmoved(scene, tabs);
  });

  for (const said of [1.5, 2 ** 32 + TOKEN, -(2 ** 32) + TOKEN]) {
    scene(`j1_e3 a message of a kind that is none (${said}), just before a refresh, swallows no token`, vanilla, async (scene) => {
      const tabs = await open(scene, 2);
      const { say } = await stranger(scene);
      await say([[VERSION, said, await session(scene), null, "convex", "x.y.z", 1, 0]], 250);
      await assertUnmoved(scene, tabs);
    });
  }

  scene("e2 another version is not understood", vanilla, async (scene) => {
    const tabs = await open(scene, 2);
    const { say } = await stranger(scene);
    const id = await session(scene);
    for (const version of ["clerk-bridge 0", "clerk-bridge 2", "clerk-bridge", "", 1, null]) {
      await say([ENDED, FAILED, BUSY, LEADS].map((said) => [version, said, id, null, "convex", null, 0, 0]));
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
      [VERSION, TOKEN, id, null, "convex", token, 0, 0],
      [VERSION, TOKEN, id, null, "convex", token, 10, 5],
      [VERSION, TOKEN, id, null, null, token, 0, 0],
      [VERSION, TOKEN, "sess_other", null, "convex", token, 0, 0],
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
    await say([LEADS, BUSY].map((said) => [VERSION, said, id, null, "convex", null, 0, 0]), 100);
    await assertUnmoved(scene, tabs);
  });

  scene("e3_e7 somebody says that nothing can be fetched for weeks, and the leader closes: refreshed on time all the same",
    vanilla, async (scene) => {
      const { cloud } = scene;
      const [leader, ...others] = await ranked(await open(scene, 2));
      const { say } = await stranger(scene);
      const id = await session(scene);
      await cloud.fault("clerk", "/tokens/convex", "hold", { times: 1 });
      const since = await cloud.mark();
      await cloud.until("the leader's fetch", (log) => log.mints().length, { since });
      await say([[VERSION, FAILED, id, null, "convex", null, 2 ** 32 - 1, 503]], 50);
      await others[0].sees(() => window.seen.events.some(({ type }) => type === "retry.scheduled"));
      await leader.page.close();
      await cloud.until("hand-overs", (log) => log.hands().length >= others.length, { since, patienceMs: 20_000 });
      await everywhere(others, (tab) => tab.authenticated());
      await assertNeverOut(others);
      await assertGood(others, ada);
    });

  scene("e1_c2 somebody wants a token all the time: no fetch before its time", { ...vanilla, lifetime: 60 }, async (scene) => {
    const { cloud } = scene;
    const tabs = await open(scene, 2);
    const { say } = await stranger(scene);
    const id = await session(scene);
    await say([0, 1].flatMap((minted) => [null, "x.y.z"].map((has) => [VERSION, WANT, id, null, "convex", has, minted, 0])), 50);
    await afterMint(cloud, 20_000);
    assert.equal((await cloud.log()).mints().length, 1);
    await assertSteady(tabs);
  });

  scene("e2 the end of a session that is nobody's here is nothing to anybody", vanilla, async (scene) => {
    const tabs = await open(scene, 2);
    const { say } = await stranger(scene);
    await say(["sess_other", "", null, "sess_" + "x".repeat(1000)].map((id) => [VERSION, ENDED, id, null, null, null, 0, 0]), 200);
    await assertUnmoved(scene, tabs);
  });
});
