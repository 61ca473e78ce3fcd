// Hasura with nothing but the backend's own calls and graphql-ws: each call and each socket is the user's or nobody's,
// a stale token costs one fetch and no call, and a subscription lives through rotations.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { PAST_EXPIRY, until } from "../harness/cloud.mjs";
import {
  answer, ask, besideWitness, callers, closes, inits, mints, rows, sees, TASKS, watch, WHOAMI,
} from "../harness/graphql.mjs";
import { scene } from "../harness/scene.mjs";
import { Writer } from "../harness/writer.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const page = { page: "hasura" };
const IDS = "{ tasks { id } }";
const NO_TOKEN = { code: 200, body: { object: "token", jwt: null } };

const pending = async (scene, name) =>
  assert.equal(await scene.page.evaluate((name) => window.seen.calls[name], name), "pending", `${name} goes on`);

/** So that time can be made to go by: whatever timer waits in the page fires. */
const TIMERS = { before: ({ page }) => page.clock.install() };

describe("calls to Hasura", { concurrency: 4 }, () => {
  scene("g3 ten calls at once with a stale token: one fetch, ten replays, no error", { user: ada, ...page },
    async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const since = await cloud.mark();
      await cloud.control("clock", PAST_EXPIRY);
      const names = Array.from({ length: 10 }, (_, i) => `call ${i}`);
      await scene.page.evaluate(([names, query]) => names.forEach((name) => window.ask(name, query)), [names, WHOAMI]);
      for (const name of names) {
        assert.equal(await scene.ended(name), "done");
        assert.equal((await answer(scene, name)).whoami.user_id, ada);
      }
      const log = await cloud.log(since);
      assert.equal(mints(log), 1);
      assert.deepEqual(callers(log).sort(), [...Array(10).fill("refused"), ...Array(10).fill(ada)]);
      assert.equal((await scene.states()).at(-1).status, "authenticated");
    });

  scene("g1 signed out: no header at all, over HTTP and on the socket", page, async (scene) => {
    await scene.unauthenticated();
    await ask(scene);
    assert.equal(await scene.ended("whoami"), "done");
    await watch(scene, "live");
    await sees(scene, "live", null);
    // A header that says nothing, such as "Bearer null", would be refused.
    const log = await scene.cloud.log();
    assert.deepEqual([callers(log), inits(log)], [[null], [null]]);
    assert.equal((await answer(scene)).whoami.role, "anonymous");
    assert.equal(mints(log), 0);
  });

  scene("b2_g2 Clerk answers null although somebody is signed in: calls wait, and nothing goes out as nobody",
    { user: ada, ...page, before: ({ cloud }) => cloud.fault("clerk", "/tokens/hasura", "status", NO_TOKEN) },
    async (scene) => {
      const { cloud } = scene;
      await cloud.until("two fetches", (log) => mints(log) > 1);
      await ask(scene);
      await watch(scene, "live");
      await cloud.until("a socket", (log) => log.hasura("Open").length);
      await cloud.clear();
      assert.equal(await scene.ended("whoami"), "done");
      await sees(scene, "live", ada);
      const log = await cloud.log();
      assert.deepEqual([callers(log), inits(log)], [[ada], [ada]]);
    });

  scene("g2_d1 a call of Ada's that waits for a token is neither nobody's nor Grace's", { user: ada, ...page,
    before: ({ cloud }) => cloud.fault("clerk", "/tokens/hasura", "hold", { times: 1 }) }, async (scene) => {
      const { cloud } = scene;
      await cloud.until("Ada's fetch", (log) => mints(log));
      await ask(scene, "of Ada");
      await scene.signIn(grace);
      assert.equal(await scene.ended("of Ada"), "failed: ERR_SIGNED_OUT");
      await cloud.clear();
      await scene.authenticated(grace);
      await ask(scene);
      assert.equal(await scene.ended("whoami"), "done");
      assert.deepEqual(callers(await cloud.log()), [grace]);
    });

  const DENIED = [
    ["access-denied, the template lacks the role", { setting: { hasura: { role: "owner" } } }],
    ["jwt-invalid-claims, the template has none of Hasura's", { claims: {} }],
    ["jwt-missing-role-claims, the template names no roles",
      { claims: { "https://hasura.io/jwt/claims": { "x-hasura-user-id": "{{user.id}}" } } }],
  ];
  for (const [what, { setting, claims }] of DENIED) {
    scene(`h33 ${what}: told with a hint that names the template, asked once`, { user: ada, ...page, setting,
      before: ({ cloud }) => claims && cloud.control("templates", { name: "hasura", claims }) }, async (scene) => {
        const { cloud } = scene;
        await scene.authenticated();
        await ask(scene);
        assert.match(await scene.ended("whoami"), /^failed/);
        await scene.unauthenticated();
        const { error, hint, userId } = (await scene.states()).at(-1);
        assert.deepEqual([error, userId], ["ERR_BACKEND_CONFIG", ada]);
        assert.match(hint, /hasura/);
        const log = await cloud.log();
        assert.deepEqual([callers(log), mints(log)], [["refused"], 1]);
      });
  }

  for (const why of ["JWTIssuedAtFuture", "JWTNotYetValid"]) {
    scene(`h33 ${why}: a short wait and one retry, without a fetch`, { user: ada, ...page }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const since = await cloud.mark();
      const message = `Could not verify JWT: ${why}`;
      await cloud.fault("hasura", "Query whoami", "reject", { message, times: 1 });
      await ask(scene);
      assert.equal(await scene.ended("whoami"), "done");
      const log = await cloud.log(since);
      assert.deepEqual([callers(log), mints(log)], [["refused", ada], 0]);
      const [first, second] = log.hasura("Query whoami").map(({ at }) => at);
      assert.ok(second - first > 500 && second - first < 5000, `tried again after ${second - first} ms`);
    });
  }

  scene("h33_j2 Hasura's clock falls five seconds behind: mended without the user", { user: ada, ...page },
    async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await cloud.control("clock", { offsetMs: -5000 });
      await until("a call succeeds", async () => {
        await ask(scene);
        return (await scene.ended("whoami")) === "done";
      });
      await scene.authenticated();
    });
});

describe("subscriptions", { concurrency: 4 }, () => {
  scene("h31 refused at its start: the next one has a minted token, and the subscription goes on",
    { user: ada, ...page }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const since = await cloud.mark();
      // The sockets are cut when their token expires, and the token that is held is stale.
      await cloud.control("clock", PAST_EXPIRY);
      await watch(scene, "live");
      await sees(scene, "live", ada);
      await pending(scene, "live");
      const log = await cloud.log(since);
      assert.deepEqual([inits(log), mints(log)], [["refused", ada], 1]);
    });

  scene("h31 the same for one that is live when the clock jumps", { user: ada, ...page }, async (scene) => {
    const { cloud } = scene;
    await scene.authenticated();
    await watch(scene, "live");
    await sees(scene, "live", ada);
    const since = await cloud.mark();
    await cloud.control("clock", PAST_EXPIRY);
    await cloud.until("it is back", (log) => log.hasura("Subscription whoami").length, { since });
    await pending(scene, "live");
    const log = await cloud.log(since);
    assert.deepEqual([inits(log), mints(log)], [["refused", ada], 1]);
    assert.equal((await scene.states()).at(-1).status, "authenticated");
  });

  scene("h31 Clerk is away when it starts: connectionParams does not reject, and the subscription follows",
    { user: ada, ...page, before: ({ cloud }) => cloud.fault("clerk", "/tokens/hasura", "drop") }, async (scene) => {
      const { cloud } = scene;
      await cloud.until("a fetch", (log) => mints(log));
      await watch(scene, "live");
      const [ms, params] = await scene.page.evaluate(async () => {
        const begun = performance.now();
        const params = await window.backend.graphqlWs().connectionParams();
        return [performance.now() - begun, params];
      });
      assert.ok(ms < 2600, `settled after ${ms} ms`);
      assert.equal(params.headers?.Authorization, undefined);
      await cloud.until("the first socket is given up", (log) => log.hasura("Close").length);
      await cloud.clear();
      await sees(scene, "live", ada);
      await pending(scene, "live");
      const log = await cloud.log();
      assert.deepEqual(inits(log), [ada], "nothing was said as nobody");
      assert.deepEqual(closes(log).filter((why) => why !== "gone"), []);
    });

  scene("h30_b6_j2 Clerk is away for longer than a token lives: the subscription comes back by itself",
    { user: ada, ...page, lifetime: 5 }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await watch(scene, "live");
      await sees(scene, "live", ada);
      const since = await cloud.mark();
      await cloud.fault("clerk", "/tokens/hasura", "status", { code: 503 });
      await cloud.until("the socket is cut", (log) => closes(log).includes("expired"), { since });
      await scene.sees(() => window.seen.states.at(-1).isRefreshing);
      await cloud.clear();
      await cloud.until("it is back", (log) => log.hasura("Subscription whoami").length, { since, patienceMs: 32_000 });
      await pending(scene, "live");
      assert.deepEqual([...new Set((await scene.states()).map(({ status }) => status))], ["loading", "authenticated"]);
      assert.deepEqual(inits(await cloud.log(since)).filter((who) => who === null), [], "nothing was said as nobody");
    });

  for (const [how, control] of [["closed by the server with 1012", "hasura/close"], ["cut", "hasura/drop"]]) {
    scene(`h30 ${how}: back within half a second, without a fetch`, { user: ada, ...page }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await watch(scene, "live");
      await sees(scene, "live", ada);
      // A socket that lasts less than a second is not made again at once.
      await until("it has lasted", async () => Date.now() - (await rows(scene, "live"))[0].at > 1200);
      const since = await cloud.mark();
      await cloud.control(control, {});
      const log = await cloud.until("it is back", (log) => log.hasura("Subscription whoami").length && log, { since });
      const [gone] = log.hasura("Close");
      const [back] = log.hasura("Subscription whoami");
      assert.ok(back.at - gone.at < 500, `${back.at - gone.at} ms`);
      assert.deepEqual([inits(log), mints(log)], [[ada], 0]);
      await pending(scene, "live");
    });
  }

  scene("h5_h31 refused for good: told within ten seconds, a bounded number of sockets, and back when online",
    { user: ada, ...page, before: ({ cloud }) => cloud.fault("hasura", "^Init$", "reject") }, async (scene) => {
      const { cloud, context } = scene;
      await scene.authenticated();
      const since = Date.now();
      await watch(scene, "live");
      await scene.unauthenticated();
      assert.ok(Date.now() - since < 10_000);
      const { error, userId } = (await scene.states()).at(-1);
      assert.deepEqual([error, userId], ["ERR_BACKEND_REJECTED", ada]);
      const tries = inits(await cloud.log()).length;
      assert.ok(tries >= 2 && tries <= 8, `${tries} sockets`);
      await cloud.clear();
      await context.setOffline(true);
      await context.setOffline(false);
      await sees(scene, "live", ada);
      await pending(scene, "live");
      await scene.authenticated();
    });

  scene("c6_h30 another organisation: one fetch, and the subscription goes on as its member", { user: ada, ...page },
    async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await watch(scene, "live");
      await sees(scene, "live", ada);
      const since = await cloud.mark();
      await scene.activate({ organization: "org_acme" });
      await scene.sees(() => window.seen.rows.at(-1).data.whoami.org_id === "org_acme");
      await pending(scene, "live");
      const log = await cloud.log(since);
      assert.deepEqual([mints(log), inits(log)], [1, [ada]]);
      const states = await scene.states();
      const first = states.findIndex(({ isAuthenticated }) => isAuthenticated);
      assert.ok(states.slice(first).every(({ isAuthenticated }) => isAuthenticated));
    });
});

// The promise is about time, so nothing else runs beside it.
describe("ten rotations of Hasura's tokens", () => {
  scene("h30_b1 ten rotations: no gap of half a second, one socket and one fetch each, one for each template",
    { user: ada, ...page, lifetime: 8, setting: { apis: { same: "hasura", other: "other" } },
      before: ({ cloud }) => cloud.control("templates", { name: "other", lifetimeSeconds: 8 }) }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const stop = await besideWitness(scene, ada, IDS, 150);
      const fetched = () => window.seen.events.filter(({ type }) => type === "token.fetched").length > 21;
      await scene.sees(fetched, undefined, 90_000);
      await cloud.until("the last socket", (log) => inits(log).length > 11);
      const { written, gap } = await stop();
      await pending(scene, "live");
      assert.ok(written.length > 200, `${written.length} rows`);
      assert.ok(gap < 500, `the largest gap is ${gap} ms`);

      const log = await cloud.until("one socket for each token, and the witness's",
        (log) => inits(log).length === mints(log) + 1 && log);
      assert.ok(inits(log).every((who) => who === ada));
      assert.deepEqual([...new Set(closes(log))], ["gone"], "none lived until its token expired");
      assert.ok(Math.abs(mints(log) - log.mints("other").length) <= 1, "one fetch for each template");
      assert.equal((await scene.states()).filter(({ isRefreshing }) => isRefreshing).length, 0);
    });
});

describe("leaving Hasura", { concurrency: 4 }, () => {
  scene("h32 signing out: sockets close, their subscriptions end, and nothing connects again",
    { user: ada, ...page, ...TIMERS }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await watch(scene, "live");
      await watch(scene, "tasks", TASKS);
      await sees(scene, "live", ada);
      const since = await cloud.mark();
      await scene.signOut();
      for (const name of ["live", "tasks"]) assert.equal(await scene.ended(name), "failed: ERR_SIGNED_OUT");
      await cloud.until("the socket is closed", (log) => log.hasura("Close").length, { since });
      await scene.unauthenticated();
      const count = (await scene.page.evaluate(() => window.seen.rows)).length;
      await scene.page.clock.fastForward(60_000);
      await ask(scene);
      assert.equal(await scene.ended("whoami"), "done");
      const log = await cloud.log(since);
      assert.deepEqual(log.hasura("Open"), []);
      assert.deepEqual(callers(log), [null]);
      assert.equal((await scene.page.evaluate(() => window.seen.rows)).length, count, "no more rows");
    });

  scene("h32 signing out while the socket waits for its token", { user: ada, ...page, ...TIMERS,
    before: async (scene) => {
      await TIMERS.before(scene);
      await scene.cloud.fault("clerk", "/tokens/hasura", "hold");
    } }, async (scene) => {
      const { cloud } = scene;
      await cloud.until("a fetch", (log) => mints(log));
      await watch(scene, "live");
      await cloud.until("a socket", (log) => log.hasura("Open").length);
      await scene.signOut();
      assert.equal(await scene.ended("live"), "failed: ERR_SIGNED_OUT");
      await scene.unauthenticated();
      await cloud.clear();
      await cloud.until("the socket is closed", (log) => log.hasura("Close").length);
      const since = await cloud.mark();
      await scene.page.clock.fastForward(60_000);
      await ask(scene);
      assert.equal(await scene.ended("whoami"), "done");
      const log = await cloud.log(since);
      assert.deepEqual([log.hasura("Open"), callers(log)], [[], [null]]);
      assert.deepEqual((await cloud.log()).hasura("Init"), []);
    });

  scene("h32_d3 after a switch Grace sees no row streamed for Ada", { user: ada, ...page }, async (scene) => {
    const { cloud } = scene;
    await scene.authenticated();
    await watch(scene, "of Ada", TASKS);
    await scene.sees(() => window.seen.rows.length);
    const stop = (await Writer.as(cloud, ada)).every(50);
    await scene.sees(() => window.seen.rows.at(-1).data.tasks.length > 5);
    await scene.signIn(grace);
    assert.equal(await scene.ended("of Ada"), "failed: ERR_SIGNED_OUT");
    await scene.authenticated(grace);
    const { at } = (await scene.states()).find(({ userId }) => userId === grace);
    await watch(scene, "of Grace", TASKS);
    await (await Writer.as(cloud, grace)).write("of Grace");
    await scene.sees(() => window.seen.rows.some(({ name, data }) => name === "of Grace" && data.tasks.length));
    await stop();
    const seen = (await rows(scene, "of Grace")).flatMap(({ data }) => data.tasks);
    assert.deepEqual([...new Set(seen.map(({ user_id }) => user_id))], [grace]);
    const late = (await rows(scene, "of Ada")).filter((row) => row.at > at);
    assert.deepEqual(late, [], "Ada's are over before Grace is here");
    const log = await cloud.log();
    assert.deepEqual(inits(log), [ada, grace]);
  });

  scene("a3_h32 a visitor's subscription goes on as the user who signs in", page, async (scene) => {
    await scene.unauthenticated();
    await watch(scene, "live");
    await sees(scene, "live", null);
    await scene.signIn(ada);
    await sees(scene, "live", ada);
    await pending(scene, "live");
  });
});
