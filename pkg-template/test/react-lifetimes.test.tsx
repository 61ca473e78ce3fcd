// How long a provider's bridge lives, whose it is, and what becomes of it when the provider is taken away.
import { act, Suspense, use } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { convex } from "../src/convex.js";
import { ClerkBridgeProvider, useBridge } from "../src/react.js";
import { createTestSource } from "../src/testing.js";
import { hook, plain, render, shell } from "./fake/react-rig.js";
import { lastShell, shells } from "./fake/shell.js";

const base = { isLoaded: true, isSignedIn: true, userId: "u", sessionId: "s" };
const seen = new Set<any>();
const See = () => {
  seen.add(useBridge());
  return null;
};
const disposed = () => shells.map((one) => one.of("dispose").length);
beforeEach(() => seen.clear());

describe("what useAuth gives", () => {
  it("d7_signs_out_of_clerk", async () => {
    const { useAuth, set } = hook();
    await render(<ClerkBridgeProvider useAuth={useAuth} />);
    const source = (await shell()).of("start")[0]![0];
    const signOut = vi.fn();
    await set({ ...base, signOut });
    await source.signOut();
    expect(signOut).toHaveBeenCalledOnce();
  });

  it("b8_may_tell_who_it_is_by_claims_alone", async () => {
    const { useAuth, set } = hook();
    await render(<ClerkBridgeProvider useAuth={useAuth} />);
    const source = (await shell()).of("start")[0]![0];
    await set({ isLoaded: true, isSignedIn: true, sessionClaims: { sub: "u", sid: "s" } });
    expect(source.getSession()).toMatchObject({ userId: "u", sessionId: "s" });
  });

  it.each([
    ["a sign-out", null, null],
    ["the end of a page of the app", "token", expect.objectContaining(base)],
  ])("h3_%s_that_takes_the_provider_away_is_told_apart", async (name, token, session) => {
    const { useAuth, set } = hook();
    const { root } = await render(<ClerkBridgeProvider useAuth={useAuth} name={name} />);
    const own = await shell();
    const source = own.of("start")[0]![0];
    const getToken = vi.fn(async () => token);
    await set({ ...base, getToken });
    const looks = own.of("look").length;
    await act(async () => root.unmount());
    await vi.waitFor(() => expect(getToken).toHaveBeenCalledOnce());
    await vi.waitFor(() => expect(source.getSession()).toEqual(session));
    expect(own.of("look")).toHaveLength(looks + (token ? 0 : 1));
    expect(disposed()).toEqual([0]);
  });
});

describe("a bridge", () => {
  it("i2_outlives_a_tree_that_is_suspended_for_long", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { useAuth } = hook();
    let wake!: () => void;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    const Lazy = ({ sleeps }: { sleeps?: boolean }) => {
      if (sleeps) use(asleep);
      return null;
    };
    const tree = (sleeps: boolean) => (
      <Suspense>
        <ClerkBridgeProvider useAuth={useAuth} children={<See />} />
        <Lazy sleeps={sleeps} />
      </Suspense>
    );
    const { root } = await render(tree(false));
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    await act(async () => root.render(tree(true)));
    await vi.advanceTimersByTimeAsync(5_000);
    await act(async () => wake());
    expect([seen.size, disposed()]).toEqual([1, [0]]);
    vi.useRealTimers();
  });

  it("i2_is_one_for_siblings_that_begin_together", async () => {
    const { useAuth } = hook();
    const client = { backendUrl: "", setAuth() {}, clearAuth() {} };
    const One = () => (
      <ClerkBridgeProvider useAuth={useAuth} backends={{ convex: convex(client) }} children={<See />} />
    );
    await render([<One key={1} />, <One key={2} />]);
    await shell(1);
    const [bridge] = [...seen].slice(-1);
    expect(lastShell().of("start")).toHaveLength(1);
    expect(bridge.getSnapshot().backends).toHaveProperty("convex");
    await act(async () => {});
    expect(shells).toHaveLength(1);
  });

  it("i2_of_which_one_more_backend_is_wanted_ends_before_the_next_begins", async () => {
    const { useAuth } = hook();
    const client: any = { backendUrl: "", setAuth() {}, clearAuth() {} };
    const backend = convex(client);
    const tree = (more: object) => <ClerkBridgeProvider useAuth={useAuth} backends={{ convex: backend, ...more }} />;
    const { root } = await render(tree({}));
    await shell(1);
    await act(async () => root.render(tree({ own: plain() })));
    expect(disposed()[0]).toBe(1);
    await shell(2);
    expect(disposed()).toEqual([1, 0]);
    expect(client.fetch).toBeTypeOf("function");
  });

  it("i5_of_another_source_is_another", async () => {
    const tree = (user: string) => <ClerkBridgeProvider source={createTestSource({ user })} children={<See />} />;
    const { root } = await render(tree("a"));
    await act(async () => root.unmount());
    await render(tree("b"));
    expect(seen.size).toBe(2);
  });

  it("i5_of_backends_that_know_no_client_is_shared_only_with_the_same_ones", async () => {
    const { useAuth } = hook();
    const [one, other] = [plain(), plain()];
    const tree = [one, other, one].map((own, key) => (
      <ClerkBridgeProvider key={key} useAuth={useAuth} backends={{ own }} children={<See />} />
    ));
    await render(tree);
    await shell(2);
    expect(new Set([...seen].map((bridge) => bridge.backends.own))).toEqual(new Set([one, other]));
  });

  it("b8_follows_the_latest_source", async () => {
    const [a, b] = ["a", "b"].map((user) => createTestSource({ user }));
    const tree = (source: any) => <ClerkBridgeProvider source={source} children={<See />} />;
    const { root } = await render(tree(a));
    const own = await shell();
    const source = own.of("start")[0]![0];
    expect(source.getSession()).toMatchObject({ userId: "a" });
    await act(async () => root.render(tree({ ...b })));
    expect(source.getSession()).toMatchObject({ userId: "b" });
    const looks = own.of("look").length;
    await a!.signOut();
    expect(own.of("look")).toHaveLength(looks);
    await source.signOut();
    expect([b!.getSession(), own.of("look").length > looks]).toEqual([null, true]);
    expect(seen.size).toBe(1);
  });

  it("hears_events_by_a_listener_that_came_later", async () => {
    const { useAuth } = hook();
    const onEvent = vi.fn();
    const { root } = await render(<ClerkBridgeProvider useAuth={useAuth} />);
    const { effect } = await shell();
    await act(async () => root.render(<ClerkBridgeProvider useAuth={useAuth} onEvent={onEvent} />));
    effect("log", "token.fetch", -1);
    expect(onEvent).toHaveBeenCalledOnce();
  });
});
