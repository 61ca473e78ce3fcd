// The drop-in for convex/react-clerk under the real hooks of Convex and a deployment in memory.
import {
  Authenticated,
  AuthLoading,
  AuthRefreshing,
  ConvexReactClient,
  Unauthenticated,
  useConvexAuth,
  useQuery,
} from "convex/react";
import { anyApi } from "convex/server";
import { act, StrictMode, useEffect } from "react";
import { createRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConvexProviderWithClerk } from "../src/convex-react.js";
import { useBridgeAuth } from "../src/react.js";
import { createConvexServer } from "./fake/convex-server.js";
import { lastShell, reset, shells } from "./fake/shell.js";

(globalThis as any).IS_REACT_ACT_ENVIRONMENT = true;
const api: any = anyApi;
const useAuth = () => ({ isLoaded: true });

let root: Root;
let states: string[] = [];
let mounts = 0;

const States = () => {
  const { isLoading, isAuthenticated, isRefreshing } = useConvexAuth();
  states.push(isLoading ? "loading" : isAuthenticated ? (isRefreshing ? "refreshing" : "in") : "out");
  return null;
};
const Who = () => {
  useEffect(() => void mounts++, []);
  return <>{useQuery(api.test.who, {}) ?? "nobody yet"}</>;
};
const Status = () => <i>{useBridgeAuth("convex").status}</i>;

const rig = async () => {
  const server = createConvexServer();
  const client = new ConvexReactClient("https://happy-animal-123.convex.cloud", {
    webSocketConstructor: server.WebSocket,
    logger: false,
    unsavedChangesWarning: false,
  });
  const container = document.createElement("div");
  root = createRoot(container);
  const tree = (
    <StrictMode>
      <ConvexProviderWithClerk client={client} useAuth={useAuth}>
        <States />
        <Who />
        <AuthLoading> loading</AuthLoading>
        <Authenticated> in</Authenticated>
        <Unauthenticated> out</Unauthenticated>
        <AuthRefreshing> refreshing</AuthRefreshing>
        <Status />
      </ConvexProviderWithClerk>
    </StrictMode>
  );
  await act(async () => root.render(tree));
  await act(async () => vi.waitFor(() => expect(shells).toHaveLength(1)));
  const { effect } = lastShell();
  let step = 0;
  const run = (command: number, token?: string, user = "", reason = 0) =>
    act(async () => {
      const own = ++step;
      effect("run", 0, own, command, token ?? reason, user, "s_" + user, null);
      await vi.waitFor(() => expect(lastShell().of("stepDone")).toContainEqual([own]));
    });
  const say = (status: number, refreshing = false, user?: string) =>
    act(async () => {
      effect("backend", 0, status, +refreshing, 0);
      lastShell().say({ status, refreshing, userId: user });
    });
  const shows = (text: string) => act(async () => vi.waitFor(() => expect(container.textContent).toBe(text)));
  return { server, client, run, say, shows, tree };
};

beforeEach(() => {
  reset();
  states = [];
  mounts = 0;
});
afterEach(async () => {
  vi.useFakeTimers();
  await act(async () => root.unmount());
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
});

describe("ConvexProviderWithClerk", () => {
  it("h1_h6_nothing_goes_out_before_the_token_and_convex_s_own_hooks_follow", async () => {
    const { server, run, say, shows } = await rig();
    await shows("nobody yet loadingloading");
    await vi.waitFor(() => expect(server.sockets[0]!.isOpen).toBe(true));
    expect(server.received).toEqual([]);
    await run(1, "user_a:1", "user_a");
    await say(1, false, "user_a");
    await shows("user_a inauthenticated");
    expect(server.auths()).toEqual(["user_a:1"]);
    expect(server.ran).toEqual([{ kind: "query", path: "test:who", user: "user_a" }]);
    expect([...new Set(states)]).toEqual(["loading", "in"]);
  });

  it("a2_h4_rotations_and_switches_flash_nothing_and_unmount_nothing", async () => {
    const { server, run, say, shows } = await rig();
    await run(1, "user_a:1", "user_a");
    await say(1, false, "user_a");
    await shows("user_a inauthenticated");
    const before = mounts;
    states = [];
    await run(2, "user_a:2", "user_a");
    await run(1, "user_b:1", "user_b");
    await say(1, false, "user_b");
    await shows("user_b inauthenticated");
    expect(new Set(states)).not.toContain("loading");
    expect(new Set(states)).not.toContain("out");
    expect(mounts).toBe(before);
    expect(server.auths()).toEqual(["user_a:1", "user_a:2", "user_b:1"]);
  });

  it("a4_refreshing_follows_the_bridge", async () => {
    const { run, say, shows } = await rig();
    await run(1, "user_a:1", "user_a");
    await say(1, false, "user_a");
    await say(1, true, "user_a");
    await shows("user_a in refreshingauthenticated");
    await say(1, false, "user_a");
    await shows("user_a inauthenticated");
  });

  it("h3_h7_sign_out_and_visitors", async () => {
    const { server, run, say, shows } = await rig();
    await run(1, "user_a:1", "user_a");
    await say(1, false, "user_a");
    await run(3);
    await say(2);
    await shows("nobody yet outunauthenticated");
    expect(server.user()).toBeNull();
    await run(0);
    await run(1, "user_a:2", "user_a");
    await say(1, false, "user_a");
    await shows("user_a inauthenticated");
  });

  it("i1_renders_on_a_server", async () => {
    const { tree } = await rig();
    const { window } = globalThis;
    vi.stubGlobal("window", undefined);
    const html = renderToString(tree);
    vi.stubGlobal("window", window);
    expect(html.replace("<!-- -->", "")).toBe("nobody yet loading<i>loading</i>");
  });
});
