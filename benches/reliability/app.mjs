// An application under measurement: stand-in servers and a browser profile of its own, with Ada signed in, and as many
// tabs as a row of the table needs. It asks, waits and counts; what is a good answer is judged here, by the server's clock.
import { Cloud, until } from "../../tests/e2e/harness/cloud.mjs";

export const USER = "user_ada";
/** The template whose tokens are counted: Clerk's own poller never asks for it. */
const TOKENS = "/tokens/convex";

/** What is in a token. */
const claimsOf = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

export class App {
  /** Gives `use` an application whose tokens live for `life` seconds, with `tabs` tabs that are authenticated. */
  static async with(browser, pages, { life = 60, tabs = 1, bridge, init, before, visit = true }, use) {
    const app = new App();
    app.life = life;
    app.cloud = await Cloud.start(pages);
    app.context = await browser.newContext();
    try {
      await app.cloud.control("tokens", { lifetimeSeconds: life });
      app.session = await app.cloud.control("session", { userId: USER });
      const { publishableKey } = await app.cloud.control("state");
      await app.context.addInitScript((setting) => Object.assign(window, { setting }), { publishableKey, bridge });
      if (init) await app.context.addInitScript(init);
      await before?.(app);
      app.tabs = await Promise.all(Array.from({ length: tabs }, () => app.context.newPage()));
      const { dbJwt } = app.session;
      await Promise.all(app.tabs.map((tab) => tab.goto(`${app.cloud.url}/session.html?__clerk_db_jwt=${dbJwt}`)));
      if (visit) await app.authenticated();
      return await use(app);
    } finally {
      await app.context.close();
      await app.cloud.stop();
    }
  }

  get tab() {
    return this.tabs[0];
  }

  fault(kind, detail) {
    return this.cloud.fault("clerk", TOKENS, kind, detail);
  }

  /** Waits until the last state of each of these tabs satisfies `look`. */
  states(look, tabs = this.tabs) {
    const text = `(${look})(window.seen?.states.at(-1) ?? {})`;
    return Promise.all(tabs.map((tab) => until(text, () => tab.evaluate(text), 60_000)));
  }

  authenticated(tabs) {
    return this.states(({ isAuthenticated, isRefreshing }) => isAuthenticated && !isRefreshing, tabs);
  }

  signedOut(tabs) {
    return this.states(({ status }) => status === "unauthenticated", tabs);
  }

  /** The token has run out, in each of these tabs. */
  ranOut(tabs) {
    return this.states(({ isRefreshing }) => isRefreshing, tabs);
  }

  /** Whether the user was shown as signed in all the time, from the first time on. */
  async stayedIn(tab = this.tab) {
    const states = await tab.evaluate(() => window.seen.states);
    const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
    return states.slice(since).every(({ isAuthenticated }) => isAuthenticated);
  }

  /** How many requests for a token Clerk's server has had. */
  async requests(since = 0) {
    return (await this.cloud.log(since)).mints().length;
  }

  /** Counts requests and time while `work` runs, which answers the calls it made. They are judged together in the end,
   *  or with `each` by the page's clock, which has to be right, each at the moment it was answered. */
  async count(work, each) {
    const since = await this.cloud.mark();
    const begun = Date.now();
    const calls = (await work()).flat();
    const seconds = (Date.now() - begun) / 1000;
    const { clock } = await this.cloud.control("state");
    const good = calls.filter(({ at, token }) => {
      const { sub, exp } = token ? claimsOf(token) : {};
      return sub === USER && exp * 1000 > (each ? at : clock.now);
    });
    return {
      requests: await this.requests(since),
      seconds,
      calls: calls.length,
      good: good.length,
      stale: calls.filter(({ token }) => token).length - good.length,
      none: calls.filter(({ token, error }) => !token && !error).length,
      errors: calls.filter(({ error }) => error).map(({ error }) => error),
      slowest: Math.max(0, ...calls.map(({ ms }) => ms)) / 1000,
    };
  }

  inTurn(count, withinMs, tab = this.tab) {
    return this.count(() => tab.evaluate(([count, withinMs]) => window.inTurn(count, withinMs ?? Infinity), [count, withinMs]));
  }

  atOnce(count, tabs = this.tabs) {
    return this.count(() => Promise.all(tabs.map((tab) => tab.evaluate((count) => window.atOnce(count), count))));
  }

  /** The tabs, the one that fetches for all first. */
  async ranked() {
    const since = new Map();
    for (const tab of this.tabs) {
      since.set(tab, await tab.evaluate(() => window.seen.events.findLast(({ type }) => type === "tab.leader")?.at ?? 0));
    }
    return this.tabs.toSorted((a, b) => since.get(b) - since.get(a));
  }

  /** How long ago a tab came to its last state, at `at`. */
  async since(at, tab = this.tab) {
    return (await tab.evaluate(() => window.seen.states.at(-1).at)) - at;
  }

  /** A fetch is under way that was begun after `since`. */
  fetching(since) {
    return this.cloud.until("a fetch", (log) => log.mints().length, { since, patienceMs: 60_000 });
  }
}
