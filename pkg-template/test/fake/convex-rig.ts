// A real Convex client over a deployment in memory, with the adapter that is under test.
import { BaseConvexClient, ConvexClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { afterEach, vi } from "vitest";
import { adapterOf } from "../../src/backend.js";
import { convex } from "../../src/convex.js";
import type { AttachContext } from "../../src/types.js";
import { createConvexServer } from "./convex-server.js";

const closing: Array<() => unknown> = [];
afterEach(() => {
  for (const close of closing.splice(0)) void close();
});

export const jwt = (user: string, life = 60) => {
  const iat = Math.floor(Date.now() / 1000);
  const segment = (claims: object) => btoa(JSON.stringify(claims)).replace(/=/g, "");
  return `${user}:.${segment({ iat, exp: iat + life, jti: Math.random() })}.x`;
};

export const contextFor = (userId: string) => {
  const control = new AbortController();
  const context: AttachContext = {
    userId,
    sessionId: "s_" + userId,
    orgId: null,
    signal: control.signal,
    rejected: vi.fn(),
  };
  return { ...context, end: () => control.abort(), rejected: context.rejected as ReturnType<typeof vi.fn> };
};

export type Kind = "react" | "plain" | "base";
export const rig = (kind: Kind = "react", more: object = {}) => {
  const server = createConvexServer();
  const url = "https://happy-animal-123.convex.cloud";
  const options = { webSocketConstructor: server.WebSocket, logger: false as const, unsavedChangesWarning: false, ...more };
  const client: any =
    kind === "react"
      ? new ConvexReactClient(url, options)
      : kind === "plain"
        ? new ConvexClient(url, options)
        : new BaseConvexClient(url, () => {}, options);
  closing.push(() => client.close());
  const adapter = adapterOf(convex(client))!;
  const base = () => client.sync ?? client.client ?? client;
  return {
    server,
    client,
    base,
    adapter,
    attach: (token: string, context: AttachContext) => adapter.attach(token, context) as Promise<void>,
    detach: () => adapter.detach("signed-out") as Promise<void>,
    /** A mutation that is answered proves that whatever was on the way before has arrived. */
    barrier: (): Promise<string | null> => base().mutation("test:barrier", {}),
    watch: (path = "test:who") => base().subscribe(path, {}).unsubscribe,
  };
};
