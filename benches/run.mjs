// The measurements that docs/performance.md quotes: `cargo xtask bench`. What is compared is measured in one run, in
// turns, on the same pages and servers. It writes the table and judges nothing.
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundle } from "../tests/e2e/harness/bundle.mjs";
import { launch } from "../tests/e2e/harness/chromium.mjs";
import { Cloud, surroundings, until } from "../tests/e2e/harness/cloud.mjs";
import { table as aligned, write } from "./document.mjs";

const here = import.meta.dirname;
const DOCUMENT = join(here, "../docs/performance.md");
const page = (name) => join(here, "pages", name);

const USER = "user_ada";
const LOADS = 15;
const ROTATIONS = 10;
/** Seconds. Convex refreshes so long before the end; its default of ten would never let such a token rest. */
const SHORT_LIFE = 8;
const CONVEX_LEEWAY = 2;
const QUIET_MS = 2000;
const HOT_MS = 5000;

const PROVIDERS = { bridge: "clerk-bridge", convex: "convex/react-clerk" };

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Servers and a browser profile with Ada signed in; `use` gets them. */
async function withApp(browser, pages, { lifetime, clientOptions }, use) {
  const cloud = await Cloud.start(pages);
  const context = await browser.newContext();
  try {
    if (lifetime) await cloud.control("tokens", { lifetimeSeconds: lifetime });
    const { dbJwt } = await cloud.control("session", { userId: USER });
    const { publishableKey } = await cloud.control("state");
    await context.addInitScript((setting) => Object.assign(window, { setting }), { publishableKey, clientOptions });
    const open = async (name) => {
      const tab = await context.newPage();
      await tab.goto(`${cloud.url}/${name}.html?__clerk_db_jwt=${dbJwt}`);
      return tab;
    };
    return await use({ cloud, open });
  } finally {
    await context.close();
    await cloud.stop();
  }
}

const authenticated = (tab) =>
  until("authenticated, with data", () =>
    tab.evaluate((user) => {
      const data = document.querySelector("#users-whoami")?.textContent;
      return window.seen.authenticatedMs > 0 && data?.includes(user);
    }, USER),
  );

const count = async (cloud, tab) => {
  const log = await cloud.log();
  const seen = await tab.evaluate(() => window.seen);
  return {
    fetches: log.mints().length,
    getTokenCalls: seen.getTokenCalls,
    authenticates: log.authenticates().length,
    runs: log.queries("users:whoami").length + log.queries("tasks:list").length,
    renders: seen.renders,
  };
};

const subtract = (a, b) => Object.fromEntries(Object.keys(a).map((key) => [key, a[key] - b[key]]));

/** What happens from opening the page until nothing more does, and then over ten rotations. */
const rotate = (browser, pages, name) => {
  const options = { lifetime: SHORT_LIFE, clientOptions: { authRefreshTokenLeewaySeconds: CONVEX_LEEWAY } };
  return withApp(browser, pages, options, async ({ cloud, open }) => {
    const tab = await open(name);
    await authenticated(tab);
    let last = { length: 0, at: Date.now() };
    await until("quiet", async () => {
      const { length } = (await cloud.log()).authenticates();
      if (length !== last.length) last = { length, at: Date.now() };
      return Date.now() - last.at > QUIET_MS;
    });
    const load = await count(cloud, tab);
    const since = await cloud.mark();
    await cloud.until("ten rotations", (log) => log.authenticates().length >= ROTATIONS, { since, patienceMs: 120_000 });
    // The queries that follow the last hand-over.
    await cloud.until("their queries", (log) => log.entries.at(-1)?.what.startsWith("Query"), { since });
    return { load, rotations: subtract(await count(cloud, tab), load) };
  });
};

/** A token that lives shorter than Convex' default leeway. */
const hot = (browser, pages, name) =>
  withApp(browser, pages, { lifetime: SHORT_LIFE }, async ({ cloud, open }) => {
    const tab = await open(name);
    await authenticated(tab);
    const since = await cloud.mark();
    await tab.waitForTimeout(HOT_MS);
    return (await cloud.log(since)).mints().length;
  });

/** What a page says of each of these, in turns that change their order; the first turn warms up. */
async function inTurns(names, measure) {
  const said = Object.fromEntries(names.map((name) => [name, []]));
  for (let i = 0; i <= LOADS; i++) {
    for (const name of i % 2 ? names : names.toReversed()) {
      const one = await measure(name);
      if (i > 0) said[name].push(one);
    }
  }
  return said;
}

/** Milliseconds from the start of the script. */
const loads = (browser, pages) =>
  withApp(browser, pages, {}, ({ open }) =>
    inTurns(Object.keys(PROVIDERS), async (name) => {
      const tab = await open(name);
      await authenticated(tab);
      const time = await tab.evaluate(() => window.seen.authenticatedMs);
      await tab.close();
      return time;
    }),
  );

const wasmReady = (browser, pages) =>
  withApp(browser, pages, {}, ({ open }) =>
    inTurns(["ready", "ready-slim", "empty"], async (name) => {
      const tab = await open(name);
      const times = await until("ready", () => tab.evaluate(() => window.ready));
      await tab.close();
      return times;
    }),
  );

const cachedInChromium = (browser, pages) =>
  withApp(browser, pages, {}, async ({ open }) => (await open("cached")).evaluate(() => window.cached));

/** In a Node of its own, with the two globals that a bridge takes for a browser. */
function cachedInNode(pages) {
  const script = `
    const target = () => ({ addEventListener() {}, removeEventListener() {} });
    globalThis.window = Object.assign(globalThis, target());
    globalThis.document = target();
    await import(${JSON.stringify(pathToFileURL(join(pages, "cached.js")).href)});
    console.log(JSON.stringify(await globalThis.cached));`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" }));
}

/** What an application downloads, as `cargo xtask size` measures it: name, raw, gzip, brotli. */
function sizes() {
  const measure = join(here, "../pkg-template/measure.mjs");
  const lines = execFileSync(process.execPath, [measure, surroundings("PKG_DIR")], { encoding: "utf8" });
  return lines.trim().split("\n").map((line) => line.split("\t"));
}

const table = (...rows) => aligned("--:", ...rows);
const ms = (numbers) => `${median(numbers).toFixed(1)} ms`;
const millions = (number) => `${(number / 1e6).toFixed(1)} million`;

function report({ version, counts, hot, load, cached, ready }) {
  const both = (what, of) => [what, ...Object.keys(PROVIDERS).map((name) => of(counts[name]))];
  const perSecond = (where, { getToken, promise }) =>
    [where, millions(getToken), millions(promise), (getToken / promise).toFixed(2)];
  const from = (what, loads) => [what, ...["running", "answered"].map((at) => ms(loads.map((load) => load[at])))];
  return [
    `Chromium ${version}, Node ${process.versions.node}, ${cpus().length} cores (${arch()}).`,
    "",
    table(
      ["React application, Clerk and Convex", ...Object.values(PROVIDERS)],
      both("from load to ready: token fetches", ({ load }) => load.fetches),
      both("calls of Clerk's `getToken`", ({ load }) => load.getTokenCalls),
      both("tokens sent to Convex", ({ load }) => load.authenticates),
      both("runs of its two queries", ({ load }) => load.runs),
      ["script start to authenticated, median", ...Object.keys(PROVIDERS).map((name) => ms(load[name]))],
      both(`over ${ROTATIONS} rotations: token fetches`, ({ rotations }) => rotations.fetches),
      both("calls of Clerk's `getToken`", ({ rotations }) => rotations.getTokenCalls),
      both("tokens sent to Convex", ({ rotations }) => rotations.authenticates),
      both("runs of its two queries", ({ rotations }) => rotations.runs),
      both("renders of a component below the provider", ({ rotations }) => rotations.renders),
      [`fetches in ${HOT_MS / 1000} s with ${SHORT_LIFE} s tokens, default options`, hot.bridge, hot.convex],
    ),
    "",
    table(
      ["calls per second, median", "cached `getToken()`", "`Promise.resolve(string)`", "ratio"],
      perSecond("Chromium", cached.chromium),
      perSecond("Node", cached.node),
    ),
    "",
    table(
      ["from script start until, median", "the wasm module runs", "its first answer"],
      from("inlined entry", ready.ready),
      from("slim entry, module from a server on the same machine", ready["ready-slim"]),
      from("for comparison: an empty module", ready.empty),
    ),
    "",
    table(["bytes of", "raw", "gzip", "brotli"], ...sizes()),
  ].join("\n");
}

const pages = await bundle(
  {
    bridge: page("bridge.tsx"),
    convex: page("convex.tsx"),
    ready: page("ready.ts"),
    "ready-slim": page("ready-slim.ts"),
    empty: page("empty.ts"),
    cached: page("cached.ts"),
  },
  { splitting: false },
);
copyFileSync(join(surroundings("PKG_DIR"), "clerk_bridge.wasm"), join(pages, "clerk_bridge.wasm"));

const browser = await launch();
try {
  // Times first and alone, counts side by side.
  const load = await loads(browser, pages);
  const ready = await wasmReady(browser, pages);
  const cached = { chromium: await cachedInChromium(browser, pages), node: cachedInNode(pages) };
  const [bridge, convex] = await Promise.all(Object.keys(PROVIDERS).map((name) => rotate(browser, pages, name)));
  const burst = { bridge: await hot(browser, pages, "bridge"), convex: await hot(browser, pages, "convex") };
  const text = report({ version: browser.version(), counts: { bridge, convex }, hot: burst, load, cached, ready });
  console.log(text);
  write(DOCUMENT, "bench", text);
} finally {
  await browser.close();
}
