// One scenario: servers of its own, a browser profile of its own, a page. `scene` describes a test that gets them, and
// tells on failure what the servers and the page saw. Assertions are the scenarios'.
import { join } from "node:path";
import { after, test } from "node:test";
import { bundle } from "./bundle.mjs";
import { launch } from "./chromium.mjs";
import { Cloud, until } from "./cloud.mjs";
import { Triplit } from "./triplit.mjs";

const PAGES = join(import.meta.dirname, "../pages");
const CSP = "script-src 'self'; worker-src 'self' blob:";
const LIMIT_MS = 120_000;

const pages = bundle(
  {
    react: join(PAGES, "react.tsx"),
    vanilla: join(PAGES, "vanilla.ts"),
    hasura: join(PAGES, "hasura.ts"),
    api: join(PAGES, "api.ts"),
    instant: join(PAGES, "instant.ts"),
    triplit: join(PAGES, "triplit.ts"),
    four: join(PAGES, "four.ts"),
    lifetimes: join(PAGES, "lifetimes.tsx"),
    rotations: join(PAGES, "rotations.ts"),
  },
  { variants: { "vanilla-strict-csp": { entry: "vanilla", policy: CSP } } },
);
const browser = launch();
after(async () => (await browser).close());

/** A page under test, its browser profile and its servers. */
class Scene {
  errors = [];
  /** The pages of all its tabs. */
  pages = [];

  static async open(options) {
    const scene = new Scene();
    scene.options = options;
    scene.cloud = await Cloud.start(await pages);
    scene.context = await (await browser).newContext();
    const { publishableKey } = await scene.cloud.control("state");
    if (options.triplit) scene.triplit = await Triplit.start(scene.cloud, options.triplit);
    scene.setting = { publishableKey, triplitUrl: scene.triplit?.url, ...options.setting };
    await scene.context.addInitScript((setting) => Object.assign(window, { setting }), scene.setting);
    if (options.lifetime) await scene.cloud.control("tokens", { lifetimeSeconds: options.lifetime });
    if (options.user) await scene.session(options.user, options);
    scene.page = await scene.newPage();
    await options.before?.(scene);
    if (options.visit !== false) await scene.visit();
    return scene;
  }

  /** The same scene as seen from another tab of the browser. */
  async tab() {
    const tab = Object.assign(Object.create(this), { page: await this.newPage() });
    await tab.visit();
    return tab;
  }

  async newPage() {
    const page = await this.context.newPage();
    this.pages.push(page);
    page.on("pageerror", (error) => this.errors.push(String(error?.stack ?? error)));
    return page;
  }

  /** Opens a session in this browser without a sign-in; the first names the browser too. */
  async session(userId, { orgId, status } = {}) {
    const made = await this.cloud.control("session", { userId, orgId, status, dbJwt: this.dbJwt });
    this.dbJwt = made.dbJwt;
    return made.sessionId;
  }

  async visit() {
    const browser = this.dbJwt ? `?__clerk_db_jwt=${this.dbJwt}` : "";
    await this.page.goto(`${this.cloud.url}/${this.options.page ?? "react"}.html${browser}`);
  }

  /** Waits until the page's memory satisfies `look`, a function that runs in the page. */
  async sees(look, argument, patienceMs) {
    const text = look.toString();
    await until(`the page sees ${text}`, () => this.page.evaluate(`(${text})(${JSON.stringify(argument)})`), patienceMs);
  }

  authenticated(userId = this.options.user) {
    return this.sees((userId) => {
      const last = window.seen?.states.at(-1);
      return last?.isAuthenticated && !last.isRefreshing && last.userId === userId;
    }, userId);
  }

  unauthenticated() {
    return this.sees(() => window.seen?.states.at(-1)?.status === "unauthenticated");
  }

  /** Authenticated, and the first results are there. */
  async settled(userId = this.options.user) {
    await this.authenticated(userId);
    await this.sees((userId) => window.seen.results["users:whoami"]?.at(-1)?.userId === userId, userId);
  }

  states() {
    return this.page.evaluate(() => window.seen.states);
  }

  events(type) {
    return this.page.evaluate((type) => window.seen.events.filter((event) => event.type === type), type);
  }

  /** Starts a mutation; how it ends is in `calls`. */
  add(text) {
    return this.page.evaluate((text) => window.add(text), text);
  }

  async ended(text) {
    await this.sees((text) => window.seen.calls[text] !== "pending", text);
    return this.page.evaluate((text) => window.seen.calls[text], text);
  }

  signOut() {
    return this.page.evaluate(() => void window.Clerk.signOut());
  }

  /** Signs a user in by a ticket, beside whoever is signed in, and makes them the active one. */
  async signIn(userId) {
    const { ticket } = await this.cloud.control("ticket", { userId });
    await this.page.evaluate(async (ticket) => {
      const { createdSessionId } = await window.Clerk.client.signIn.create({ strategy: "ticket", ticket });
      await window.Clerk.setActive({ session: createdSessionId });
    }, ticket);
  }

  /** Makes another session, or another organisation, the active one. */
  activate(what) {
    return this.page.evaluate((what) => window.Clerk.setActive(what), what);
  }

  async close() {
    await this.context?.close();
    await this.triplit?.stop();
    await this.cloud?.stop();
  }

  async report() {
    const look = (page) => page.evaluate(() => JSON.stringify(window.seen)).catch(String);
    const seen = (await Promise.all(this.pages.map(look))).join("\n--- tab\n");
    const triplit = this.triplit ? `\n--- triplit\n${await this.triplit.log().catch(String)}` : "";
    const log = await this.cloud?.log().catch(String);
    return `\n--- errors\n${this.errors.join("\n")}\n--- page\n${seen}${triplit}\n--- log\n${log}`;
  }
}

/** A test named after the promises it proves. */
export function scene(name, options, play) {
  test(name, { timeout: LIMIT_MS }, async () => {
    const scene = await Scene.open(options);
    try {
      await play(scene);
      if (scene.errors.length > 0) throw new Error(`the page has thrown:\n${scene.errors.join("\n")}`);
    } catch (error) {
      error.stack += await scene.report();
      throw error;
    } finally {
      await scene.close();
    }
  });
}
