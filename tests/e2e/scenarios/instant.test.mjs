// Instant has a session of its own, made once of a user's token: it must be theirs, be made once, and end with them.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { refreshed, shown, shows } from "../harness/board.mjs";
import { until } from "../harness/cloud.mjs";
import { addressed, alive, calls, email, exchanges, sockets, unplug, writes } from "../harness/instant.mjs";
import { scene } from "../harness/scene.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const MINUTE_AND_A_HALF = 90_000;

describe("one exchange", { concurrency: 4 }, () => {
  scene("h10_a2 (1) at the start, and the socket is the user's", addressed({ user: ada }), async (scene) => {
    await scene.authenticated();
    await email(scene, "ada@example.test");
    await scene.cloud.until("a socket of Ada's", (log) => sockets(log).at(-1) === ada);
    const log = await scene.cloud.log();
    assert.deepEqual(calls(log), [["id_token", ada]]);
    const statuses = [...new Set((await scene.states()).map(({ status }) => status))];
    assert.deepEqual(statuses, ["loading", "authenticated"]);
    await scene.add("of Ada");
    assert.equal(await scene.ended("of Ada"), "done");
    await shows(scene, ada, "of Ada");
  });

  scene("h10 (2) ten rotations are no traffic at all, and a row that is being written stays so",
    addressed({ user: ada, lifetime: 8 }), async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await cloud.until("a socket of Ada's", (log) => sockets(log).at(-1) === ada);
      const since = await cloud.mark();
      const states = await scene.states();
      await refreshed(scene, 9, MINUTE_AND_A_HALF);
      await cloud.fault("instant", "transact", "hold", { times: 1 });
      await scene.add("slowly");
      await refreshed(scene, 1);
      assert.deepEqual((await cloud.log(since)).filter(({ service }) => service === "instant").map(({ what }) => what),
        ["transact"]);
      await cloud.clear();
      assert.equal(await scene.ended("slowly"), "done");
      assert.deepEqual(await scene.states(), states, "states");
    });

  scene("h10 a reload and another organisation are no exchange", addressed({ user: ada }), async (scene) => {
    const { cloud } = scene;
    await scene.authenticated();
    const since = await cloud.mark();
    await scene.visit();
    await scene.authenticated();
    await scene.activate({ organization: "org_acme" });
    await scene.sees(() => window.seen.states.at(-1).orgId === "org_acme");
    await scene.authenticated();
    assert.deepEqual(calls(await cloud.log(since)), []);
    await alive(scene, { [ada]: 1 });
  });

  scene("h10_e1 (7) two tabs at once: the second waits for the first one's exchange", addressed({ user: ada, visit: false,
    before: ({ cloud }) => cloud.fault("instant", "oauth/id_token", "hold") }), async (scene) => {
      const { cloud } = scene;
      const [, second] = await Promise.all([scene.visit(), scene.tab()]);
      await cloud.until("an exchange", (log) => exchanges(log).length);
      await until("a tab that waits", () => scene.page.evaluate(async () =>
        (await navigator.locks.query()).pending.some(({ name }) => name.includes("instant"))));
      await cloud.clear();
      await Promise.all([scene.authenticated(), second.authenticated()]);
      await Promise.all([email(scene, "ada@example.test"), email(second, "ada@example.test")]);
      assert.deepEqual(calls(await cloud.log()), [["id_token", ada]]);
      await alive(scene, { [ada]: 1 });
    });

  scene("h10_e1 (7) a tab whose Clerk is slow: it finds the exchange of the other", addressed({ user: ada, visit: false }),
    async (scene) => {
      const second = Object.assign(Object.create(scene), { page: await scene.newPage() });
      const starts = [];
      for (const { page } of [scene, second]) {
        const started = new Promise((resolve) => starts.push(resolve));
        await page.route("**/v1/client?*", async (route) => {
          await started;
          await route.continue();
        });
      }
      await Promise.all([scene.visit(), second.visit()]);
      for (const tab of [scene, second]) await tab.sees(() => window.seen?.states.at(-1).status === "loading");
      starts[0]();
      await scene.authenticated();
      starts[1]();
      await second.authenticated();
      await email(second, "ada@example.test");
      assert.deepEqual(calls(await scene.cloud.log()), [["id_token", ada]]);
      await alive(scene, { [ada]: 1 });
    });
});

/** Ada has a row on the server, and one that could not be sent; answers what mends the connection. */
async function leftUnsent(scene) {
  await scene.authenticated();
  await scene.add("sent by Ada");
  assert.equal(await scene.ended("sent by Ada"), "done");
  await shows(scene, ada, "sent by Ada");
  const plug = await unplug(scene);
  await scene.add("kept by Ada");
  await shows(scene, ada, "kept by Ada", "sent by Ada");
  return plug;
}

/** What Grace writes is all that she is shown, and what Ada left is not written. */
async function graceIsAlone(scene) {
  await scene.add("sent by Grace");
  assert.equal(await scene.ended("sent by Grace"), "done");
  await shows(scene, grace, "sent by Grace");
  assert.deepEqual([...new Set(await shown(scene, grace))], ["sent by Grace"]);
  assert.deepEqual(writes(await scene.cloud.log(), "kept by Ada"), []);
}

describe("switching", { concurrency: 4 }, () => {
  scene("h12_d3 (3) Ada's session is revoked before Grace's is made", addressed({ user: ada }), async (scene) => {
    await scene.authenticated();
    await scene.signIn(grace);
    await scene.authenticated(grace);
    await email(scene, "grace@example.test");
    const log = await scene.cloud.log();
    assert.deepEqual(calls(log), [["id_token", ada], ["signout", ada], ["id_token", grace]]);
    assert.equal(exchanges(log).at(-1).detail.refreshTokenSent, false);
    await alive(scene, { [grace]: 1 });
  });

  scene("h12_d4 (3) where nothing is remembered, a session that is found is revoked before Grace's is made",
    addressed({ user: ada, setting: { bridge: { persist: false } } }), async (scene) => {
      await scene.authenticated();
      await scene.page.goto("about:blank");
      await scene.session(grace);
      await scene.visit();
      await scene.authenticated(grace);
      await email(scene, "grace@example.test");
      assert.deepEqual(calls(await scene.cloud.log()), [["id_token", ada], ["signout", ada], ["id_token", grace]]);
      await alive(scene, { [grace]: 1 });
    });

  scene("d3 what Ada could not send is neither sent nor shown as Grace's", addressed({ user: ada }), async (scene) => {
    const plug = await leftUnsent(scene);
    await scene.signIn(grace);
    await scene.authenticated(grace);
    await plug();
    await graceIsAlone(scene);
  });

  scene("d4_d3 the page is gone before Ada's rows are: Grace gets none of them, at the next start",
    addressed({ user: ada }), async (scene) => {
      const plug = await leftUnsent(scene);
      // Nothing of Instant's is cleared any more.
      await scene.page.evaluate(() => (window.db.auth.signOut = () => new Promise(() => {})));
      await scene.signIn(grace);
      await scene.sees((grace) => window.seen.states.at(-1).userId === grace, grace);
      await scene.visit();
      await scene.authenticated(grace);
      await plug();
      await graceIsAlone(scene);
      await alive(scene, { [grace]: 1 });
    });

  scene("d4 the page is gone while Ada signs out: nothing of hers is there for Grace, who comes later",
    addressed({ user: ada }), async (scene) => {
      const { cloud } = scene;
      const plug = await leftUnsent(scene);
      await scene.page.evaluate(() => (window.db.auth.signOut = () => new Promise(() => {})));
      await scene.signOut();
      await scene.unauthenticated();
      await scene.visit();
      await scene.unauthenticated();
      await email(scene, null);
      await scene.signIn(grace);
      await scene.authenticated(grace);
      await plug();
      await scene.add("sent by Grace");
      assert.equal(await scene.ended("sent by Grace"), "done");
      await shows(scene, grace, "sent by Grace");
      assert.deepEqual(writes(await cloud.log(), "kept by Ada"), []);
      await alive(scene, { [grace]: 1 });
    });
});

describe("signing out", { concurrency: 4 }, () => {
  scene("h11 (4) during the exchange: signed out in the end, and the late session is revoked", addressed({ user: ada,
    before: ({ cloud }) => cloud.fault("instant", "oauth/id_token", "hold", { times: 1 }) }), async (scene) => {
      const { cloud } = scene;
      await cloud.until("the exchange", (log) => exchanges(log).length);
      await alive(scene, { [ada]: 1 });
      await scene.signOut();
      await scene.unauthenticated();
      await cloud.clear();
      await alive(scene, {});
      await email(scene, null);
      await scene.visit();
      await scene.unauthenticated();
      await email(scene, null);
      assert.deepEqual(calls(await cloud.log()), [["id_token", ada], ["signout", ada]]);
    });

  scene("h11_h12 Grace arrives during Ada's exchange: hers alone is left", addressed({ user: ada,
    before: ({ cloud }) => cloud.fault("instant", "oauth/id_token", "hold", { times: 1 }) }), async (scene) => {
      const { cloud } = scene;
      await cloud.until("the exchange", (log) => exchanges(log).length);
      await scene.signIn(grace);
      await scene.sees((grace) => window.seen.states.at(-1).userId === grace, grace);
      await cloud.clear();
      await scene.authenticated(grace);
      await email(scene, "grace@example.test");
      await alive(scene, { [grace]: 1 });
    });

  scene("h15_d5 (8) without the network: local at once, revoked when it is back", addressed({ user: ada }),
    async (scene) => {
      const { cloud, context } = scene;
      await scene.authenticated();
      const since = await cloud.mark();
      await context.setOffline(true);
      await scene.page.evaluate(() => void window.bridge.signOut().catch(() => {}));
      await email(scene, null);
      await scene.unauthenticated();
      await alive(scene, { [ada]: 1 });
      await context.setOffline(false);
      await alive(scene, {});
      assert.deepEqual(calls(await cloud.log(since)).filter(([what]) => what === "id_token"), []);
    });

  scene("h15_d5_f4 (8) without Instant's servers, and over a reload: revoked when they are back, then nothing is kept",
    addressed({ user: ada }), async (scene) => {
      const { cloud, page } = scene;
      await scene.authenticated();
      const session = await page.evaluate(async () => (await window.db.getAuth()).refresh_token);
      const isKept = () => page.evaluate((session) => JSON.stringify(localStorage).includes(session), session);
      assert.equal(await isKept(), false);
      const away = await cloud.fault("instant", "POST /runtime/signout", "drop");
      await scene.signOut();
      await scene.unauthenticated();
      await email(scene, null);
      await cloud.until("a try", (log) => log.instant("signout").length);
      await scene.visit();
      await scene.unauthenticated();
      await alive(scene, { [ada]: 1 });
      assert.equal(await isKept(), true);
      await cloud.clear(away);
      await alive(scene, {});
      await until("nothing is kept", async () => !(await isKept()));
    });

  scene("e2 in one tab: the other is signed out of Instant too", addressed({ user: ada }), async (scene) => {
    await scene.authenticated();
    const second = await scene.tab();
    await second.authenticated();
    await scene.signOut();
    await Promise.all([scene.unauthenticated(), second.unauthenticated()]);
    await Promise.all([email(scene, null), email(second, null)]);
    await alive(scene, {});
    // Both let go at the same moment, so both may revoke the session; the second time it may be dead already.
    const [exchange, ...revocations] = calls(await scene.cloud.log()).filter(([, user]) => user);
    assert.deepEqual(exchange, ["id_token", ada]);
    assert.ok([1, 2].includes(revocations.length), `${revocations}`);
    for (const revocation of revocations) assert.deepEqual(revocation, ["signout", ada]);
  });
});

describe("what Instant refuses", { concurrency: 4 }, () => {
  scene("h13 (5) a session revoked on the server is mended by one exchange, when the socket comes back",
    addressed({ user: ada }), async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await cloud.until("a socket of Ada's", (log) => sockets(log).at(-1) === ada);
      await cloud.control("instant/revoke", { userId: ada });
      await cloud.control("instant/drop", {});
      await cloud.until("an exchange", (log) => exchanges(log).length > 1);
      await scene.authenticated();
      await email(scene, "ada@example.test");
      await scene.add("of Ada");
      assert.equal(await scene.ended("of Ada"), "done");
      assert.deepEqual(calls(await cloud.log()), [["id_token", ada], ["id_token", ada]]);
      await alive(scene, { [ada]: 1 });
      const states = await scene.states();
      const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
      assert.ok(states.slice(since).every(({ isAuthenticated }) => isAuthenticated), "authenticated throughout");
    });

  scene("h13 (5) a session revoked on the server while the page was away is mended by one exchange",
    addressed({ user: ada }), async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await scene.page.goto("about:blank");
      await cloud.control("instant/revoke", { userId: ada });
      await scene.visit();
      await cloud.until("an exchange", (log) => exchanges(log).length > 1);
      await scene.authenticated();
      await email(scene, "ada@example.test");
      assert.deepEqual(calls(await cloud.log()), [["id_token", ada], ["id_token", ada]]);
      await alive(scene, { [ada]: 1 });
    });

  scene("h13 (5) a guest's session that is revoked is forgotten, and one exchange goes without it",
    addressed({ setting: { guest: true } }), async (scene) => {
      const { cloud } = scene;
      await scene.unauthenticated();
      await email(scene, "none");
      await cloud.control("instant/revoke", {});
      await scene.signIn(ada);
      await scene.authenticated(ada);
      const sent = exchanges(await cloud.log()).map(({ detail }) => [detail.refreshTokenSent, detail.refused]);
      assert.deepEqual(sent, [[true, "record-not-found"], [false, null]]);
      await alive(scene, { [ada]: 1 });
    });

  scene("h14 (6) expired on arrival: one forced token, one retry", addressed({ user: ada,
    before: ({ cloud }) => cloud.fault("instant", "oauth/id_token", "reject", { times: 1 }) }), async (scene) => {
      await scene.authenticated();
      const tried = exchanges(await scene.cloud.log());
      assert.deepEqual(tried.map(({ detail }) => detail.refused), ["oauth-error", null]);
      assert.equal(new Set(tried.map(({ detail }) => detail.jti)).size, 2, "another token");
      const statuses = [...new Set((await scene.states()).map(({ status }) => status))];
      assert.deepEqual(statuses, ["loading", "authenticated"]);
    });

  scene("h14_h5 (6) expired time and again: told after one retry, and tried again when online", addressed({ user: ada,
    before: ({ cloud }) => cloud.fault("instant", "oauth/id_token", "reject") }), async (scene) => {
      const { cloud, context } = scene;
      await scene.unauthenticated();
      const last = (await scene.states()).at(-1);
      assert.deepEqual([last.error, last.userId], ["ERR_BACKEND_REJECTED", ada]);
      assert.equal(exchanges(await cloud.log()).length, 2);
      await cloud.clear();
      await context.setOffline(true);
      await context.setOffline(false);
      await scene.authenticated();
    });

  scene("h14 an unknown client name is told with a hint, and not tried again",
    addressed({ user: ada, setting: { instant: { clientName: "clark" } } }), async (scene) => {
      const { cloud, context } = scene;
      await scene.unauthenticated();
      const { error, hint, userId } = (await scene.states()).at(-1);
      assert.deepEqual([error, userId], ["ERR_BACKEND_CONFIG", ada]);
      assert.match(hint, /"clark"/);
      await context.setOffline(true);
      await context.setOffline(false);
      await scene.visit();
      await scene.unauthenticated();
      assert.equal(exchanges(await cloud.log()).length, 2, "once for each start");
    });

  scene("h14 (9) a token without an address: a warning that names the claims", { page: "instant", user: ada }, async (scene) => {
    await scene.authenticated();
    const warnings = await scene.events("backend.warning");
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0].backend, "instant");
    assert.match(JSON.stringify(warnings[0]), /email and email_verified/);
    assert.doesNotMatch(JSON.stringify(await scene.page.evaluate(() => window.seen.events)), /eyJ/, "no token");
  });

  scene("b2_h14 (10) 500, 429 and no network at the exchange: loading all the while, then authenticated",
    addressed({ user: ada, async before({ cloud }) {
      await cloud.fault("instant", "oauth/id_token", "status", { code: 500, times: 1 });
      await cloud.fault("instant", "oauth/id_token", "status", { code: 429, times: 1 });
      await cloud.fault("instant", "oauth/id_token", "drop", { times: 1 });
    } }), async (scene) => {
      await scene.authenticated();
      assert.equal(exchanges(await scene.cloud.log()).length, 4);
      const statuses = [...new Set((await scene.states()).map(({ status }) => status))];
      assert.deepEqual(statuses, ["loading", "authenticated"]);
      await alive(scene, { [ada]: 1 });
    });
});
