// The rows of the fault matrix: each plays one fault out and tells, in a few words made of what was counted, what came of
// it. None may state what it has not seen.
import { setTimeout as pause } from "node:timers/promises";

const HOUR_MS = 3_600_000;
/** Seconds. */
const SHORT = 8;
/** For so long calls are made, one after the other, into a failure that does not end. */
const WINDOW_MS = 30_000;

const plural = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
const ms = (number) => `${Math.round(number)} ms`;
const seconds = (number) => (number < 1 ? ms(number * 1000) : `${number < 9.9 ? number.toFixed(1) : Math.round(number)} s`);

/** Of `count`: what the calls were answered. */
export function answers({ calls, good, stale, none, errors, slowest }) {
  const kinds = [...new Set(errors)].join(", ");
  return [
    good && `${good === calls ? calls : `${good} of ${calls}`} good`,
    stale && `${stale} stale`,
    none && `${none} null`,
    errors.length && `${plural(errors.length, "error")} (${kinds}), the slowest after ${seconds(slowest)}`,
  ].filter(Boolean).join(", ");
}
const requests = ({ requests }) => plural(requests, "request");
const spent = (counted) => `${requests(counted)} in ${seconds(counted.seconds)}; ${answers(counted)}`;
const told = async ({ tab }, type) => {
  const seen = await tab.evaluate((type) => window.seen.events.some((one) => one.type === type), type);
  return seen ? `event \`${type}\`` : "no event";
};
const waited = (tab) => tab.evaluate(() => window.seen.states.some(({ isRefreshing }) => isRefreshing));
const session = async (app, tab) => ((await app.stayedIn(tab)) ? "still signed in" : "**signed out**");

/** The token has run out, for Clerk answers so. */
async function failing(app, kind, detail) {
  await app.fault(kind, detail);
  await app.ranOut();
  return `${spent(await app.inTurn(20, WINDOW_MS))}; ${await session(app)}`;
}

const failed = (name, kind, detail) => ({ name, options: { life: SHORT }, play: (app) => failing(app, kind, detail) });

const shut = () => {
  const denied = () => {
    throw new DOMException("denied", "SecurityError");
  };
  for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: denied });
};
const full = () => {
  const { setItem } = Storage.prototype;
  window.fill = () => {
    Storage.prototype.setItem = function (key, value) {
      if (key.startsWith("clerk-bridge")) throw new DOMException("full", "QuotaExceededError");
      return setItem.call(this, key, value);
    };
  };
};
const cut = () => {
  for (const area of [localStorage, sessionStorage]) area.setItem("clerk-bridge", '["clerk-bridge 1",[null,"user_');
};
/** Nothing of Clerk's own reaches another tab. */
const mute = () => {
  const Channel = window.BroadcastChannel;
  window.BroadcastChannel = class extends Channel {
    constructor(name) {
      super(name.startsWith("clerk-bridge") ? name : `${name} ${Math.random()}`);
    }
  };
};

const clocks = (app) => app.context.clock.install();

/** The wall clocks, here and there, leap; nothing tells the page, unless `event` does. */
const wake = (event) => async (app) => {
  await app.cloud.control("clock", { offsetMs: 2 * HOUR_MS });
  const begun = Date.now();
  const since = await app.cloud.mark();
  await app.context.clock.setSystemTime(begun + 2 * HOUR_MS);
  if (event) await app.tab.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
  await app.cloud.until("a refresh", (log) => log.mints().some(({ detail }) => detail.status === 200), { since, patienceMs: 80_000 });
  const took = (Date.now() - begun) / 1000;
  const after = await app.inTurn(20);
  return `a new token after ${seconds(took)}; then ${answers(after)}`;
};

/** One tab signs out while the other refreshes. */
const leaving = (expired) => async (app) => {
  const [leader, other] = await app.ranked();
  const since = await app.cloud.mark();
  await app.fault("hold");
  await app.fetching(since);
  if (expired) await app.ranOut([other]);
  const result = await other.evaluate(() => window.bridge.signOut().then(() => "signed out", (error) => error.code));
  await app.cloud.clear();
  await pause(2_000);
  const left = await app.atOnce(1);
  const states = await Promise.all(app.tabs.map((tab) => tab.evaluate(() => window.seen.states.at(-1).status)));
  const out = left.none === 2 && states.every((status) => status === "unauthenticated");
  return `${result}; both tabs ${out ? "signed out, for good" : `**not**: ${answers(left)}`}`;
};

export const FAULTS = [
  failed("Clerk answers 500, token expired, calls in turn", "status", { code: 500 }),
  {
    name: "Clerk answers 500, token still valid, 20 calls in turn",
    options: { life: 40 },
    async play(app) {
      await app.fault("status", { code: 500 });
      const since = await app.cloud.mark();
      await pause(31_000); // into the leeway: it would be refreshed now
      const counted = await app.inTurn(20);
      return `${answers(counted)} in ${ms(counted.seconds * 1000)}; ${plural(await app.requests(since), "request")} behind them`;
    },
  },
  failed("429 with Retry-After 10, token expired, calls in turn", "status", { code: 429, retryAfter: 10 }),
  {
    name: "session revoked, token expired, 10 calls in turn",
    options: { life: SHORT },
    async play(app) {
      const since = await app.cloud.mark();
      await app.cloud.control("revoke", { sessionId: app.session.sessionId });
      await app.signedOut();
      const counted = await app.inTurn(10);
      return `signed out; ${answers(counted)}, ${plural(await app.requests(since), "request")}`;
    },
  },
  {
    name: "clock 2 h ahead, 50 calls in turn",
    options: { before: ({ cloud }) => cloud.control("clock", { offsetMs: -2 * HOUR_MS }) },
    play: async (app) => `${answers(await app.inTurn(50))}; ${plural(await app.requests(), "request")} since the start`,
  },
  {
    name: "clock 2 h behind, 50 calls in turn",
    options: { before: ({ cloud }) => cloud.control("clock", { offsetMs: 2 * HOUR_MS }) },
    play: async (app) => `${answers(await app.inTurn(50))}; ${plural(await app.requests(), "request")} since the start`,
  },
  {
    name: "wall clock steps back 2 h; 50 calls once the token is dead",
    options: { life: SHORT, before: clocks },
    async play(app) {
      await app.context.clock.setSystemTime(Date.now() - 2 * HOUR_MS);
      await pause(2 * SHORT * 1000);
      return answers(await app.inTurn(50));
    },
  },
  failed("Clerk never answers, token expired", "hang", {}),
  {
    name: "Clerk takes 7 s, 10 calls at once",
    options: { visit: false, before: (app) => app.fault("delay", { ms: 7_000 }) },
    async play(app) {
      await app.tab.waitForFunction(() => window.atOnce);
      const counted = await app.atOnce(10);
      return `${answers(counted)}, ${plural(await app.requests(), "request")}`;
    },
  },
  {
    name: "offline, token expired; then online",
    options: { life: SHORT },
    async play(app) {
      await app.context.setOffline(true);
      await app.ranOut();
      const counted = await app.inTurn(20, WINDOW_MS);
      const online = app.tab.evaluate(() => new Promise((resolve) => addEventListener("online", () => resolve(Date.now()))));
      await app.context.setOffline(false);
      const at = await online;
      await app.authenticated();
      return `${answers(counted)}; good again ${ms(await app.since(at))} after \`online\`; ${await session(app)}`;
    },
  },
  failed("captive portal: 200 with HTML, token expired", "status", { code: 200, body: "<!doctype html><title>Sign in to the Wi-Fi</title>" }),
  {
    name: "damaged record in storage",
    options: { init: cut, bridge: { persist: "tokens" } },
    play: async (app) => `${answers(await app.inTurn(5))}; ${await told(app, "record.discarded")}`,
  },
  {
    name: "storage throws SecurityError",
    options: { init: shut, bridge: { persist: "tokens" } },
    play: async (app) => `${answers(await app.inTurn(5))}; ${await told(app, "storage.failed")}`,
  },
  {
    name: "storage is full as a new token arrives",
    options: { life: SHORT, init: full, bridge: { persist: "tokens" } },
    async play(app) {
      await app.tab.evaluate(() => window.fill());
      const since = await app.cloud.mark();
      await app.cloud.until("two rotations", (log) => log.mints().length >= 2, { since });
      await app.authenticated();
      return `${answers(await app.inTurn(5))}, ${await session(app)}; ${await told(app, "storage.failed")}`;
    },
  },
  {
    name: "tab closed in the middle of a refresh (Clerk takes 2 s)",
    options: { life: 16, tabs: 2 },
    async play(app) {
      const [leader, other] = await app.ranked();
      await app.fault("delay", { ms: 2_000 });
      const since = await app.cloud.mark();
      await app.fetching(since);
      await leader.close();
      const at = Date.now();
      const came = ({ type }) => ["token.fetched", "token.shared"].includes(type);
      const later = async () => (await other.evaluate(() => window.seen.events)).some((one) => came(one) && one.at > at);
      await app.cloud.until("another answer", later);
      const took = seconds((Date.now() - at) / 1000);
      const until = (await waited(other)) ? "without one for a while" : "the old one was good until then";
      return `the other tab: a new token after ${took}, ${plural(await app.requests(since), "request")}; ${until}`;
    },
  },
  {
    name: "main thread of the fetching tab blocked for 8 s",
    options: { life: 16, tabs: 2 },
    async play(app) {
      const [leader, other] = await app.ranked();
      await app.fault("delay", { ms: 500 });
      const since = await app.cloud.mark();
      await app.fetching(since);
      await leader.evaluate(() => {
        setTimeout(() => {
          for (const end = Date.now() + 8_000; Date.now() < end; );
        });
      });
      const counted = await app.count(() => other.evaluate(() => window.steadily(100, 8_000)), true);
      const good = counted.good === counted.calls ? "a call every 100 ms, all good" : answers(counted);
      const wait = (await waited(other)) ? `the slowest after ${seconds(counted.slowest)}` : "none waited";
      return `the other tab: ${good}, ${wait}; ${plural(counted.requests + 1, "request")}`;
    },
  },
  { name: "tab 2 signs out while tab 1 refreshes, token expired", options: { life: SHORT, tabs: 2 }, play: leaving(true) },
  { name: "the same, token still valid", options: { life: 40, tabs: 2 }, play: leaving(false) },
  {
    name: "sign-out while offline, token expired",
    options: { life: SHORT },
    async play(app) {
      await app.context.setOffline(true);
      await app.ranOut();
      const took = await app.tab.evaluate(async () => {
        const begun = Date.now();
        const result = window.bridge.signOut().then(() => "", (error) => `, error ${error.code}`);
        const { promise, resolve } = Promise.withResolvers();
        window.bridge.subscribe(() => window.bridge.getSnapshot().status === "unauthenticated" && resolve());
        if (window.bridge.getSnapshot().status !== "unauthenticated") await promise;
        const out = Date.now() - begun;
        return { out, rest: await result, all: Date.now() - begun };
      });
      await pause(3_000);
      const stays = (await app.tab.evaluate(() => window.bridge.getSnapshot().status)) === "unauthenticated";
      const stored = await app.tab.evaluate(() => localStorage.getItem("clerk-bridge"));
      const after = `${stays ? "stays out" : "**back in**"}; ${stored ? "**something** stored" : "nothing stored"}`;
      return `signed out after ${ms(took.out)}, all done after ${ms(took.all)}${took.rest}; ${after}`;
    },
  },
  {
    name: "sign-out seen by another tab, without Clerk's own signal",
    options: { tabs: 2, init: mute },
    async play(app) {
      const [first, second] = app.tabs;
      const at = await first.evaluate(() => {
        const at = Date.now();
        window.bridge.signOut();
        return at;
      });
      await app.signedOut();
      return ms(await app.since(at, second));
    },
  },
  { name: "awake after 2 h, no event", options: { before: clocks }, play: wake(false) },
  { name: "awake after 2 h, `visibilitychange`", options: { before: clocks }, play: wake(true) },
];
