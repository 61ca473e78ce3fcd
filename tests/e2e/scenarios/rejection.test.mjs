// The server refuses a token: another is fetched and handed over while the user stays signed in, and after three tries
// the refusal is told.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";

const user = "user_ada";

const KINDS = [
  ["the React page", { page: "react" }],
  ["client react", { page: "vanilla", setting: { client: "react" } }],
  ["client convex", { page: "vanilla", setting: { client: "convex" } }],
  ["client base", { page: "vanilla", setting: { client: "base" } }],
];

/** Each start of refreshing is followed by its end, and the user is signed in throughout. */
function assertPaired(states) {
  const flags = states.map(({ isRefreshing }) => isRefreshing);
  const changes = flags.filter((flag, i) => i > 0 && flag !== flags[i - 1]);
  assert.deepEqual(changes, [true, false]);
  const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
  assert.ok(states.slice(since).every(({ isAuthenticated }) => isAuthenticated), JSON.stringify(states));
}

describe("rejection", { concurrency: 4 }, () => {
  for (const [kind, options] of KINDS) {
    scene(`h5 (17) the first token is refused once: one forced fetch, then authenticated, ${kind}`,
      { user, ...options, before: ({ cloud }) => cloud.fault("convex", "^Authenticate$", "reject", { times: 1 }) },
      async (scene) => {
        await scene.settled();
        const log = await scene.cloud.log();
        assert.equal(log.mints().length, 2);
        assert.deepEqual(log.hands(), [user, user]);
        assert.deepEqual(log.runs().filter((run) => run.user !== user), [], "nothing runs as nobody");
        const statuses = [...new Set((await scene.states()).map(({ status }) => status))];
        assert.deepEqual(statuses, ["loading", "authenticated"]);
      });

    scene(`a4_h5 (17, 42) a token in use is refused: refreshing, then not, authenticated throughout, ${kind}`,
      { user, ...options }, async (scene) => {
        const { cloud } = scene;
        await scene.settled();
        const since = await cloud.mark();
        await cloud.fault("convex", "Mutation tasks:add", "reject", { times: 1 });
        await scene.add("again");
        assert.equal(await scene.ended("again"), "done");
        await scene.authenticated();
        assertPaired(await scene.states());
        const log = await cloud.log(since);
        assert.equal(log.mints().length, 1);
        assert.deepEqual(log.runs().filter((run) => run.user !== user), []);
        if (options.page === "react") {
          const auth = await scene.page.evaluate(() => window.seen.convexAuth);
          assertPaired(auth);
        }
      });

    scene(`h5 (18) Clerk gives the refused token again: it is handed over again, ${kind}`, { user, ...options,
      before: async ({ cloud }) => {
        const { issuer, clock } = await cloud.control("state");
        const iat = Math.floor(clock.now / 1000);
        const claims = { iss: issuer, aud: "convex", sub: user, jti: "the_only_one", iat, nbf: iat - 5, exp: iat + 60 };
        const { token } = await cloud.control("sign", { claims });
        await cloud.fault("clerk", "/tokens/convex", "status", { code: 200, body: { object: "token", jwt: token } });
        await cloud.fault("convex", "^Authenticate$", "reject", { times: 1 });
      } }, async (scene) => {
        await scene.settled();
        const log = await scene.cloud.log();
        assert.deepEqual(log.authenticates().map(({ detail }) => detail.jti), ["the_only_one", "the_only_one"]);
        assert.deepEqual(log.runs().filter((run) => run.user !== user), []);
      });

    scene(`h5_a9 (17) always refused: told within ten seconds, tried again when online, ${kind}`,
      { user, ...options, before: ({ cloud }) => cloud.fault("convex", "^Authenticate$", "reject") }, async (scene) => {
        const { cloud, context } = scene;
        await cloud.until("a hand-over", (log) => log.hands().length);
        const since = Date.now();
        await scene.unauthenticated();
        assert.ok(Date.now() - since < 10_000);
        const last = (await scene.states()).at(-1);
        assert.deepEqual([last.error, last.userId], ["ERR_BACKEND_REJECTED", user]);
        const tries = (await cloud.log()).hands().filter((hand) => hand === user).length;
        assert.ok(tries >= 3 && tries <= 4, `${tries} tries`);
        assert.ok(await scene.page.evaluate(() => window.Clerk.session?.status === "active"), "Clerk stays signed in");

        await cloud.clear();
        await context.setOffline(true);
        await context.setOffline(false);
        await scene.settled();
      });
  }
});
