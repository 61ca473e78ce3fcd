// From opening a page to the first answer: who is signed in, how often a token is fetched, and what a page that is held
// back in some way comes to.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";

const SOCKET_CLIENTS = ["react", "convex", "base"];
const user = "user_ada";

/** One fetch, one hand-over, and no query ran but as the user. */
function assertStraight(log, mints = 1) {
  assert.equal(log.mints().length, mints, "fetches");
  assert.deepEqual(log.hands(), [user], "hand-overs");
  assert.deepEqual(log.queries("users:whoami").map(({ user }) => user), [user], "runs of a query");
}

const statuses = async (scene) => [...new Set((await scene.states()).map(({ status }) => status))];

describe("start", { concurrency: 4 }, () => {
  scene("a1_a2_h1 signing in: one fetch, one hand-over, queries run once as the user", {}, async (scene) => {
    const { cloud } = scene;
    await scene.unauthenticated();
    await scene.sees(() => ["users:whoami", "tasks:list"].every((path) => window.seen.results[path]?.length));
    const since = await cloud.mark();
    await scene.signIn(user);
    await scene.settled(user);
    assertStraight(await cloud.log(since));
    assert.deepEqual(await statuses(scene), ["loading", "unauthenticated", "authenticated"]);
  });

  scene("h1_a2 opening a React page with a session: one fetch, one hand-over", { user }, async (scene) => {
    await scene.settled();
    assertStraight(await scene.cloud.log());
    assert.deepEqual(await statuses(scene), ["loading", "authenticated"]);
  });

  scene("i2 (28) StrictMode mounts twice: one bridge, one fetch, one hand-over", { user, setting: { strict: true } },
    async (scene) => {
      await scene.settled();
      assertStraight(await scene.cloud.log());
    });

  for (const client of SOCKET_CLIENTS) {
    scene(`h1_a2 opening a page with a session, client ${client}`, { user, page: "vanilla", setting: { client } },
      async (scene) => {
        await scene.settled();
        assertStraight(await scene.cloud.log());
        assert.deepEqual(await statuses(scene), ["loading", "authenticated"]);
      });

    scene(`h1_b7 (4) a token that Clerk has cached is not fetched again, client ${client}`,
      { user, page: "vanilla", setting: { client, warm: "convex" } }, async (scene) => {
        await scene.settled();
        // The page itself had Clerk mint that one.
        assertStraight(await scene.cloud.log(), 1);
        assert.equal((await scene.events("token.fetched")).length, 1);
      });

    scene(`a3_h7 (3) a signed-out visitor sees public data although auth is expected, client ${client}`,
      { page: "vanilla", setting: { client, clientOptions: { expectAuth: true }, watch: ["public:ping"] } },
      async (scene) => {
        await scene.sees(() => window.seen.results["public:ping"]?.at(-1) === "pong");
        await scene.unauthenticated();
        assert.deepEqual((await scene.cloud.log()).mints(), []);
      });
  }

  scene("a3_h7 (3) the same in React", { setting: { clientOptions: { expectAuth: true }, watch: ["public:ping"] } },
    async (scene) => {
      await scene.sees(() => window.seen.results["public:ping"]?.at(-1) === "pong");
      await scene.unauthenticated();
    });

  scene("a8 a session with tasks to do is not signed in", { user, status: "pending", page: "vanilla" },
    async (scene) => {
      await scene.unauthenticated();
      await scene.sees(() => window.seen.results["users:whoami"]?.length === 1);
      const log = await scene.cloud.log();
      assert.deepEqual(log.mints(), []);
      assert.deepEqual(log.queries("users:whoami").map(({ user }) => user), [null]);
    });

  scene("a1_f2 while Clerk loads after a reload it is told who was here, and no token is fetched",
    { user, page: "vanilla", orgId: "org_acme" }, async (scene) => {
      const { cloud, page } = scene;
      await scene.settled();
      const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
      const token = await page.evaluate(() => window.bridge.getToken({ template: "convex" }));
      assert.ok(!stored.includes(token), "no token is stored");

      await cloud.fault("clerk", "GET /v1/client", "hold", { times: 1 });
      const since = await cloud.mark();
      await page.reload();
      await cloud.until("Clerk asks who this is", (log) => log.filter(({ what }) => what === "GET /v1/client").length, {
        since,
      });
      await scene.sees((user) => window.seen?.states.at(-1)?.remembered === user, user);
      assert.equal((await page.evaluate(() => window.bridge.getSnapshot())).remembered.orgId, "org_acme");
      assert.equal((await page.evaluate(() => window.bridge.getSnapshot())).status, "loading");
      const log = await cloud.log(since);
      assert.deepEqual(log.mints(), []);
      assert.deepEqual(log.runs(), [], "nothing goes out before it is known as whom");
      await cloud.clear();
      await scene.settled();
    });

  scene("i4 a policy without wasm-unsafe-eval is told, and public data is shown",
    { user, page: "vanilla-strict-csp", setting: { watch: ["public:ping"] } }, async (scene) => {
      await scene.unauthenticated();
      const { error, hint } = (await scene.states()).at(-1);
      assert.equal(error, "ERR_WASM_BLOCKED");
      assert.match(hint, /wasm-unsafe-eval/);
      await scene.sees(() => window.seen.results["public:ping"]?.at(-1) === "pong");
    });

  scene("f1 blocked storage is an event, not an obstacle",
    {
      user,
      page: "vanilla",
      before: ({ context }) =>
        context.addInitScript(() => {
          const denied = () => {
            throw new DOMException("Access is denied for this document.", "SecurityError");
          };
          for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: denied });
        }),
    },
    async (scene) => {
      await scene.settled();
      assertStraight(await scene.cloud.log());
      assert.ok((await scene.events("storage.failed")).length > 0);
    });

  scene("b5 (31) a missing template is told with a hint, and mended when it is made",
    { user, page: "vanilla", before: ({ cloud }) => cloud.control("templates", { name: "convex", remove: true }) },
    async (scene) => {
      await scene.sees(() => window.seen?.states.at(-1)?.error === "ERR_TOKEN_TEMPLATE");
      assert.ok((await scene.states()).at(-1).hint);
      assert.equal((await scene.states()).at(-1).userId, user);
      await scene.cloud.control("templates", { name: "convex", claims: { aud: "convex" } });
      await scene.settled();
    });

  scene("b5 (30) a session token whose audience fits is used, and the template is never asked for",
    { user, page: "vanilla", before: ({ cloud }) => cloud.control("tokens", { sessionClaims: { aud: ["convex"] } }) },
    async (scene) => {
      await scene.settled();
      const log = await scene.cloud.log();
      assert.deepEqual(log.mints(), []);
      assert.deepEqual(log.hands(), [user]);
    });
});
