// Plain HTTP: `fetch` as it is, with a token where one may go. A call is the user's or nobody's, a stale token costs
// one fetch and no call, and no other origin ever hears of it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe } from "node:test";
import { PAST_EXPIRY, until } from "../harness/cloud.mjs";
import { scene } from "../harness/scene.mjs";

const [ada, grace] = ["user_ada", "user_grace"];
const page = { page: "api" };
/** Clerk mints session tokens of its own accord, so fetches are counted with a template that is only used here. */
const counted = {
  page: "api",
  setting: { api: { template: "other" } },
  before: ({ cloud }) => cloud.control("templates", { name: "other" }),
};

const call = (scene, name, url, init, form) =>
  scene.page.evaluate(([name, url, init, form]) => window.call(name, url, init, form), [name, url, init, form]);
const answer = (scene, name) => scene.page.evaluate((name) => window.seen.results[name]?.at(-1), name);
/** Calls, and answers `{ status, body }`. */
const get = async (scene, url, init, form) => {
  const name = `${form ?? ""} ${url} ${JSON.stringify(init ?? {})}`;
  await call(scene, name, url, init, form);
  assert.equal(await scene.ended(name), "done");
  return answer(scene, name);
};
const mints = (log) => log.mints("other").length;
/** As whom these calls came; null for nobody, "refused" for a token that was not taken. */
const callers = (log, route = "whoami") =>
  log.api(route).map(({ user, detail }) => (detail.refused ? "refused" : user));

/** A server of another origin, open to every page, that writes down what it is sent. */
async function elsewhere(play) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push({ method: request.method, headers: request.headers });
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "authorization, x-token");
    response.setHeader("content-type", "application/json");
    response.end('{"elsewhere":true}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await play(`http://127.0.0.1:${server.address().port}`, requests);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("plain calls", { concurrency: 4 }, () => {
  scene("g3 two hundred calls at once with a stale token: one fetch, and none is lost", { user: ada, ...counted },
    async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const since = await cloud.mark();
      await cloud.control("clock", PAST_EXPIRY);
      await scene.page.evaluate(() => {
        for (let i = 0; i < 200; i++) window.call(`call ${i}`, "/__api/private");
      });
      const allEnded = () => Object.values(window.seen.calls).every((end) => end !== "pending");
      await scene.sees(allEnded, undefined, 60_000);
      const seen = await scene.page.evaluate(() => window.seen);
      const statuses = Object.keys(seen.calls).map((name) => seen.results[name]?.at(-1).status);
      assert.deepEqual(statuses, Array(200).fill(200));
      const log = await cloud.log(since);
      assert.equal(mints(log), 1);
      assert.equal(callers(log, "private").filter((who) => who === ada).length, 200);
      assert.equal((await scene.states()).at(-1).status, "authenticated");
    });

  for (const form of ["string", "URL", "Request", "Request with options"]) {
    scene(`g2_g3_g5 a ${form}: waits for the first token, and is replayed whole`, { user: ada, ...counted,
      before: async (scene) => {
        await counted.before(scene);
        await scene.cloud.fault("clerk", "/tokens/other", "hold", { times: 1 });
      } }, async (scene) => {
        const { cloud } = scene;
        const init = { method: "POST", headers: { "x-own": "1" }, body: "text" };
        await cloud.until("a fetch", (log) => mints(log));
        await call(scene, "early", "/__api/echo", init, form);
        await cloud.clear();
        assert.equal(await scene.ended("early"), "done");
        const since = await cloud.mark();
        await cloud.control("clock", PAST_EXPIRY);
        await call(scene, "stale", "/__api/echo", init, form);
        assert.equal(await scene.ended("stale"), "done");
        for (const name of ["early", "stale"]) {
          const { method, body, headers, user } = (await answer(scene, name)).body;
          assert.deepEqual([method, body, headers["x-own"], user], ["POST", "text", "1", ada], name);
        }
        const log = await cloud.log(since);
        assert.deepEqual([callers(log, "echo"), mints(log)], [["refused", ada], 1]);
        assert.deepEqual(callers(await cloud.log(), "echo"), [ada, "refused", ada]);
      });
  }

  scene("g3 a body that is a stream is not sent again: the answer is the caller's, with an event",
    { user: ada, ...counted }, async (scene) => {
      const { cloud, context } = scene;
      await scene.authenticated();
      // Browsers stream bodies over HTTP/2 only, so the answer is given before the network.
      let answers = 0;
      await context.route("**/__api/stream", (route) => {
        answers++;
        return route.fulfill({ status: 401, contentType: "application/json", body: "{}" });
      });
      await scene.page.evaluate(() => {
        const body = new Blob(["text"]).stream();
        window.call("stream", "/__api/stream", { method: "POST", body, duplex: "half" });
      });
      assert.equal(await scene.ended("stream"), "done");
      assert.deepEqual([(await answer(scene, "stream")).status, answers], [401, 1]);
      await scene.sees(() => window.seen.events.some(({ type }) => type === "call.not-replayed"));
      await cloud.until("the next token", (log) => mints(log) === 2);
      assert.equal((await scene.states()).at(-1).status, "authenticated");
    });

  scene("g3 a second refusal is the caller's; what is forbidden is not a matter of the token",
    { user: ada, ...counted }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      assert.equal((await get(scene, "/__api/private")).status, 200);
      const since = await cloud.mark();
      await cloud.fault("api", "/__api/private", "reject");
      assert.equal((await get(scene, "/__api/private", { method: "GET" })).status, 401);
      assert.equal((await get(scene, "/__api/forbidden")).status, 403);
      const log = await cloud.log(since);
      assert.deepEqual([log.api("private").length, log.api("forbidden").length, mints(log)], [2, 1, 1]);
      assert.equal((await scene.states()).at(-1).status, "authenticated", "one endpoint does not refuse the user");
    });

  scene("h5_a9 every call is refused: told after a few, Clerk stays signed in, and tried again when online",
    { user: ada, ...counted }, async (scene) => {
      const { cloud, context } = scene;
      await scene.authenticated();
      await cloud.fault("api", "/__api/private", "reject");
      let calls = 0;
      await until("it is told", async () => {
        assert.equal((await get(scene, "/__api/private", { headers: { "x-call": String(calls++) } })).status, 401);
        return (await scene.states()).at(-1).error;
      });
      const { status, error, userId } = (await scene.states()).at(-1);
      assert.deepEqual([status, error, userId], ["unauthenticated", "ERR_BACKEND_REJECTED", ada]);
      await cloud.clear();
      await context.setOffline(true);
      await context.setOffline(false);
      await scene.authenticated();
      assert.equal((await get(scene, "/__api/private")).status, 200);
    });

  scene("g3_b10 no newer token can be had: the first answer is the caller's", { user: ada, ...counted,
    setting: { ...counted.setting, bridge: { fetchTimeoutMs: 1000 } } }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      await cloud.fault("clerk", "/tokens/other", "status", { code: 503 });
      await cloud.control("clock", PAST_EXPIRY);
      assert.equal((await get(scene, "/__api/private")).status, 401);
      assert.deepEqual(callers(await cloud.log(), "private"), ["refused"]);
      await cloud.clear();
      await scene.sees(() => window.seen.events.filter(({ type }) => type === "token.fetched").length > 1);
      assert.equal((await get(scene, "/__api/private", { method: "GET" })).status, 200);
    });

  scene("g1 signed out: no header at all, and a refusal is only an answer", page, async (scene) => {
    await scene.unauthenticated();
    const { headers, user } = (await get(scene, "/__api/echo")).body;
    assert.deepEqual([headers.authorization, user], [undefined, null]);
    assert.equal((await get(scene, "/__api/private")).status, 401);
    assert.equal((await scene.cloud.log()).api("private").length, 1);
  });

  scene("g2_d1 calls of Ada's that wait for a token are neither nobody's nor Grace's", { user: ada, ...counted,
    before: async (scene) => {
      await counted.before(scene);
      await scene.cloud.fault("clerk", "/tokens/other", "hold", { times: 1 });
    } }, async (scene) => {
      const { cloud } = scene;
      await cloud.until("Ada's fetch", (log) => mints(log));
      await call(scene, "of Ada", "/__api/whoami");
      await scene.signIn(grace);
      assert.equal(await scene.ended("of Ada"), "failed: ERR_SIGNED_OUT");
      await cloud.clear();
      await scene.authenticated(grace);
      assert.equal((await get(scene, "/__api/whoami")).body.userId, grace);
      await scene.signOut();
      await scene.unauthenticated();
      assert.equal((await get(scene, "/__api/whoami", { method: "GET" })).body.userId, null);
      assert.deepEqual(callers(await cloud.log()), [grace, null]);
    });

  for (const when of ["before the answer comes", "while another token is fetched"]) {
    scene(`g3_d1 Ada leaves ${when}: her refused call is not made again as Grace`, { user: ada, ...counted },
      async (scene) => {
        const { cloud } = scene;
        await scene.authenticated();
        const since = await cloud.mark();
        await cloud.control("clock", PAST_EXPIRY);
        const answers = when === "before the answer comes";
        await cloud.fault(...(answers ? ["api", "/__api/whoami"] : ["clerk", "/tokens/other"]), "hold", { times: 1 });
        await call(scene, "of Ada", "/__api/whoami");
        await cloud.until("it is held", (log) => (answers ? log.api("whoami").length : mints(log)), { since });
        await scene.signIn(grace);
        await scene.authenticated(grace);
        await cloud.clear();
        assert.equal(await scene.ended("of Ada"), "done");
        assert.equal((await answer(scene, "of Ada")).status, 401);
        assert.equal((await get(scene, "/__api/whoami", { method: "GET" })).body.userId, grace);
        assert.deepEqual(callers(await cloud.log()), ["refused", grace]);
      });
  }

  scene("c4 awake after a sleep that the token did not survive: none that is dead is sent", { user: ada, ...counted,
    before: async (scene) => {
      await counted.before(scene);
      await scene.page.clock.install();
    } }, async (scene) => {
      const { cloud } = scene;
      await scene.authenticated();
      const since = await cloud.mark();
      await cloud.control("clock", { offsetMs: 120_000 });
      await scene.page.clock.fastForward(120_000);
      assert.equal((await get(scene, "/__api/whoami")).body.userId, ada);
      const log = await cloud.log(since);
      assert.deepEqual([callers(log), mints(log)], [[ada], 1]);
    });
});

describe("the caller's own", { concurrency: 4 }, () => {
  scene("g5 an Authorization header of its own is left as it is, also when it is refused", { user: ada, ...counted,
    before: async (scene) => {
      await counted.before(scene);
      await scene.cloud.fault("clerk", "/tokens/other", "hold");
    } }, async (scene) => {
      const { cloud } = scene;
      await cloud.until("a fetch", (log) => mints(log));
      const own = { headers: { Authorization: "Basic b3du" } };
      for (const form of ["string", "Request"]) {
        assert.equal((await get(scene, "/__api/private", own, form)).status, 401);
      }
      const log = await cloud.log();
      assert.deepEqual([callers(log, "private"), mints(log)], [["refused", "refused"], 1]);
    });

  scene("g5 an abort while waiting for the token: nothing goes out", { user: ada, ...counted,
    before: async (scene) => {
      await counted.before(scene);
      await scene.cloud.fault("clerk", "/tokens/other", "hold");
    } }, async (scene) => {
      const { cloud, page } = scene;
      await cloud.until("a fetch", (log) => mints(log));
      const names = await page.evaluate(async () => {
        const calls = [true, false].map((inRequest) => {
          const abort = new AbortController();
          const init = { signal: abort.signal };
          const url = "/__api/whoami";
          const call = inRequest ? window.api.fetch(new Request(url, init)) : window.api.fetch(url, init);
          abort.abort();
          return call.catch(({ name }) => name);
        });
        return Promise.all(calls);
      });
      assert.deepEqual(names, ["AbortError", "AbortError"]);
      await cloud.clear();
      await scene.authenticated();
      assert.equal((await get(scene, "/__api/echo")).body.user, ada);
      assert.deepEqual((await cloud.log()).api("whoami"), []);
    });

  scene("g5 an abort while the answer comes", { user: ada, ...page }, async (scene) => {
    await scene.authenticated();
    const [first, end] = await scene.page.evaluate(async () => {
      const abort = new AbortController();
      const response = await window.api.fetch("/__api/slow?chunks=1000&ms=20", { signal: abort.signal });
      const reader = response.body.getReader();
      const { value } = await reader.read();
      abort.abort();
      return [new TextDecoder().decode(value), await reader.read().catch(({ name }) => name)];
    });
    assert.match(first, /^chunk 0\n/);
    assert.equal(end, "AbortError");
  });

  scene("g5 credentials, cache and redirect are as asked", { user: ada, ...page }, async (scene) => {
    await scene.authenticated();
    await scene.page.evaluate(() => void (document.cookie = "own=1"));
    const cookie = async (credentials) => (await get(scene, "/__api/echo", { credentials })).body.headers.cookie ?? "";
    assert.match(await cookie("same-origin"), /own=1/);
    assert.doesNotMatch(await cookie("omit"), /own=1/);
    assert.equal((await get(scene, "/__api/echo", { cache: "no-store" })).body.headers["cache-control"], "no-cache");
    const type = await scene.page.evaluate(async () =>
      (await window.api.fetch("/__api/redirect?to=/__api/whoami", { redirect: "manual" })).type);
    assert.equal(type, "opaqueredirect");
    const followed = await get(scene, "/__api/redirect?to=/__api/whoami");
    assert.equal(followed.body.userId, ada, "within the origin the token goes along");
  });

  scene("g4 another header and scheme",
    { user: ada, page: "api", setting: { api: { header: "x-token", scheme: "Token" } } }, async (scene) => {
      await scene.authenticated();
      const { headers } = (await get(scene, "/__api/echo")).body;
      assert.match(headers["x-token"], /^Token ey/);
      assert.equal(headers.authorization, undefined);
    });
});

describe("where a token may go", { concurrency: 4 }, () => {
  scene("g4 not outside the origins: refused, and nothing is sent", { user: ada, ...page }, (scene) =>
    elsewhere(async (origin, requests) => {
      await scene.authenticated();
      const { host } = new URL(scene.cloud.url);
      const other = new URL(origin).host;
      const outside = [`${origin}/`, `//${other}/`, `http://${host}@${other}/`, "data:,text"];
      for (const url of outside) {
        // A request cannot be made of a URL with a name in it.
        for (const form of url.includes("@") ? ["string", "URL"] : ["string", "URL", "Request"]) {
          await call(scene, `${form} ${url}`, url, {}, form);
          assert.equal(await scene.ended(`${form} ${url}`), "failed: ERR_ORIGIN_REFUSED");
        }
      }
      assert.deepEqual(requests, []);
    }));

  scene("g4 a redirect to another origin does not carry it", { user: ada, ...page }, (scene) =>
    elsewhere(async (origin, requests) => {
      await scene.authenticated();
      const to = `/__api/redirect?to=${encodeURIComponent(`${origin}/`)}`;
      for (const init of [{}, { method: "POST", body: "text" }]) {
        assert.deepEqual((await get(scene, to, init)).body, { elsewhere: true });
      }
      const token = await scene.page.evaluate(() => window.bridge.getToken());
      assert.ok(requests.length >= 2);
      assert.ok(!JSON.stringify(requests).includes(token));
      assert.ok(requests.every(({ headers }) => headers.authorization === undefined));
      assert.deepEqual(callers(await scene.cloud.log(), "redirect"), [ada, ada]);
    }));

  scene("g4 with a header that browsers would carry along a redirect is an error",
    { user: ada, page: "api", setting: { api: { header: "x-token" } } }, (scene) =>
      elsewhere(async (origin, requests) => {
        await scene.authenticated();
        const to = `/__api/redirect?to=${encodeURIComponent(`${origin}/`)}`;
        for (const form of ["string", "Request"]) {
          await call(scene, form, to, {}, form);
          assert.match(await scene.ended(form), /^failed/);
        }
        assert.deepEqual(requests, []);
      }));

  scene("g4 to another origin that is named, and to no other",
    { user: ada, page: "api", visit: false }, (scene) =>
      elsewhere(async (origin, requests) => {
        await scene.context.addInitScript((origin) => void (window.setting.api = { origins: [origin] }), origin);
        await scene.visit();
        await scene.authenticated();
        assert.deepEqual((await get(scene, `${origin}/`)).body, { elsewhere: true });
        const token = await scene.page.evaluate(() => window.bridge.getToken());
        assert.equal(requests.find(({ method }) => method === "GET").headers.authorization, `Bearer ${token}`);
        await call(scene, "own", "/__api/whoami");
        assert.equal(await scene.ended("own"), "failed: ERR_ORIGIN_REFUSED");
        assert.deepEqual((await scene.cloud.log()).api("whoami"), []);
      }));

  scene("g4_f2 no event, no state, no error and no storage holds a token", { user: ada, ...counted }, async (scene) => {
    const { cloud } = scene;
    await scene.authenticated();
    const tokens = [await scene.page.evaluate(() => window.bridge.getToken({ template: "other" }))];
    await cloud.control("clock", PAST_EXPIRY);
    assert.equal((await get(scene, "/__api/private")).status, 200);
    tokens.push(await scene.page.evaluate(() => window.bridge.getToken({ template: "other" })));
    await scene.signOut();
    await scene.unauthenticated();
    const told = await scene.page.evaluate(() =>
      JSON.stringify([window.seen, { ...localStorage }, { ...sessionStorage }, location.href]));
    for (const token of tokens) assert.ok(!told.includes(token.split(".")[2]));
  });
});
