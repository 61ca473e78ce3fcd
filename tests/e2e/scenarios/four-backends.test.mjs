// Four backends behind one bridge: they share what can be shared, and leave together.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { EMAIL_CLAIMS } from "../harness/board.mjs";
import { until } from "../harness/cloud.mjs";
import { scene } from "../harness/scene.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const LIFE = 8;
const NAMES = ["convex", "instant", "triplit", "hasura"];
/** Templates that these four ask for: Instant and Triplit take the session token. */
const TEMPLATES = ["convex", "hasura", null];
const ROTATIONS = 3;

const four = {
  page: "four",
  triplit: {},
  before: ({ cloud }) => cloud.control("tokens", { sessionClaims: EMAIL_CLAIMS }),
};

/** Waits until each backend says that this is who it has; null is nobody. */
async function all(scene, userId) {
  await scene.page.evaluate(() => window.ask());
  await scene.sees(([names, userId]) => {
    const email = userId && `${userId.replace("user_", "")}@example.test`;
    return names.every((name) => window.seen.results[name]?.at(-1) === (name === "instant" ? email : userId));
  }, [NAMES, userId]);
}

/** A subscription of Ada's. */
async function watch(scene) {
  await scene.page.evaluate(() => window.watch());
  await scene.sees((ada) => window.seen.results.pushed?.at(-1) === ada, ada);
}

const instants = (log) => log.filter(({ service, what }) => service === "instant" && /^(id_token|signout)$/.test(what));

describe("four backends at once", { concurrency: 3 }, () => {
  scene("b1_e1 a start and three rotations: a fetch for each template, not for each backend",
    { user: ada, lifetime: LIFE, ...four }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await all(scene, ada);
      const states = await scene.states();
      // Clerk mints session tokens for itself as well: what the bridge asks for, it says.
      const fetches = async () => {
        const fetched = await scene.events("token.fetched");
        return TEMPLATES.map((name) => fetched.filter(({ template }) => (template ?? null) === name).length);
      };
      const wanted = ROTATIONS + 1;
      await until("three rotations", async () => (await fetches()).every((count) => count >= wanted), 60_000);
      for (const count of await fetches()) assert.ok(count <= wanted + 1, `${await fetches()} fetches`);
      const log = await cloud.log();
      for (const name of ["convex", "hasura"]) {
        const mints = log.mints(name).length;
        assert.ok(mints >= wanted && mints <= wanted + 1, `${mints} tokens of ${name}`);
      }
      assert.deepEqual(instants(log).map(({ what }) => what), ["id_token"]);
      assert.deepEqual((await scene.triplit.log()).opened(), [ada]);
      assert.ok(log.hands().every((hand) => hand === ada), `${log.hands()}`);
      assert.deepEqual(await scene.states(), states, "states");
    });

  scene("d2 signing out detaches all four", { user: ada, ...four }, async (scene) => {
    const { cloud, triplit } = scene;
    await scene.authenticated();
    await all(scene, ada);
    await watch(scene);
    await scene.signOut();
    await scene.unauthenticated();
    await all(scene, null);
    await scene.ended("subscription");
    await triplit.until("the socket's end", (log) => log.of("socket.close").length);
    await until("no session", async () => Object.keys((await cloud.control("instant/tokens")).users).length === 0);
    const left = (await scene.events("backend.detached")).map(({ backend }) => backend);
    assert.deepEqual(left.toSorted(), NAMES.toSorted());
    assert.equal((await cloud.log()).hands().at(-1), null);
  });

  scene("d3 from Ada to Grace: all four go over", { user: ada, ...four }, async (scene) => {
    const { cloud, triplit } = scene;
    await scene.authenticated();
    await all(scene, ada);
    await watch(scene);
    await scene.signIn(grace);
    await scene.authenticated(grace);
    await all(scene, grace);
    await scene.ended("subscription");
    assert.deepEqual(await scene.page.evaluate(() => window.seen.results.pushed), [ada]);
    const log = await cloud.log();
    assert.deepEqual(instants(log).map(({ what }) => what), ["id_token", "signout", "id_token"]);
    assert.deepEqual((await triplit.log()).opened(), [ada, grace]);
    assert.deepEqual(log.hands().filter((hand) => hand !== ada), [grace], "straight over");
    assert.deepEqual((await cloud.control("instant/tokens")).users, { [grace]: 1 });
  });

  scene("a2 one backend that is refused keeps the whole from being authenticated, and the others go on",
    { user: ada, ...four, triplit: { foreign: true } }, async (scene) => {
      await scene.sees((others) => {
        const { status, backends, error } = window.bridge.getSnapshot();
        const refused = status === "unauthenticated" && error?.code === "ERR_BACKEND_REJECTED" && error.backend === "triplit";
        return refused && others.every((name) => backends[name].status === "authenticated");
      }, NAMES.filter((name) => name !== "triplit"));
      assert.equal(await scene.page.evaluate(() => window.bridge.getSnapshot().backends.triplit.status), "unauthenticated");
      await scene.sees((ada) => window.seen.results.convex?.at(-1) === ada, ada);
    });
});
