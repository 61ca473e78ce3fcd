// A page with a client of each of four backends behind one bridge.
import { init } from "@instantdb/core";
import { TriplitClient } from "@triplit/client";
import { createBridge } from "clerk-bridge";
import { convex } from "clerk-bridge/convex";
import { hasura } from "clerk-bridge/hasura";
import { instant } from "clerk-bridge/instant";
import { triplit } from "clerk-bridge/triplit";
import { createClient } from "graphql-ws";
import { clerkScript, stay } from "./clerk";
import { makers } from "./clients";
import { expose, follow, note, onEvent, setting, track } from "./ledger";

const { triplitUrl } = setting as { triplitUrl?: string };

const Clerk = await clerkScript(setting.publishableKey);
const face = makers[setting.client!]!(location.origin, setting.clientOptions);
const apiURI = `${location.origin}/__instant`;
const websocketURI = `${apiURI.replace("http", "ws")}/runtime/session`;
const db = init({ appId: "c1e4b41d-9e00-4a5c-8b1d-0f1e2d3c4b5a", apiURI, websocketURI, devtool: false });
const client = new TriplitClient({ serverUrl: triplitUrl!, storage: "memory", autoConnect: false, logLevel: "error" });
const graph = hasura({ url: `${location.origin}/v1/graphql` });
const bridge = createBridge({
  source: Clerk,
  backends: {
    convex: convex(face.client, { template: "convex" }),
    instant: instant(db, { clientName: "clerk" }),
    triplit: triplit(client),
    hasura: graph,
  },
  onEvent,
  ...setting.bridge,
});
follow(bridge);

// Who each of them says it is.
face.watch("users:whoami", (value: any) => note("convex", value?.userId ?? null));
db.subscribeAuth(({ user }) => note("instant", user?.email ?? null));
client.onConnectionStatusChange(() => note("triplit", client.decodedToken?.sub ?? null), true);
const socket = createClient(graph.graphqlWs());
const query = "{ whoami { user_id } }";
const ask = async () => note("hasura", (await graph.request<any>(query)).whoami.user_id);
const watch = () =>
  track(
    "subscription",
    new Promise<void>((resolve, reject) => {
      const next = ({ data }: any) => note("pushed", data?.whoami.user_id);
      socket.subscribe({ query: `subscription ${query}` }, { next, error: reject, complete: resolve });
    }),
  );

expose({ bridge, client, db, ask, watch });

await Clerk.load({ telemetry: false, routerPush: stay, routerReplace: stay });
