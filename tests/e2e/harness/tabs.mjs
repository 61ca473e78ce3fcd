// Many tabs of one browser, as one scene sees them: open them, ask who leads, and judge what all of them were through.
// It only asks and waits.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/** So many tabs in all, each of them there for itself. */
export async function open(scene, count) {
  const more = await Promise.all(Array.from({ length: count - 1 }, () => scene.tab()));
  const tabs = [scene, ...more];
  await everywhere(tabs, (tab) => tab.authenticated());
  return tabs;
}

/** So many tabs in all, opened at once; the scene has `visit: false`. */
export async function openAtOnce(scene, count) {
  const [, ...more] = await Promise.all([scene.visit(), ...Array.from({ length: count - 1 }, () => scene.tab())]);
  return [scene, ...more];
}

export const everywhere = (tabs, look) => Promise.all(tabs.map(look));

/** The tabs, the one that leads first. */
export async function ranked(tabs) {
  const since = new Map();
  for (const tab of tabs) since.set(tab, (await tab.events("tab.leader")).at(-1)?.at ?? 0);
  return tabs.toSorted((a, b) => since.get(b) - since.get(a));
}

/** The states since the first one that was authenticated. */
export async function statesSince(tab) {
  const states = await tab.states();
  const since = states.findIndex(({ isAuthenticated }) => isAuthenticated);
  assert.ok(since >= 0, "never authenticated");
  return states.slice(since);
}

/** None of them was ever anything but authenticated, once it was so. */
export async function assertSteady(tabs) {
  for (const tab of tabs) {
    const states = await statesSince(tab);
    assert.ok(states.every(({ isAuthenticated, isRefreshing }) => isAuthenticated && !isRefreshing), JSON.stringify(states));
  }
}

/** None of them was ever out, once it was in. */
export async function assertNeverOut(tabs) {
  for (const tab of tabs) {
    const states = await statesSince(tab);
    assert.ok(states.every(({ isAuthenticated }) => isAuthenticated), JSON.stringify(states));
  }
}

/** Answers once so much of the newest token's life is over: what is promised is told by time. */
export async function afterMint(cloud, ms) {
  const { at } = (await cloud.log()).mints().at(-1);
  await pause(Math.max(at + ms - Date.now(), 0));
}

/** A token that the backend takes, from each of them. */
export async function assertGood(tabs, userId) {
  for (const tab of tabs) {
    const claims = await tab.page.evaluate(async () => {
      const token = await window.bridge.getToken({ template: "convex" });
      return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    });
    assert.equal(claims.sub, userId);
    assert.ok(claims.exp * 1000 > Date.now(), "it has run out");
  }
}

/** The server knows nobody on any connection that is left of those that were ever opened. */
export function assertNobody(log) {
  const last = new Map();
  for (const { user, detail } of log.authenticates()) last.set(detail.connection, user);
  const closed = new Set(log.convex("Close").map(({ detail }) => detail.connection));
  const left = [...last].filter(([connection, user]) => user && !closed.has(connection));
  assert.deepEqual(left, []);
}

/** Nothing of Clerk's own reaches another tab. Runs in the page. */
export function muteClerk() {
  const Channel = window.BroadcastChannel;
  window.BroadcastChannel = class extends Channel {
    constructor(name) {
      super(name.startsWith("clerk-bridge") ? name : `${name} ${Math.random()}`);
    }
  };
}

/** What a bridge says on its channel, by number: `Said` in `src/core/tabs.rs`. */
export const SAID = { want: 0, token: 1, failed: 2, leads: 3, ended: 4, busy: 5 };

/** A message as a bridge would send it, of the template that these scenarios use. */
export const message = (said, session, { token = null, template = "convex", numbers = [0, 0], version = "clerk-bridge 1" } = {}) =>
  [version, Date.now(), said, session, null, template, token, ...numbers];

/** A page of the same origin without a bridge; `say` posts messages from it, again and again if asked to. */
export async function stranger({ context, cloud }) {
  const page = await context.newPage();
  await page.goto(`${cloud.url}/__control/state`);
  await page.evaluate(() => void (window.channel = new BroadcastChannel("clerk-bridge")));
  const post = ([messages, everyMs]) => {
    const say = () => {
      for (const [version, , ...rest] of messages) window.channel.postMessage([version, Date.now(), ...rest]);
    };
    say();
    if (everyMs) setInterval(say, everyMs);
  };
  return { page, say: (messages, everyMs) => page.evaluate(post, [messages, everyMs]) };
}
