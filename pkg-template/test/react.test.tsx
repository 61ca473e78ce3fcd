// The React binding over a scripted shell: one bridge whatever React does, and no render that nothing asked for.
import { act, StrictMode, type ReactNode, useEffect } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createBridge } from "../src/index.js";
import {
  Authenticated,
  AuthLoading,
  AuthRefreshing,
  ClerkBridgeProvider,
  Unauthenticated,
  useBridge,
  useBridgeAuth,
} from "../src/react.js";
import { createTestSource } from "../src/testing.js";
import { hook, plain, render, roots, say, shell } from "./fake/react-rig.js";
import { lastShell, shells } from "./fake/shell.js";

const Gates = ({ backend }: { backend?: string }) => (
  <>
    <AuthLoading backend={backend}>loading</AuthLoading>
    <Authenticated backend={backend}>in</Authenticated>
    <Unauthenticated backend={backend}>out</Unauthenticated>
    <AuthRefreshing backend={backend}> again</AuthRefreshing>
  </>
);

describe("gates", () => {
  it("show_what_the_bridge_says", async () => {
    const { useAuth } = hook();
    const { text } = await render(<ClerkBridgeProvider useAuth={useAuth} children={<Gates />} />);
    expect(text()).toBe("loading");
    await shell();
    await say({ status: 2 });
    expect(text()).toBe("out");
    await say({ status: 1, userId: "u" });
    expect(text()).toBe("in");
    await say({ status: 1, userId: "u", refreshing: true });
    expect(text()).toBe("in again");
  });

  it("show_what_one_backend_says", async () => {
    const { text } = await render(
      <ClerkBridgeProvider source={createTestSource()} backends={{ one: plain(), two: plain() }}>
        <Gates backend="two" />
      </ClerkBridgeProvider>,
    );
    const { effect } = await shell();
    effect("backend", 0, 2, 0, 12);
    await say({ status: 2, userId: "u", error: 12, errorBackend: 0 });
    expect(text()).toBe("loading");
    effect("backend", 1, 1, 0, 0);
    await say({ status: 2, userId: "u", error: 12, errorBackend: 0 });
    expect(text()).toBe("in");
  });
});

describe("one bridge", () => {
  const { useAuth } = hook();
  const seen = new Set<unknown>();
  const See = () => {
    seen.add(useBridge());
    return null;
  };
  beforeEach(() => seen.clear());

  it("i2_under_strict_mode", async () => {
    await render(
      <StrictMode>
        <ClerkBridgeProvider useAuth={useAuth}>
          <See />
        </ClerkBridgeProvider>
      </StrictMode>,
    );
    await shell(1);
    await say({ status: 2 });
    expect(shells).toHaveLength(1);
    expect(lastShell().of("dispose")).toHaveLength(0);
  });

  it("i2_with_props_that_change_at_every_render", async () => {
    const client = { backendUrl: "", setAuth() {}, clearAuth() {} };
    const { convex } = await import("../src/convex.js");
    const events: string[] = [];
    const App = ({ count }: { count: number }) => (
      <ClerkBridgeProvider
        useAuth={() => useAuth()}
        backends={{ convex: convex(client), own: plain() }}
        onEvent={({ type }) => events.push(`${count} ${type}`)}
      >
        <See />
      </ClerkBridgeProvider>
    );
    const { root } = await render(<App count={0} />);
    for (let count = 1; count < 5; count++) await act(async () => root.render(<App count={count} />));
    const { effect } = await shell(1);
    expect(seen.size).toBe(1);
    effect("log", "token.fetch", -1);
    expect(events).toEqual(["4 token.fetch"]);
  });

  it("i2_outlives_an_unmount_of_up_to_a_second", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const tree = (
      <ClerkBridgeProvider useAuth={useAuth}>
        <See />
      </ClerkBridgeProvider>
    );
    const first = await render(tree);
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    await act(async () => first.root.unmount());
    await vi.advanceTimersByTimeAsync(900);
    const second = await render(tree);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(seen.size).toBe(1);
    expect(lastShell().of("dispose")).toHaveLength(0);
    await act(async () => second.root.unmount());
    await vi.advanceTimersByTimeAsync(999);
    expect(lastShell().of("dispose")).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(lastShell().of("dispose")).toHaveLength(1);
    await render(tree);
    await vi.waitFor(() => expect(shells).toHaveLength(2));
    vi.useRealTimers();
  });

  it("i2_a_new_key_keeps_it", async () => {
    const tree = (key: number) => (
      <ClerkBridgeProvider key={key} useAuth={useAuth}>
        <See />
      </ClerkBridgeProvider>
    );
    const { root } = await render(tree(1));
    await act(async () => root.render(tree(2)));
    await shell(1);
    expect(seen.size).toBe(1);
  });

  it("another_client_is_another_bridge", async () => {
    const { convex } = await import("../src/convex.js");
    const client = () => convex({ backendUrl: "", setAuth() {}, clearAuth() {} });
    const tree = (backend: ReturnType<typeof client>) => (
      <ClerkBridgeProvider useAuth={useAuth} backends={{ convex: backend }}>
        <See />
      </ClerkBridgeProvider>
    );
    const { root } = await render(tree(client()));
    await shell(1);
    await act(async () => root.render(tree(client())));
    await shell(2);
    expect(seen.size).toBe(2);
  });
});

describe("renders", () => {
  it("i2_a_rotation_re_renders_nothing_of_the_app", async () => {
    const { useAuth, set } = hook();
    const rendered = vi.fn();
    const App = () => {
      rendered();
      useBridgeAuth();
      return null;
    };
    await render(<ClerkBridgeProvider useAuth={useAuth} children={<App />} />);
    const own = await shell();
    await say({ status: 1, userId: "u" });
    const before = rendered.mock.calls.length;
    const changes = own.of("look").length;
    for (let rotation = 1; rotation <= 5; rotation++) await set({ isLoaded: true, isSignedIn: true, jti: rotation });
    expect(rendered).toHaveBeenCalledTimes(before);
    expect(own.of("look")).toHaveLength(changes + 5);
    expect(own.of("start")[0]![0].getSession()).toEqual({ isLoaded: true, isSignedIn: true, jti: 5 });
  });

  it("a_backend_s_view_keeps_its_identity", async () => {
    const views = new Set<unknown>();
    const App = () => {
      views.add(useBridgeAuth("one"));
      return null;
    };
    await render(
      <ClerkBridgeProvider source={createTestSource()} backends={{ one: plain(), two: plain() }} children={<App />} />,
    );
    const { effect } = await shell();
    for (const status of [1, 2, 1]) {
      effect("backend", 1, status, 0, 0);
      await say({ status: 2, userId: null });
    }
    expect(views.size).toBe(1);
    const [view] = views as any;
    expect(view).toMatchObject({ status: "loading", userId: null, orgRole: null });
    expect(Object.isFrozen(view)).toBe(true);
  });

  it("h6_clients_are_held_before_the_effects_of_the_children", async () => {
    const order: string[] = [];
    const held: any = { backendUrl: "", setAuth() {}, clearAuth() {} };
    Object.defineProperty(held, "fetch", { set: () => order.push("bridge"), get: () => undefined });
    const { convex } = await import("../src/convex.js");
    const Child = () => {
      useEffect(() => void order.push("child"), []);
      return null;
    };
    await render(
      <ClerkBridgeProvider source={createTestSource()} backends={{ c: convex(held) }} children={<Child />} />,
    );
    expect(order.slice(0, 2)).toEqual(["bridge", "child"]);
  });
});

describe("useAuth", () => {
  const base = { isLoaded: true, isSignedIn: true, userId: "u", sessionId: "s", orgId: "o", orgRole: "r" };

  it("b8_what_it_returned_last_is_the_source", async () => {
    const { useAuth, set } = hook();
    await render(<ClerkBridgeProvider useAuth={useAuth} />);
    const source = (await shell()).of("start")[0]![0];
    expect(source.getSession()).toBeUndefined();
    await set({ ...base, getToken: async () => "first" });
    expect(source.getSession()).toMatchObject(base);
    await set({ ...base, getToken: async ({ template }: any) => `second ${template}` });
    expect(await source.getToken({ template: "t" })).toBe("second t");
  });

  it.each<[string, unknown, unknown]>([
    ["a7_on_its_way", { isLoaded: false, isSignedIn: undefined }, undefined],
    ["a7_on_its_way", { isLoaded: true, isSignedIn: undefined }, undefined],
    ["a7_on_its_way", { ...base, isLoaded: false }, undefined],
    ["a8_nobody_or_pending", { isLoaded: true, isSignedIn: false, userId: null }, null],
    ["nothing at all", undefined, undefined],
  ])("says_%s", async (_, auth, session) => {
    const { useAuth, set } = hook();
    await render(<ClerkBridgeProvider useAuth={useAuth} />);
    const source = (await shell()).of("start")[0]![0];
    await set(auth);
    expect(source.getSession()).toBe(session);
  });
});

describe("props", () => {
  const fails = (node: ReactNode) => {
    try {
      renderToString(node);
    } catch (error) {
      return error;
    }
  };
  it("a_call_that_could_never_work_names_the_field", () => {
    const bridge = createBridge();
    const Use = () => void useBridge();
    const UseOther = () => void useBridgeAuth("other");
    const options = (field: string) => ({ code: "ERR_OPTIONS", hint: expect.stringContaining(field) });
    expect(fails(<ClerkBridgeProvider />)).toMatchObject(options("useAuth"));
    expect(fails(<ClerkBridgeProvider useAuth={"x" as any} />)).toMatchObject(options("useAuth"));
    expect(fails(<ClerkBridgeProvider useAuth={() => {}} onEvent={"x" as any} />)).toMatchObject(options("onEvent"));
    expect(fails(<ClerkBridgeProvider bridge={{} as any} />)).toMatchObject(options("bridge"));
    expect(fails(<ClerkBridgeProvider bridge={bridge} name="x" />)).toMatchObject(options("bridge"));
    expect(fails(<ClerkBridgeProvider useAuth={() => {}} name="" />)).toMatchObject(options("name"));
    expect(fails(<Use />)).toMatchObject(options("useBridge"));
    expect(fails(<ClerkBridgeProvider bridge={bridge} children={<UseOther />} />)).toMatchObject(options("backend"));
    const UseInherited = () => void useBridgeAuth("toString");
    expect(fails(<ClerkBridgeProvider bridge={bridge} children={<UseInherited />} />)).toMatchObject(options("backend"));
    bridge.dispose();
  });

  it("a_bridge_of_one_s_own_is_fed_but_not_disposed", async () => {
    const bridge = createBridge();
    const { useAuth, set } = hook();
    const { root, text } = await render(<ClerkBridgeProvider bridge={bridge} useAuth={useAuth} children={<Gates />} />);
    const own = await shell();
    expect(own.of("start")[0]![0].getSession()).toBeUndefined();
    await set({ isLoaded: true, isSignedIn: false });
    expect(own.of("start")[0]![0].getSession()).toBeNull();
    await say({ status: 1 });
    expect(text()).toBe("in");
    vi.useFakeTimers();
    await act(async () => root.unmount());
    vi.advanceTimersByTime(5_000);
    expect(own.of("dispose")).toHaveLength(0);
    bridge.dispose();
  });
});

describe("a server", () => {
  it("i1_server_and_first_client_render_agree", async () => {
    const { useAuth } = hook();
    const tree = <ClerkBridgeProvider useAuth={useAuth} backends={{ one: plain() }} children={<Gates backend="one" />} />;
    const { window } = globalThis;
    vi.stubGlobal("window", undefined);
    const html = renderToString(tree);
    vi.stubGlobal("window", window);
    expect(html).toBe("loading");
    expect(shells).toHaveLength(0);
    const container = document.createElement("div");
    container.innerHTML = html;
    const errors: unknown[] = [];
    await act(async () => {
      roots.push(hydrateRoot(container, tree, { onRecoverableError: (error) => errors.push(error) }));
    });
    expect(errors).toEqual([]);
    await shell(1);
  });
});
