// A page with every kind of backend that needs no client of its own. Who is signed in, and what the tokens are, comes
// from a source without a network, so that tokens rotate as fast as the clock is turned.
import { createBridge, defineBackend } from "clerk-bridge";
import { hasura } from "clerk-bridge/hasura";
import { http } from "clerk-bridge/http";
import { createTestSource } from "clerk-bridge/testing";
import { expose } from "./ledger";

const source = createTestSource({ user: "user_ada", lifetimeSeconds: 60 });
const seen = { rotations: -1 };
const bridge = createBridge({
  source: {
    ...source,
    getToken(options) {
      // The source keeps a list of all fetches, for tests that look at it.
      (source.fetches as unknown[]).length = 0;
      return source.getToken(options);
    },
  },
  backends: {
    own: defineBackend({ kind: "own", attach: () => void seen.rotations++, detach() {} }),
    api: http({ origins: [location.origin] }),
    hasura: hasura({ url: `${location.origin}/v1/graphql` }),
  },
});

expose({ bridge, source, rotations: () => seen.rotations });
