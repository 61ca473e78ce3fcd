// @vitest-environment node
// Importing any entry point outside a browser has no effect, and a bridge made there stays `loading`. (I1)
import { describe, expect, it } from "vitest";

const entries = {
  index: () => import("../src/index.js"),
  slim: () => import("../src/slim.js"),
  react: () => import("../src/react.js"),
  convex: () => import("../src/convex.js"),
  "convex-react": () => import("../src/convex-react.js"),
  hasura: () => import("../src/hasura.js"),
  http: () => import("../src/http.js"),
  instant: () => import("../src/instant.js"),
  triplit: () => import("../src/triplit.js"),
  testing: () => import("../src/testing.js"),
};

describe("without a window", () => {
  it.each(Object.entries(entries))("i1_%s_can_be_imported", async (_, load) => {
    expect(typeof window).toBe("undefined");
    expect(Object.keys(await load()).length).toBeGreaterThan(0);
  });

  it("i1_a_bridge_stays_loading_and_touches_nothing", async () => {
    const { createBridge } = await entries.index();
    const { createTestSource } = await entries.testing();
    const { convex } = await entries.convex();
    const { shells } = await import("./fake/shell.js");
    const client: any = new Proxy(
      { setAuth() {} },
      {
        get: (target: any, key) => {
          if (key === "setAuth") return target[key];
          throw new Error(`touched ${String(key)}`);
        },
      },
    );
    const bridge = createBridge({ source: createTestSource({ user: "u" }), backends: { convex: convex(client) } });
    expect(bridge.getSnapshot().status).toBe("loading");
    bridge.dispose();
    await bridge.ready;
    expect(shells).toHaveLength(0);
  });
});
