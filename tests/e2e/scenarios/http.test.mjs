// ConvexHttpClient: every call carries the token, waits for it where need be, and is made once more when it was refused.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";

const user = "user_ada";
const http = { page: "vanilla", setting: { client: "http" } };

const ask = (scene) => scene.page.evaluate(() => window.ask("users:whoami"));
const answer = (scene) => scene.page.evaluate(() => window.seen.results["users:whoami"]?.at(-1));
const callers = (log) => log.queries("users:whoami").map(({ user }) => user);

describe("http", { concurrency: 4 }, () => {
  scene("g2_g3 (41) an answer of 401 causes one fetch and one replay", { user, ...http }, async (scene) => {
    const { cloud } = scene;
    await scene.authenticated();
    const since = await cloud.mark();
    await cloud.fault("convex", "POST /api/query", "reject", { times: 1 });
    await ask(scene);
    assert.equal(await scene.ended("users:whoami"), "done");
    assert.equal((await answer(scene)).userId, user);
    const log = await cloud.log(since);
    assert.equal(log.mints().length, 1);
    assert.deepEqual(callers(log), [user]);
  });

  scene("g3 (41) a second 401 is the caller's", { user, ...http }, async (scene) => {
    const { cloud } = scene;
    await scene.authenticated();
    const since = await cloud.mark();
    await cloud.fault("convex", "POST /api/query", "reject");
    await ask(scene);
    assert.match(await scene.ended("users:whoami"), /^failed/);
    assert.equal((await cloud.log(since)).mints().length, 1);
  });

  scene("g2 a call made before the first token waits for it", { user, ...http,
    before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hold") }, async (scene) => {
    const { cloud } = scene;
    await cloud.until("a fetch", (log) => log.mints().length);
    await ask(scene);
    await cloud.clear();
    assert.equal(await scene.ended("users:whoami"), "done");
    assert.deepEqual(callers(await cloud.log()), [user]);
  });

  scene("g1_g2 signed out: no header; and a call that waited for a token of who left does not go out",
    { user, ...http, before: ({ cloud }) => cloud.fault("clerk", "/tokens/convex", "hold") }, async (scene) => {
      const { cloud } = scene;
      await cloud.until("a fetch", (log) => log.mints().length);
      await ask(scene);
      await scene.signOut();
      assert.equal(await scene.ended("users:whoami"), "failed: ERR_SIGNED_OUT");
      await cloud.clear();
      await scene.unauthenticated();
      await ask(scene);
      assert.equal(await scene.ended("users:whoami"), "done");
      assert.equal(await answer(scene), null);
      assert.deepEqual(callers(await cloud.log()), [null]);
    });

  scene("g1_d3 after a switch calls are the next user's", { user, ...http }, async (scene) => {
    await scene.authenticated();
    await ask(scene);
    assert.equal(await scene.ended("users:whoami"), "done");
    await scene.signIn("user_grace");
    await scene.authenticated("user_grace");
    await ask(scene);
    assert.equal(await scene.ended("users:whoami"), "done");
    assert.deepEqual(callers(await scene.cloud.log()), [user, "user_grace"]);
  });
});
