// A page that speaks GraphQL to Hasura, by one of three clients, and may have plain APIs beside it.
import { createBridge } from "clerk-bridge";
import { hasura } from "clerk-bridge/hasura";
import { http } from "clerk-bridge/http";
import { createClient } from "graphql-ws";
import { clerkScript, stay } from "./clerk";
import { makers } from "./graphql";
import { expose, follow, note, onEvent, seen, setting, track } from "./ledger";

/** What a scenario may ask beyond the common. */
const { hasura: options, apis = {} } = setting as {
  /** Options of the backend. */
  hasura?: { template?: string | null; role?: string };
  /** Templates of plain APIs on this origin, by name. */
  apis?: Record<string, string>;
};

const Clerk = await clerkScript(setting.publishableKey);
const url = `${location.origin}/v1/graphql`;
const backend = hasura({ url, ...options });
const plain = Object.entries(apis).map(([name, template]) => [name, http({ origins: [location.origin], template })]);
const bridge = createBridge({
  source: Clerk,
  backends: { hasura: backend, ...Object.fromEntries(plain) },
  onEvent,
  ...setting.bridge,
});
follow(bridge);

const face = (makers[setting.client!] ?? makers.plain!)(backend, url);
if (face.leave) bridge.onLeave(() => face.leave!() as void);

/** Results of subscriptions, in the order in which they came. */
const rows: { at: number; name: string; data: unknown }[] = [];
const write = (name: string, data: unknown) => void rows.push({ at: Date.now(), name, data });
Object.assign(seen, { rows });

expose({
  bridge,
  backend,
  ask: (name: string, query: string, variables?: Record<string, unknown>) =>
    track(name, face.ask(query, variables).then((data) => note(name, data))),
  watch: (name: string, query: string) =>
    track(
      name,
      new Promise<void>((resolve, reject) => {
        face.watch(query, (data) => write(name, data), (error) => (error ? reject(error) : resolve()));
      }),
    ),
  /** The same on a socket that the bridge has no part in, with a token that lasts: what a gap is measured against. */
  witness: (name: string, query: string, token: string) =>
    void createClient({
      url: url.replace("http", "ws"),
      lazy: false,
      connectionParams: { headers: { Authorization: `Bearer ${token}` } },
    }).subscribe({ query }, { next: ({ data }) => write(name, data), error: () => {}, complete: () => {} }),
  peek: (query: string) => face.peek!(query),
});

await Clerk.load({ telemetry: false, routerPush: stay, routerReplace: stay });
