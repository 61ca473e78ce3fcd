// A page whose tokens rotate as fast as the clock is turned: they come from a source without a network, and go to real
// clients of servers in memory.
import { createBridge, defineBackend } from "clerk-bridge";
import { convex } from "clerk-bridge/convex";
import { hasura } from "clerk-bridge/hasura";
import { http } from "clerk-bridge/http";
import { createTestSource } from "clerk-bridge/testing";
import { createClient } from "graphql-ws";
import { createConvexServer } from "../../../pkg-template/test/fake/convex-server";
import { createHasura } from "../../../pkg-template/test/fake/hasura";
import { makers } from "./clients";
import { expose } from "./ledger";

const source = createTestSource({ user: "user_ada", lifetimeSeconds: 60 });
const deployment = createConvexServer();
const database = createHasura();
const rotations = { own: -1, convex: -1, hasura: -1 };

/** What the doubles write down for tests that look at it; here it would look like a leak. */
const written: unknown[][] = [source.fetches as unknown[], deployment.received, deployment.ran, deployment.sockets, database.sockets];

const face = makers.react!(location.origin, { webSocketConstructor: deployment.WebSocket });
face.watch("users:whoami", () => void rotations.convex++);
const graph = hasura({ url: `${location.origin}/v1/graphql` });
const socket = createClient(graph.graphqlWs({ webSocketImpl: database.WebSocket }) as any);
socket.subscribe({ query: "subscription { me }" }, { next: () => void rotations.hasura++, error() {}, complete() {} });

createBridge({
  source,
  backends: {
    convex: convex(face.client, { template: "convex" }),
    hasura: graph,
    api: http({ origins: [location.origin] }),
    own: defineBackend({
      kind: "own",
      detach() {},
      attach() {
        rotations.own++;
        for (const list of written) list.length = 0;
      },
    }),
  },
});

expose({ rotations });
