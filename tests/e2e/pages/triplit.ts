// A page that keeps its rows in Triplit, on this device and on the server: its client, the Clerk object, createBridge.
import { TriplitClient } from "@triplit/client";
import { createBridge } from "clerk-bridge";
import { triplit } from "clerk-bridge/triplit";
import { clerkScript, stay } from "./clerk";
import { board, expose, follow, note, onEvent, setting, track } from "./ledger";

/** What a scenario may ask beyond the common. */
const { triplitUrl, triplit: options, remounts } = setting as {
  triplitUrl?: string;
  /** Options of the backend. */
  triplit?: { clearOnSignOut?: boolean; template?: string };
  /** Whether a bridge is made and disposed of first, as when React mounts twice. */
  remounts?: boolean;
};

const Clerk = await clerkScript(setting.publishableKey);
const client = new TriplitClient({ serverUrl: triplitUrl!, storage: "indexeddb", autoConnect: false, logLevel: "error" });
client.onSessionError((why) => note("session error", why));

const make = () =>
  createBridge({ source: Clerk, backends: { triplit: triplit(client, options) }, onEvent, ...setting.bridge });
if (remounts) make().dispose();
const bridge = make();
follow(bridge);

const { show } = board(bridge);
client.subscribe(client.query("tasks"), (tasks) => show(tasks.map(({ text }) => text)));

expose({
  bridge,
  client,
  add: (text: string) => {
    const { userId: owner, orgId } = bridge.getSnapshot();
    track(text, client.insert("tasks", { text, done: false, owner, org: orgId ?? "" }));
  },
});

await Clerk.load({ telemetry: false, routerPush: stay, routerReplace: stay });
