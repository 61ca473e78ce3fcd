// Triplit keeps rows on this device and one socket to its server: the socket must outlive tokens, and the rows must never
// outlive their owner.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { refreshed, shown, shows } from "../harness/board.mjs";
import { until } from "../harness/cloud.mjs";
import { scene } from "../harness/scene.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const page = { page: "triplit", triplit: {} };
const LIFE = 8;
const MINUTE_AND_A_HALF = 90_000;

/** The client has let go of its session. */
const isOut = (scene) => scene.sees(() => window.client.connectionStatus !== "OPEN" && !window.client.token);
const isOpen = (scene) => scene.sees(() => window.client.connectionStatus === "OPEN");
const sessionErrors = (scene) => scene.page.evaluate(() => window.seen.results["session error"] ?? []);
const lives = async (scene) => Number(await scene.page.evaluate(() => window.client.decodedToken.exp)) * 1000;
const past = (time) => until("its time has run out", () => Date.now() > time);
/** Clerk mints nothing for now. */
const holdTokens = ({ cloud }) => cloud.fault("clerk", "/tokens$", "hold");

/** Writes a row and waits until it is on the server. */
async function send(scene, text) {
  await scene.add(text);
  await scene.triplit.until(`${text} is written`, (log) => log.written().some(([, written]) => written === text));
}

/** What is on this device, whoever asks. */
const kept = (scene) =>
  scene.page.evaluate(async () =>
    (await window.client.fetch(window.client.query("tasks"), { policy: "local-only" })).map(({ text }) => text).sort());

/** Once authenticated, authenticated throughout. */
function assertStayed(states) {
  const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
  assert.ok(states.slice(since).every(({ isAuthenticated }) => isAuthenticated), JSON.stringify(states));
}

/** Nothing of Ada's reached the server as Grace, and Grace was shown nothing but her own. */
async function assertApart(scene, texts) {
  const log = await scene.triplit.log();
  assert.deepEqual(log.written().filter(([user, text]) => user === grace && !texts.includes(text)), []);
  assert.deepEqual([...new Set(await shown(scene, grace))].filter((text) => !texts.includes(text)), []);
  const arrival = log.entries.find(({ type, sub }) => type === "socket.open" && sub === grace);
  const late = log.entries.filter(({ seq, type, sub }) => seq > arrival.seq && sub === ada && /write|open|update/.test(type));
  assert.deepEqual(late, [], "nothing as Ada once Grace is there");
}

/** Ada has a row that the server has not got; the cable stays cut. */
async function leftUnsent(scene) {
  const { triplit } = scene;
  triplit.cable.cut();
  await triplit.until("it is cut", (log) => log.of("socket.close").length);
  await scene.add("kept by Ada");
}

/** From now on clearing begins and never ends. */
const clearsForEver = (scene) =>
  scene.page.evaluate(() => (window.client.clear = () => new Promise(() => (window.clearing = true))));

/** What Grace writes is all there is of rows, on this device and as her. */
async function graceIsAlone(scene) {
  await send(scene, "sent by Grace");
  await shows(scene, grace, "sent by Grace");
  await assertApart(scene, ["sent by Grace"]);
  assert.deepEqual(await kept(scene), ["sent by Grace"]);
}

describe("one socket", { concurrency: 4 }, () => {
  scene("h20_a2 (1) ten rotations: ten posts, one socket, no session error", { user: ada, lifetime: LIFE, ...page },
    async (scene) => {
      const { triplit } = scene;
      await scene.authenticated();
      await send(scene, "first");
      const states = await scene.states();
      await triplit.until("ten updates", (log) => log.of("token.update").length >= 10, { patienceMs: MINUTE_AND_A_HALF });
      await send(scene, "last");
      await shows(scene, ada, "first", "last");
      const log = await triplit.log();
      const updates = log.of("token.update");
      assert.deepEqual(updates.map(({ sub, status }) => [sub, status]), Array(updates.length).fill([ada, 200]));
      assert.ok(updates.length <= 11, `${updates.length} updates`);
      assert.deepEqual([log.opened(), log.of("socket.close"), await sessionErrors(scene)], [[ada], [], []]);
      assert.deepEqual(await scene.states(), states, "states");
    });

  scene("i2 (10) a bridge that is made, disposed of and made again opens one", { user: ada, ...page,
    setting: { remounts: true } }, async (scene) => {
      await scene.authenticated();
      await isOpen(scene);
      await send(scene, "of Ada");
      assert.deepEqual((await scene.triplit.log()).opened(), [ada]);
    });

  scene("h21 a dropped socket comes back, and what was written meanwhile is sent", { user: ada, ...page },
    async (scene) => {
      const { triplit } = scene;
      await scene.authenticated();
      await send(scene, "before");
      triplit.cable.cut();
      await triplit.until("it is cut", (log) => log.of("socket.close").length);
      await scene.add("meanwhile");
      triplit.cable.mend();
      await triplit.until("the row", (log) => log.written().some(([, text]) => text === "meanwhile"));
      await shows(scene, ada, "before", "meanwhile");
      assert.deepEqual(await sessionErrors(scene), []);
      assertStayed(await scene.states());
    });

  scene("b6_h21 (2) Clerk is away past the token's end: nothing is ended or cleared, and it comes back by itself",
    { user: ada, lifetime: LIFE, ...page }, async (scene) => {
      const { cloud, triplit } = scene;
      await scene.authenticated();
      await send(scene, "before");
      await cloud.fault("clerk", "/tokens$", "drop");
      triplit.cable.cut();
      await past(await lives(scene));
      await scene.add("meanwhile");
      await shows(scene, ada, "before", "meanwhile");
      await cloud.clear();
      triplit.cable.mend();
      await triplit.until("the row", (log) => log.written().some(([, text]) => text === "meanwhile"));
      await scene.authenticated();
      await isOpen(scene);
      await shows(scene, ada, "before", "meanwhile");
    });

  scene("h21_c4 (3) the page sleeps past the token's end while the socket drops: it comes back",
    { user: ada, lifetime: LIFE, ...page }, async (scene) => {
      const { cloud, triplit } = scene;
      await scene.authenticated();
      await send(scene, "before");
      const end = await lives(scene);
      // A page that waits for an answer in this way does nothing else.
      await cloud.fault("api", "whoami", "hold");
      const asleep = scene.page.evaluate(() => {
        const request = new XMLHttpRequest();
        request.open("GET", "/__api/whoami", false);
        request.send();
      });
      await cloud.until("it sleeps", (log) => log.api("whoami").length);
      triplit.cable.cut();
      await past(end + 1000);
      triplit.cable.mend();
      await cloud.clear();
      await asleep;
      await send(scene, "after");
      await isOpen(scene);
      await scene.authenticated();
      await shows(scene, ada, "after", "before");
    });

  scene("h21 (3) a socket that comes back with a token that has run out is refused: one new session",
    { user: ada, lifetime: LIFE, ...page }, async (scene) => {
      const { cloud, triplit } = scene;
      await scene.authenticated();
      await send(scene, "before");
      const end = await lives(scene);
      await holdTokens(scene);
      await past(end + 1000);
      const { last } = await triplit.log();
      triplit.cable.drop();
      const refused = (log) => log.of("socket.close").some(({ reason }) => /UNAUTHORIZED/.test(reason));
      await triplit.until("a refusal", refused, { since: last });
      await cloud.clear();
      await send(scene, "after");
      await scene.authenticated();
      await isOpen(scene);
      await shows(scene, ada, "after", "before");
      assert.deepEqual((await triplit.log(last)).opened(), [ada, ada]);
      assertStayed(await scene.states());
    });

  scene("h21 (9) updates that fail unseen: the session's end is noticed, and another is begun",
    { user: ada, lifetime: LIFE, ...page }, async (scene) => {
      const { triplit } = scene;
      await scene.authenticated();
      const end = await lives(scene);
      const refusal = { status: 401, headers: { "access-control-allow-origin": "*" } };
      await scene.context.route("**/update-token", (route) => route.fulfill(refusal));
      await past(end + 1000);
      await scene.add("after");
      await scene.sees(() => window.seen.results["session error"]?.length);
      assert.deepEqual(await sessionErrors(scene), ["TOKEN_EXPIRED"]);
      await triplit.until("a second socket takes the row", (log) =>
        log.of("write").some(({ socket, changes }) => socket > 1 && JSON.stringify(changes).includes("after")));
      await scene.authenticated();
      assert.deepEqual((await triplit.log()).of("token.update"), []);
    });

  scene("h21_h5 (7) the server has another key: told, with two sockets at most, and tried again when online",
    { user: ada, ...page, triplit: { foreign: true } }, async (scene) => {
      const { triplit, context } = scene;
      await scene.unauthenticated();
      const { error, userId } = (await scene.states()).at(-1);
      assert.deepEqual([error, userId], ["ERR_BACKEND_REJECTED", ada]);
      const { last } = await triplit.log();
      assert.equal((await triplit.log()).opened().length, 2);
      await context.setOffline(true);
      await context.setOffline(false);
      await triplit.until("another try", (log) => log.opened().length, { since: last });
    });
});

describe("leaving", { concurrency: 4 }, () => {
  scene("h22_d3 (4) from Ada to Grace, with rows of Ada's that were not sent", { user: ada, ...page }, async (scene) => {
    const { triplit } = scene;
    await scene.authenticated();
    await send(scene, "sent by Ada");
    await leftUnsent(scene);
    await shows(scene, ada, "kept by Ada", "sent by Ada");
    await scene.signIn(grace);
    await scene.sees((grace) => window.seen.states.at(-1).userId === grace, grace);
    triplit.cable.mend();
    await scene.authenticated(grace);
    await graceIsAlone(scene);
  });

  scene("d4_d3 (4) the page is gone before Ada's rows are: Grace gets none of them, at the next start",
    { user: ada, ...page }, async (scene) => {
      const { triplit } = scene;
      await scene.authenticated();
      await leftUnsent(scene);
      await shows(scene, ada, "kept by Ada");
      await clearsForEver(scene);
      await scene.signIn(grace);
      await scene.sees(() => window.clearing);
      triplit.cable.mend();
      await scene.visit();
      await scene.authenticated(grace);
      await graceIsAlone(scene);
    });

  scene("d4 the page is gone while Ada signs out: nothing of hers is there for Grace, who comes later",
    { user: ada, ...page }, async (scene) => {
      const { triplit } = scene;
      await scene.authenticated();
      await leftUnsent(scene);
      await shows(scene, ada, "kept by Ada");
      await clearsForEver(scene);
      await scene.signOut();
      await scene.sees(() => window.clearing);
      await scene.visit();
      await scene.unauthenticated();
      triplit.cable.mend();
      await scene.signIn(grace);
      await scene.authenticated(grace);
      await graceIsAlone(scene);
    });

  scene("d3 what of Ada's cannot be cleared keeps Grace out, and says so", { user: ada, ...page }, async (scene) => {
    await scene.authenticated();
    await send(scene, "sent by Ada");
    await scene.page.evaluate(() => (window.client.clear = () => Promise.reject(new Error("the disk is on fire"))));
    await scene.signIn(grace);
    await scene.sees((grace) => {
      const { userId, error } = window.seen.states.at(-1);
      return userId === grace && error;
    }, grace);
    assert.deepEqual((await scene.triplit.log()).opened(), [ada]);
    assert.deepEqual(await shown(scene, grace), []);
  });

  scene("h22_d1 (5) a newer token of Ada's that comes late is not used for Grace", { user: ada, ...page },
    async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await cloud.fault("clerk", "/tokens$", "hold", { times: 1 });
      const since = await cloud.mark();
      await scene.page.evaluate(() => void window.bridge.getToken({ forceRefresh: true }).catch(() => {}));
      await cloud.until("a fetch", (log) => log.sessionMints().length, { since });
      await scene.signIn(grace);
      await scene.authenticated(grace);
      await cloud.clear();
      await cloud.until("Ada's answer", (log) => log.sessionMints().every(({ detail }) => detail.status), { since });
      await send(scene, "sent by Grace");
      await assertApart(scene, ["sent by Grace"]);
      assert.equal(await scene.page.evaluate(() => window.client.decodedToken.sub), grace);
    });

  scene("h22 with clearOnSignOut false the rows stay for their owner, and go before another user comes",
    { user: ada, ...page, setting: { triplit: { clearOnSignOut: false } } }, async (scene) => {
      await scene.authenticated();
      await send(scene, "of Ada");
      await scene.signOut();
      await scene.unauthenticated();
      await isOut(scene);
      assert.deepEqual(await kept(scene), ["of Ada"]);
      await scene.visit();
      await scene.unauthenticated();
      await scene.signIn(grace);
      await scene.authenticated(grace);
      await shows(scene, grace);
      assert.deepEqual(await kept(scene), []);
      assert.deepEqual(await shown(scene, grace), []);
    });

  scene("h22_e2_e5 (8) signing out in one tab: the second lets go too, and a third finds no rows", { user: ada, ...page },
    async (scene) => {
      await scene.authenticated();
      await send(scene, "of Ada");
      const second = await scene.tab();
      await second.authenticated();
      await shows(second, ada, "of Ada");
      await scene.signOut();
      await Promise.all([scene.unauthenticated(), second.unauthenticated()]);
      for (const tab of [scene, second]) {
        await isOut(tab);
        await shows(tab, null);
      }
      assert.equal((await second.events("backend.detached")).length, 1);
      const third = await scene.tab();
      await third.unauthenticated();
      assert.deepEqual(await kept(third), []);
    });

  scene("h23_c6 (6) from one organisation to another: a new session, and only the new one's rows",
    { user: ada, orgId: "org_acme", ...page }, async (scene) => {
      const { triplit } = scene;
      await scene.authenticated();
      await send(scene, "of Acme");
      await shows(scene, ada, "of Acme");
      const { last } = await triplit.log();
      await scene.activate({ organization: "org_globex" });
      await scene.sees(() => window.seen.states.at(-1).orgId === "org_globex");
      await triplit.until("a new session", (log) => log.accepted().length, { since: last });
      await scene.authenticated();
      await shows(scene, ada);
      await send(scene, "of Globex");
      await shows(scene, ada, "of Globex");
      assert.deepEqual(await kept(scene), ["of Globex"]);
      assert.deepEqual((await triplit.log(last)).opened(), [ada]);
      await scene.activate({ organization: "org_acme" });
      await shows(scene, ada, "of Acme");
    });

  scene("h23_c6 (6) the old organisation's rows go at once, not when the server comes back",
    { user: ada, orgId: "org_acme", ...page }, async (scene) => {
      const { triplit } = scene;
      await scene.authenticated();
      await send(scene, "of Acme");
      triplit.cable.cut();
      await triplit.until("it is cut", (log) => log.of("socket.close").length);
      await scene.add("kept by Acme");
      await scene.activate({ organization: "org_globex" });
      await until("the rows are gone", async () => (await kept(scene)).length === 0);
      await scene.sees(() => window.seen.results.tasks.at(-1).texts.length === 0);
      triplit.cable.mend();
      await scene.authenticated();
      await send(scene, "of Globex");
      await shows(scene, ada, "of Globex");
      assert.deepEqual((await triplit.log()).written().map(([, text]) => text), ["of Acme", "of Globex"]);
    });
});
