// A page that keeps its rows in Instant: `init` of its core client, the Clerk object, createBridge.
import { id, init } from "@instantdb/core";
import { createBridge } from "clerk-bridge";
import { instant } from "clerk-bridge/instant";
import { clerkScript, stay } from "./clerk";
import { board, expose, follow, note, onEvent, setting, track } from "./ledger";

/** What a scenario may ask beyond the common. */
const { instant: options, guest } = setting as {
  /** Options of the backend. */
  instant?: { clientName?: string; template?: string };
  /** Whether somebody who has no name yet uses the page before anybody signs in. */
  guest?: boolean;
};

const Clerk = await clerkScript(setting.publishableKey);
const apiURI = `${location.origin}/__instant`;
const websocketURI = `${apiURI.replace("http", "ws")}/runtime/session`;
const db = init({ appId: "c1e4b41d-9e00-4a5c-8b1d-0f1e2d3c4b5a", apiURI, websocketURI, devtool: false });
if (guest && !(await db.getAuth())) await db.auth.signInAsGuest();

const bridge = createBridge({
  source: Clerk,
  backends: { instant: instant(db, { clientName: "clerk", ...options }) },
  onEvent,
  ...setting.bridge,
});
follow(bridge);

const { show } = board(bridge);
db.subscribeQuery({ tasks: {} }, ({ data }) => show((data?.tasks ?? []).map(({ text }) => text)));
db.subscribeAuth(({ user }) => note("email", user ? (user.email ?? "none") : null));

expose({
  bridge,
  db,
  add: (text: string) => track(text, db.transact(db.tx.tasks![id()]!.update({ text, done: false }))),
});

await Clerk.load({ telemetry: false, routerPush: stay, routerReplace: stay });
