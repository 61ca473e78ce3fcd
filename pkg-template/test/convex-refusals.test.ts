// The Convex adapter against the real clients of Convex: refused tokens, outdated fetchers, the end of a bridge.
import { describe, expect, it, vi } from "vitest";
import { adapterOf } from "../src/backend.js";
import { convex } from "../src/convex.js";
import { contextFor, jwt, rig } from "./fake/convex-rig.js";

const until = vi.waitFor;

describe("refusals", () => {
  it("h5_fails_the_step_and_another_token_mends_it", async () => {
    const { server, adapter, attach, barrier, watch } = rig();
    const [bad, good] = [jwt("user_a"), jwt("user_a")];
    server.refused.add(bad);
    adapter.hold!(false);
    watch();
    const context = contextFor("user_a");
    await expect(attach(bad, context)).rejects.toMatchObject({ code: "ERR_BACKEND_REJECTED" });
    await attach(good, context);
    expect(await barrier()).toBe("user_a");
    expect(server.auths()).toEqual([bad, good]);
    expect(server.ran.every(({ user }) => user === "user_a")).toBe(true);
    expect(context.rejected).not.toHaveBeenCalled();
  });

  it("h5_the_same_token_again_is_tried_again", async () => {
    const { server, adapter, attach, barrier, watch } = rig();
    const token = jwt("user_a");
    server.refused.add(token);
    adapter.hold!(false);
    watch();
    for (let i = 0; i < 5; i++) {
      await expect(attach(token, contextFor("user_a"))).rejects.toMatchObject({ code: "ERR_BACKEND_REJECTED" });
    }
    server.refused.clear();
    await attach(token, contextFor("user_a"));
    expect(await barrier()).toBe("user_a");
    expect(server.auths()).toEqual(Array(6).fill(token));
    expect(server.ran.every(({ user }) => user === "user_a")).toBe(true);
  });

  it("h5_a_refusal_after_acceptance_is_told_and_mended", async () => {
    const { server, attach, barrier, base } = rig();
    const [one, two] = [jwt("user_a"), jwt("user_a")];
    const context = contextFor("user_a");
    await attach(one, context);
    server.refused.add(one);
    server.drop();
    await until(() => expect(context.rejected).toHaveBeenCalledTimes(1), 5_000);
    expect(context.rejected).toHaveBeenCalledWith({ retry: true });
    expect(base().webSocketManager.socketState()).toBe("stopped");
    await attach(two, context);
    expect(await barrier()).toBe("user_a");
    expect(server.ran.every(({ user }) => user === "user_a")).toBe(true);
  });

  it("h5_a_token_that_comes_while_the_socket_closes_is_used", async () => {
    const { server, attach, barrier, base } = rig();
    const [bad, good] = [jwt("user_a"), jwt("user_a")];
    server.refused.add(bad);
    const first = attach(bad, contextFor("user_a"));
    first.catch(() => {});
    const { authenticationManager } = base();
    const stop = authenticationManager.stopSocket;
    let second!: Promise<void>;
    authenticationManager.stopSocket = () => {
      second = attach(good, contextFor("user_a"));
      return stop();
    };
    await until(() => expect(second).toBeDefined());
    await second;
    expect(await barrier()).toBe("user_a");
    expect(server.auths()).toEqual([bad, good]);
  });

  it("h2_sign_out_during_a_refusal_revives_the_socket_without_identity", async () => {
    const { server, attach, detach, barrier } = rig();
    const bad = jwt("user_a");
    server.refused.add(bad);
    await expect(attach(bad, contextFor("user_a"))).rejects.toMatchObject({ code: "ERR_BACKEND_REJECTED" });
    await detach();
    expect(await barrier()).toBeNull();
    expect(server.user()).toBeNull();
  });

  it("h5_the_timer_that_convex_arms_then_causes_no_authenticate", async () => {
    const { server, attach, barrier, base } = rig();
    const [bad, good] = [jwt("user_a"), jwt("user_a", 8)];
    server.refused.add(bad);
    await expect(attach(bad, contextFor("user_a"))).rejects.toThrow();
    await attach(good, contextFor("user_a"));
    await until(() => expect(base().authenticationManager.authState.state).toBe("notRefetching"));
    await barrier();
    expect(server.auths()).toEqual([bad, good]);
  });
});

describe("the fetcher", () => {
  it("h2_of_an_older_generation_answers_null", async () => {
    const { attach, detach, base } = rig();
    const fetchers: any[] = [];
    const { setAuth } = base();
    vi.spyOn(base(), "setAuth").mockImplementation((...args: any[]) => {
      fetchers.push(args[0]);
      setAuth.apply(base(), args);
    });
    await attach(jwt("user_a"), contextFor("user_a"));
    await attach(jwt("user_a"), contextFor("user_a"));
    await detach();
    expect(fetchers).toHaveLength(3);
    for (const forceRefreshToken of [false, true]) {
      for (const fetcher of fetchers) expect(await fetcher({ forceRefreshToken })).toBeNull();
    }
  });

  it("d6_dispose_answers_with_the_last_good_token_and_leaves_the_client_signed_in", async () => {
    const { server, adapter, attach, barrier } = rig();
    await attach(jwt("user_a"), contextFor("user_a"));
    adapter.close!();
    expect(await barrier()).toBe("user_a");
    expect(server.auths()).toHaveLength(1);
  });

  it("d6_dispose_during_a_hold_lets_the_client_go", async () => {
    const { adapter, barrier, base } = rig();
    adapter.hold!(false);
    adapter.close!();
    expect(await barrier()).toBeNull();
    expect(Object.hasOwn(base().webSocketManager, "connect")).toBe(false);
  });

  it("d6_dispose_during_a_refusal_leaves_no_dead_socket", async () => {
    const { server, adapter, attach, barrier } = rig();
    const bad = jwt("user_a");
    server.refused.add(bad);
    await expect(attach(bad, contextFor("user_a"))).rejects.toThrow();
    adapter.close!();
    expect(await barrier()).toBeNull();
  });

  it("d6_a_refusal_after_dispose_leaves_no_dead_socket", async () => {
    const { server, client, adapter, attach, barrier } = rig();
    const token = jwt("user_a");
    await attach(token, contextFor("user_a"));
    adapter.close!();
    server.refused.add(token);
    server.drop();
    expect(await barrier()).toBeNull();
    // Another bridge may have the client then.
    const next = adapterOf(convex(client))!;
    next.hold!(false);
    await next.attach(jwt("user_b"), contextFor("user_b"));
    expect(await barrier()).toBe("user_b");
    next.close!();
  });
});
