// Where tabs cannot talk, each works alone and is right; where storage is blocked, full or damaged, they still share.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { scene } from "../harness/scene.mjs";
import { assertGood, assertSteady, everywhere, open } from "../harness/tabs.mjs";

const user = "user_ada";
const vanilla = { user, lifetime: 8, page: "vanilla", setting: { client: "convex" } };

/** What is missing or forbidden, to the bridge alone where Clerk would not start; runs in the page before anything else. */
const LACKS = {
  "shareTabs: false": null,
  "no BroadcastChannel": () => delete window.BroadcastChannel,
  "no navigator.locks": () => Object.defineProperty(Navigator.prototype, "locks", { value: undefined }),
  "a BroadcastChannel that throws": () => {
    const Channel = window.BroadcastChannel;
    window.BroadcastChannel = class extends Channel {
      constructor(name) {
        if (name === "clerk-bridge") throw new DOMException("denied", "SecurityError");
        super(name);
      }
    };
  },
  "a channel that throws when spoken to": () => {
    const { postMessage } = BroadcastChannel.prototype;
    BroadcastChannel.prototype.postMessage = function (message) {
      if (this.name === "clerk-bridge") throw new DOMException("closed", "InvalidStateError");
      postMessage.call(this, message);
    };
  },
  "locks that reject": () => {
    LockManager.prototype.request = () => Promise.reject(new DOMException("denied", "SecurityError"));
  },
  "locks that throw": () => {
    const { request } = LockManager.prototype;
    LockManager.prototype.request = function (name, ...rest) {
      if (name.startsWith("clerk-bridge")) throw new DOMException("denied", "SecurityError");
      return request.call(this, name, ...rest);
    };
  },
  "locks that are never granted": () => {
    LockManager.prototype.request = () => new Promise(() => {});
  },
};

const before = (lack) => ({ context }) => lack && context.addInitScript(lack);

describe("tabs that cannot share", { concurrency: 4 }, () => {
  for (const [name, lack] of Object.entries(LACKS)) {
    const bridge = lack ? {} : { shareTabs: false };
    scene(`e4 ${name}: each works alone and is right`, { ...vanilla, setting: { ...vanilla.setting, bridge }, before: before(lack) },
      async (scene) => {
        const { cloud } = scene;
        const tabs = await open(scene, 2);
        const since = await cloud.mark();
        const log = await cloud.until("two rotations of each", (log) => log.hands().length >= 4 && log, { since, patienceMs: 40_000 });
        assert.ok(log.mints().length <= 5, `${log.mints().length} fetches`);
        assert.deepEqual([...new Set(log.hands())], [user]);
        await assertSteady(tabs);
        await assertGood(tabs, user);
        await scene.page.evaluate(() => window.bridge.signOut());
        await everywhere(tabs, (tab) => tab.unauthenticated());
        // Clerk's own poller takes locks for granted; what a channel throws is reported, as for any callback.
        if (name === "no navigator.locks") scene.errors = scene.errors.filter((error) => !error.includes("/clerk.browser.js"));
        if (name === "a channel that throws when spoken to") scene.errors = [];
      });
  }
});

const STORAGE = {
  "blocked": () => {
    const denied = () => {
      throw new DOMException("denied", "SecurityError");
    };
    for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: denied });
  },
  "full": () => {
    const { setItem } = Storage.prototype;
    Storage.prototype.setItem = function (key, value) {
      if (key.startsWith("clerk-bridge")) throw new DOMException("full", "QuotaExceededError");
      return setItem.call(this, key, value);
    };
  },
  "damaged": () => {
    for (const area of [localStorage, sessionStorage]) area.setItem("clerk-bridge", '["clerk-bridge 1",[null,"user_');
  },
};

describe("tabs whose storage fails", { concurrency: 3 }, () => {
  for (const [name, fail] of Object.entries(STORAGE)) {
    scene(`f1_e1 storage that is ${name}: a fetch for each rotation, and a sign-out for all`,
      { ...vanilla, setting: { ...vanilla.setting, bridge: { persist: "tokens" } }, before: before(fail) }, async (scene) => {
        const { cloud } = scene;
        const tabs = await open(scene, 2);
        const since = await cloud.mark();
        const log = await cloud.until("two rotations", (log) => log.hands().length >= 4 && log, { since, patienceMs: 40_000 });
        assert.equal(log.mints().length, 2);
        await assertSteady(tabs);
        for (const tab of tabs) assert.ok((await tab.events(name === "damaged" ? "record.discarded" : "storage.failed")).length >= 1);
        await scene.page.evaluate(() => window.bridge.signOut());
        await everywhere(tabs, (tab) => tab.unauthenticated());
      });
  }
});
