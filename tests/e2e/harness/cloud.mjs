// The stand-in servers, one process for each scenario, so that scenarios can run side by side with faults, clocks and
// users of their own. It only asks and waits; it must never wait for time to pass where it can wait for an entry.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const PATIENCE_MS = 20_000;
const POLL_MS = 40;
/** Of a detail so many characters are shown. */
const LINE = 400;

/** A setting of the servers' clock: later than any token lives by default. */
export const PAST_EXPIRY = { offsetMs: 70_000 };

/** A path of this machine that `cargo xtask test` passes in the environment. */
export function surroundings(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test e2e\``);
  return value;
}

/** Repeats `look` until it answers something truthy, and answers that. */
export async function until(what, look, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await pause(POLL_MS);
  }
}

export class Cloud {
  #process;

  constructor(child, url) {
    this.#process = child;
    this.url = url;
  }

  /** Starts the servers; they end with this process, or when stopped. */
  static async start(pages) {
    const folders = ["--clerk-js", surroundings("CLERK_JS_DIST"), "--static", pages];
    const child = spawn(surroundings("LOCAL_CLOUD_BIN"), ["--exit-with-stdin", ...folders], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    return new Cloud(child, JSON.parse(line).url);
  }

  async stop() {
    if (this.#process.exitCode !== null) return;
    this.#process.stdin.end();
    await once(this.#process, "exit");
  }

  /** A control request; answers its JSON. */
  async control(path, body) {
    const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${this.url}/__control/${path}`, request);
    const text = await response.text();
    if (!response.ok) throw new Error(`control ${path}: ${response.status} ${text}`);
    return text && JSON.parse(text);
  }

  /** Adds a fault, e.g. `fault("clerk", "/tokens/convex", "hold", { times: 1 })`; answers its id. */
  async fault(service, pattern, kind, detail = {}) {
    const { ids } = await this.control("fault", { service, pattern, kind, ...detail });
    return ids[0];
  }

  /** Ends one fault, or all, and lets held answers go. */
  clear(id) {
    return this.control("fault/clear", { id });
  }

  release() {
    return this.control("fault/release", {});
  }

  /** Cuts every Convex socket. */
  drop() {
    return this.control("convex/drop", {});
  }

  /** Position of the newest entry, to look at what comes after it. */
  async mark() {
    const { last } = await this.control("log?since=1000000000");
    return last;
  }

  async log(since = 0) {
    const { entries } = await this.control(`log?since=${since}`);
    return new Log(entries);
  }

  /** Waits until the log (after `since`) shows what `look` looks for. */
  until(what, look, { since = 0, patienceMs } = {}) {
    return until(what, async () => look(await this.log(since)), patienceMs);
  }
}

/** What the servers were asked, with names for what the scenarios count. */
export class Log {
  constructor(entries) {
    this.entries = entries;
  }

  filter(test) {
    return this.entries.filter(test);
  }

  /** Requests that make Clerk mint a token of this template. Clerk's own poller mints session tokens only. */
  mints(template = "convex") {
    return this.filter(({ service, what }) => service === "clerk" && what.endsWith(`/tokens/${template}`));
  }

  sessionMints() {
    return this.filter(({ service, what }) => service === "clerk" && what.endsWith("/tokens"));
  }

  /** Hand-overs: a user's token, or "None". */
  authenticates() {
    return this.convex("Authenticate");
  }

  /** Users of the hand-overs, in order; null for "None", "refused" for a token that the server did not take. */
  hands() {
    return this.authenticates().map(({ user, detail }) => (detail.refused ? "refused" : user));
  }

  convex(what) {
    return this.filter((entry) => entry.service === "convex" && entry.what === what);
  }

  queries(path) {
    return this.convex(`Query ${path}`);
  }

  mutations() {
    return this.filter(({ service, what }) => service === "convex" && /^(Mutation|Repeat) /.test(what));
  }

  /** Everything that ran, whoever asked. */
  runs() {
    return this.filter(({ service, what }) => service === "convex" && /^(Query|Mutation|Repeat|Action) /.test(what));
  }

  /** What Hasura was asked, or said, under this name: "Query whoami", "Init", "Open", "Push tasks", ... */
  hasura(what) {
    return this.filter((entry) => entry.service === "hasura" && entry.what === what);
  }

  /** What Instant was asked, or said, under this name: "id_token", "signout", "open", "init", "transact", ... */
  instant(what) {
    return this.filter((entry) => entry.service === "instant" && entry.what === what);
  }

  /** Calls of the plain API's route, by whatever method. */
  api(route) {
    return this.filter(({ service, what }) => service === "api" && what.endsWith(` /__api/${route}`));
  }

  toString() {
    return this.entries
      .filter(({ what }) => !what.endsWith(".js"))
      .map(({ seq, at, service, what, user, detail }) => {
        const rest = JSON.stringify(detail, (_, value) => (value === null ? undefined : value));
        return `${seq} ${at % 1_000_000} ${service} ${what} [${user ?? "-"}] ${rest.slice(0, LINE)}`;
      })
      .join("\n");
  }
}
