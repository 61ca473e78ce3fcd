// What the tests of the Triplit adapter stand on.
import { TriplitClient } from "@triplit/client";
import { BTreeKVStore } from "@triplit/client/storage/memory-btree";
import { afterEach, vi } from "vitest";
import { adapterOf } from "../../src/backend.js";
import { triplit } from "../../src/triplit.js";
import type { AttachContext } from "../../src/types.js";
import { createTriplitServer } from "./triplit-server.js";

const silent: any = { warn() {}, error() {}, info() {}, debug() {}, registerHandler() {}, context: () => silent };

/** What is called after the test. */
export const closing: Array<() => unknown> = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
  vi.unstubAllGlobals();
});

export const contextFor = (userId: string) => {
  const control = new AbortController();
  const rejected = vi.fn();
  const context: AttachContext = { userId, sessionId: "s", orgId: null, signal: control.signal, owned: false, rejected };
  return { context, rejected, end: () => control.abort() };
};

export const adapt = (client: any, options?: object) => {
  const adapter = adapterOf(triplit(client, options))!;
  const reported: unknown[][] = [];
  adapter.open!({ report: (...what: unknown[]) => void reported.push(what) } as any);
  closing.push(() => adapter.close!());
  return { adapter, reported };
};

/** As Triplit's store in IndexedDB: what is on the device, and each tab's copy of it. */
export const createDevice = () => {
  const disk = new BTreeKVStore();
  return {
    disk,
    open: () =>
      new (class extends BTreeKVStore {
        db = disk;
        cache = { clear: () => super.clear() };
        override async clear(scope?: any) {
          await disk.clear(scope);
          await super.clear(scope);
        }
        override async applyEdits(sets: any, deletes: any) {
          const edits = [[], []] as any[];
          for await (const one of deletes) edits[1].push(one);
          for await (const one of sets) edits[0].push(one);
          await disk.applyEdits(edits[0], edits[1]);
          await super.applyEdits(edits[0], edits[1]);
        }
      })(),
  };
};

/** The real client with an adapter, over a server in memory. */
export const rig = (options?: object, more: object = {}) => {
  const server = createTriplitServer();
  const client: any = new TriplitClient({ serverUrl: "http://triplit.test", autoConnect: false, logger: silent, ...more });
  const errors: string[] = [];
  client.onSessionError((error: string) => errors.push(error));
  let shown: string[] = [];
  client.subscribe(client.query("tasks"), (rows: any[]) => {
    shown = rows.map(({ id }) => id).sort();
  });
  closing.push(() => client.endSession());
  const kept = async () => (await client.fetch(client.query("tasks"), { policy: "local-only" })).map(({ id }: any) => id);
  return { server, client, errors, shown: () => shown, kept, ...adapt(client, options) };
};
