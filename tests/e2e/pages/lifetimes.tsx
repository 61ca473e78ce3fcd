// A page that makes bridges and lets them go, as many as it is told to, with the real Clerk: bridges of its own, and
// those of a provider.
import { useAuth } from "@clerk/react";
import { type Bridge, createBridge, defineBackend } from "clerk-bridge";
import { convex } from "clerk-bridge/convex";
import { hasura } from "clerk-bridge/hasura";
import { http } from "clerk-bridge/http";
import { ClerkBridgeProvider, useBridge, useBridgeAuth } from "clerk-bridge/react";
import { useState } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { makers } from "./clients";
import { expose, setting as given } from "./ledger";
import { Clerk } from "./provider";

/** `lasting`: a Convex client. */
const setting = given as typeof given & { lasting?: boolean };

/** Lasts as long as the page, while bridges come and go. */
const client = setting.lasting && makers.react!(location.origin, {}).client;

const backends = () => ({
  own: defineBackend({ kind: "own", attach() {}, detach() {} }),
  api: http({ origins: [location.origin] }),
  hasura: hasura({ url: `${location.origin}/v1/graphql`, template: null }),
  ...(client && { convex: convex(client) }),
});

const until = (bridge: Bridge<any>, look: () => boolean) =>
  new Promise<void>((resolve) => {
    const check = () => {
      if (!look()) return;
      leave();
      resolve();
    };
    const leave = bridge.subscribe(check);
    check();
  });
const authenticated = (bridge: Bridge<any>) => until(bridge, () => bridge.getSnapshot().isAuthenticated);
const ticks = async (count: number) => {
  for (let i = 0; i < count; i++) await null;
};

/** Moments at which a bridge is let go. */
const MOMENTS: Array<(bridge: Bridge<any>) => unknown> = [
  () => {},
  () => ticks(1),
  () => ticks(5),
  () => ticks(20),
  (bridge) => bridge.getToken(),
  (bridge) => bridge.ready,
  authenticated,
];

/** Bridges, one after the other. */
async function bridges(count: number) {
  for (let i = 0; i < count; i++) {
    const bridge = createBridge({ source: (window as any).Clerk, backends: backends() });
    bridge.subscribe(() => {});
    bridge.onLeave(() => {});
    await MOMENTS[i % MOMENTS.length]!(bridge);
    bridge.dispose();
  }
}

/** Bridges side by side, until `part` is called. */
async function meet(count: number) {
  const all = Array.from({ length: count }, (_, i) =>
    createBridge({ source: (window as any).Clerk, name: `${i}`, backends: backends() }));
  await Promise.all(all.map(authenticated));
  const part = () => {
    // One by one: an error that a bridge makes at its end remembers what it was called from, a whole array too.
    while (all.length) all.pop()!.dispose();
  };
  expose({ part });
}

let shown: Bridge<any>;
let show: (name: string | null) => void;

function Probe() {
  shown = useBridge();
  return <p>{useBridgeAuth("own").status}</p>;
}

function Stage() {
  const [name, setName] = useState<string | null>(null);
  const { isLoaded } = useAuth();
  show = (name) => flushSync(() => setName(name));
  if (isLoaded) expose({ isLoaded });
  return name && (
    <ClerkBridgeProvider key={name} name={name} useAuth={useAuth} backends={backends()}>
      <Probe />
    </ClerkBridgeProvider>
  );
}

/** Mounts, one after the other, of the provider of this name, or of another each time. */
async function mounts(count: number, name?: string) {
  for (let i = 0; i < count; i++) {
    show(name ?? `${i}`);
    await MOMENTS[i % MOMENTS.length]!(shown);
    show(null);
  }
}

expose({ bridges, meet, mounts });

createRoot(document.getElementById("root")!).render(
  <Clerk>
    <Stage />
  </Clerk>,
);
