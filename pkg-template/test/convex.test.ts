// The Convex adapter against the real clients of Convex: attaching, holding, leaving.
import { anyApi } from "convex/server";
import { describe, expect, it, vi } from "vitest";
import { adapterOf } from "../src/backend.js";
import { convex } from "../src/convex.js";
import { contextFor, jwt, type Kind, rig } from "./fake/convex-rig.js";

const api: any = anyApi;
const until = vi.waitFor;
const kinds: Kind[] = ["react", "plain", "base"];

describe.each(kinds)("%s", (kind) => {
  it("h1_one_authenticate_at_start_and_queries_run_once", async () => {
    const { server, adapter, attach, barrier, watch } = rig(kind);
    adapter.hold!(false);
    watch();
    const token = jwt("user_a");
    await attach(token, contextFor("user_a"));
    expect(await barrier()).toBe("user_a");
    expect(server.auths()).toEqual([token]);
    expect(server.ran.filter(({ kind }) => kind === "query")).toEqual([
      { kind: "query", path: "test:who", user: "user_a" },
    ]);
  });

  it("h1_a_rotation_is_one_authenticate", async () => {
    const { server, attach, barrier } = rig(kind);
    const [one, two] = [jwt("user_a"), jwt("user_a")];
    await attach(one, contextFor("user_a"));
    await attach(two, contextFor("user_a"));
    await barrier();
    expect(server.auths()).toEqual([one, two]);
    expect(server.sockets).toHaveLength(1);
  });

  it("h3_sign_out_leaves_the_server_without_identity_and_no_timer", async () => {
    const { server, attach, detach, barrier, base } = rig(kind);
    const token = jwt("user_a", 12);
    await attach(token, contextFor("user_a"));
    await detach();
    expect(await barrier()).toBeNull();
    expect(server.auths()).toEqual([token, null]);
    expect(base().hasAuth()).toBe(false);
    expect(base().authenticationManager.authState.state).toBe("noAuth");
  });

  it("h7_anonymous_visitors_get_through_also_with_expectAuth", async () => {
    const { server, adapter, barrier, watch } = rig(kind, { expectAuth: true });
    adapter.hold!(false);
    watch();
    await adapter.nobody!();
    expect(await barrier()).toBeNull();
    expect(server.auths()).toEqual([]);
    expect(server.ran).toContainEqual({ kind: "query", path: "test:who", user: null });
  });

  it("h4_another_user_goes_straight_over", async () => {
    const { server, attach, barrier, watch } = rig(kind);
    const [a, b] = [jwt("user_a"), jwt("user_b")];
    watch();
    await attach(a, contextFor("user_a"));
    await attach(b, contextFor("user_b"));
    expect(await barrier()).toBe("user_b");
    expect(server.auths()).toEqual([a, b]);
    expect(server.ran.filter(({ kind }) => kind === "query").map(({ user }) => user)).toEqual(["user_a", "user_b"]);
  });
});

describe("holding", () => {
  it("h6_nothing_goes_out_until_it_is_known_who_it_is", async () => {
    const { server, adapter, base, attach, watch } = rig();
    adapter.hold!(false);
    adapter.hold!(false);
    watch();
    const mutation = base().mutation("test:queued", {});
    await until(() => expect(server.sockets[0]?.isOpen).toBe(true));
    expect(server.received).toEqual([]);
    await attach(jwt("user_a"), contextFor("user_a"));
    expect(await mutation).toBe("user_a");
    expect(server.ran.every(({ user }) => user === "user_a")).toBe(true);
  });

  it("h6_the_hold_outlives_sockets_that_drop", async () => {
    const { server, adapter, attach, watch, barrier } = rig();
    adapter.hold!(false);
    watch();
    for (const count of [1, 2, 3]) {
      await until(() => expect(server.sockets.length === count && server.sockets[count - 1]!.isOpen).toBe(true), 9_000);
      if (count < 3) server.drop();
    }
    expect(server.received).toEqual([]);
    const token = jwt("user_a");
    await attach(token, contextFor("user_a"));
    expect(await barrier()).toBe("user_a");
    expect(server.auths()).toEqual([token]);
    expect(server.ran.every(({ user }) => user === "user_a")).toBe(true);
  }, 20_000);

  it("h6_a_token_that_comes_while_the_socket_is_down_goes_first", async () => {
    const { server, adapter, attach, watch, base } = rig();
    adapter.hold!(false);
    watch();
    await until(() => expect(server.sockets[0]?.isOpen).toBe(true));
    server.drop();
    await until(() => expect(base().connectionState().isWebSocketConnected).toBe(false));
    await attach(jwt("user_a"), contextFor("user_a"));
    await until(() => expect(server.ran).toHaveLength(1));
    expect(server.ran[0]!.user).toBe("user_a");
  });

  it("h6_afterwards_the_client_reconnects_as_ever", async () => {
    const { server, adapter, attach, base } = rig();
    adapter.hold!(false);
    await attach(jwt("user_a"), contextFor("user_a"));
    expect(Object.hasOwn(base().webSocketManager, "connect")).toBe(false);
    server.drop();
    await until(() => expect(server.sockets).toHaveLength(2), 5_000);
    await until(() => expect(server.user()).toBe("user_a"));
  });

  it("h3_sign_out_during_a_hold_ends_anonymous", async () => {
    const { server, adapter, detach, barrier, watch } = rig();
    adapter.hold!(false);
    watch();
    await detach();
    expect(await barrier()).toBeNull();
    expect(server.auths().every((value) => value === null)).toBe(true);
  });

  it("h3_sign_out_while_attached_and_held_leaves_no_identity_and_no_queued_call_runs", async () => {
    const { server, adapter, attach, detach, barrier, base } = rig();
    await attach(jwt("user_a"), contextFor("user_a"));
    await barrier();
    adapter.hold!(false);
    const queued = base().mutation("test:queued", {});
    const failed = expect(queued).rejects.toThrow("The user left");
    await detach();
    await failed;
    expect(await barrier()).toBeNull();
    expect(server.ran.filter(({ path }) => path === "test:queued")).toEqual([]);
    expect(server.user()).toBeNull();
  });

  it("d6_a_client_that_is_still_signed_in_from_before_becomes_nobody", async () => {
    const { server, attach, barrier, client } = rig();
    await attach(jwt("user_a"), contextFor("user_a"));
    const next = adapterOf(convex(client))!;
    next.hold!(false);
    await next.nobody!();
    expect(await barrier()).toBeNull();
    expect(server.user()).toBeNull();
  });
});

describe("one step right after the other", () => {
  it("h6_a_visitor_who_signs_in_at_once_is_held_and_attached", async () => {
    const { server, adapter, attach, barrier, watch } = rig();
    watch();
    for (const step of [adapter.hold!, adapter.nobody!, adapter.hold!]) await step(false);
    const token = jwt("user_a");
    await attach(token, contextFor("user_a"));
    expect(await barrier()).toBe("user_a");
    expect(server.auths()).toEqual([token]);
    expect(server.received[0].type).toBe("Connect");
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 8, 12])("whatever_comes_%i_microtasks_later_is_not_lost", async (ticks) => {
    const { server, adapter, attach, detach, barrier } = rig();
    const soon = async (step: () => unknown) => {
      const done = step();
      for (let i = 0; i < ticks; i++) await null;
      return done;
    };
    const [one, two, three] = [jwt("user_a"), jwt("user_a"), jwt("user_b")];
    const gone = contextFor("user_a");
    void soon(() => adapter.hold!(false));
    void soon(() => adapter.nobody!());
    void soon(() => adapter.hold!(false));
    const aborted = soon(() => attach(one, gone));
    aborted.catch(() => {});
    await soon(() => gone.end());
    await soon(() => detach());
    await soon(() => adapter.hold!(false));
    await attach(two, contextFor("user_a"));
    await attach(three, contextFor("user_b"));
    expect(await barrier()).toBe("user_b");
    expect(server.auths().slice(-2)).toEqual([two, three]);
  });

  it("h7_a_client_that_has_opened_paused_still_says_connect", async () => {
    const { server, adapter, attach, barrier, watch } = rig("react", { expectAuth: true });
    watch();
    await until(() => expect(server.sockets[0]?.isOpen).toBe(true));
    adapter.hold!(false);
    await attach(jwt("user_a"), contextFor("user_a"));
    expect(await barrier()).toBe("user_a");
    expect(server.received.map(({ type }) => type).slice(0, 3)).toEqual(["Connect", "Authenticate", "ModifyQuerySet"]);
    expect(server.sockets).toHaveLength(1);
  });
});

describe("leaving", () => {
  const offline = async (r: ReturnType<typeof rig>) => {
    r.server.drop();
    await until(() => expect(r.base().connectionState().isWebSocketConnected).toBe(false));
  };

  it("h6_what_the_leaver_queued_runs_neither_as_them_nor_as_the_next", async () => {
    const r = rig();
    await r.attach(jwt("user_a"), contextFor("user_a"));
    await offline(r);
    const queued = r.base().mutation("test:queued", {});
    const action = r.base().action("test:action", {});
    const failed = Promise.all([
      expect(queued).rejects.toThrow("The user left"),
      expect(action).rejects.toThrow("The user left"),
    ]);
    await r.attach(jwt("user_b"), contextFor("user_b"));
    await failed;
    expect(await r.barrier()).toBe("user_b");
    expect(r.server.ran.map(({ path }) => path)).toEqual(["test:barrier"]);
  });

  it("h6_a_mutation_sent_but_not_answered_is_not_sent_again_as_the_next", async () => {
    const r = rig();
    await r.attach(jwt("user_a"), contextFor("user_a"));
    r.server.keepAnswers();
    const sent = r.base().mutation("test:sent", {});
    const failed = expect(sent).rejects.toThrow("The user left");
    await until(() => expect(r.server.ran).toHaveLength(1));
    await r.detach();
    await failed;
    await offline(r);
    await until(() => expect(r.server.sockets).toHaveLength(2), 5_000);
    await r.attach(jwt("user_b"), contextFor("user_b"));
    expect(r.server.ran).toEqual([{ kind: "mutation", path: "test:sent", user: "user_a" }]);
  });

  it("h6_what_the_next_user_asked_while_held_is_kept", async () => {
    const r = rig();
    await r.attach(jwt("user_a"), contextFor("user_a"));
    await r.barrier();
    r.adapter.hold!(true);
    const early = r.base().mutation("test:early", {});
    await r.attach(jwt("user_b"), contextFor("user_b"));
    expect(await early).toBe("user_b");
  });

  it("h6_what_the_leaver_queued_fails_when_they_leave_though_no_token_has_come_for_the_next", async () => {
    const r = rig();
    await r.attach(jwt("user_a"), contextFor("user_a"));
    await offline(r);
    const failed = expect(r.base().mutation("test:queued", {})).rejects.toThrow("The user left");
    r.adapter.hold!(true);
    await failed;
  });

  it.each<[string, (r: ReturnType<typeof rig>) => unknown]>([
    ["the token ran out", () => {}],
    ["the server refused the token", (r) => r.server.refused.add(r.server.auths().at(-1))],
  ])("h6_what_was_asked_after_%s_is_the_leavers_too", async (_, fail) => {
    const r = rig();
    const context = contextFor("user_a");
    await r.attach(jwt("user_a"), context);
    await r.barrier();
    await fail(r);
    if (r.server.refused.size) {
      r.server.drop();
      await until(() => expect(context.rejected).toHaveBeenCalled(), 5_000);
    } else r.adapter.hold!(false);
    const failed = expect(r.base().mutation("test:theirs", {})).rejects.toThrow("The user left");
    await r.adapter.hold!(true);
    const early = r.base().mutation("test:early", {});
    await failed;
    await r.attach(jwt("user_b"), contextFor("user_b"));
    expect(await early).toBe("user_b");
    expect(r.server.ran.filter(({ path }) => path === "test:theirs")).toEqual([]);
  });

  it("h6_two_switches_in_a_row_drop_what_the_one_between_asked", async () => {
    const r = rig();
    await r.attach(jwt("user_a"), contextFor("user_a"));
    await r.barrier();
    r.adapter.hold!(true);
    const failed = expect(r.base().mutation("test:of_b", {})).rejects.toThrow("The user left");
    r.adapter.hold!(true);
    const early = r.base().mutation("test:of_c", {});
    await r.attach(jwt("user_c"), contextFor("user_c"));
    await failed;
    expect(await early).toBe("user_c");
  });

  it("h6_who_comes_back_keeps_what_was_asked_since", async () => {
    const r = rig();
    await r.attach(jwt("user_a"), contextFor("user_a"));
    await r.barrier();
    r.adapter.hold!(true);
    r.adapter.hold!(true);
    const early = r.base().mutation("test:early", {});
    await r.attach(jwt("user_a"), contextFor("user_a"));
    expect(await early).toBe("user_a");
  });

  it("h6_optimistic_updates_of_the_leaver_roll_back", async () => {
    const r = rig();
    r.watch("test:list");
    await r.attach(jwt("user_a"), contextFor("user_a"));
    await until(() => expect(r.base().localQueryResult("test:list", {})).toBe("user_a"));
    await offline(r);
    const optimisticUpdate = (store: any) => store.setQuery(api.test.list, {}, "optimistic");
    const failed = expect(r.base().mutation("test:add", {}, { optimisticUpdate })).rejects.toThrow("The user left");
    expect(r.base().localQueryResult("test:list", {})).toBe("optimistic");
    await r.detach();
    await failed;
    expect(r.base().localQueryResult("test:list", {})).toBe("user_a");
  });

  it("h6_without_the_internals_a_switch_goes_through_nobody", async () => {
    const { server, attach, barrier, base } = rig();
    const [a, b] = [jwt("user_a"), jwt("user_b")];
    await attach(a, contextFor("user_a"));
    await barrier();
    const { inflightRequests } = base().requestManager;
    base().requestManager.inflightRequests = undefined;
    const attached = attach(b, contextFor("user_b"));
    base().requestManager.inflightRequests = inflightRequests;
    await attached;
    expect(await barrier()).toBe("user_b");
    expect(server.auths()).toEqual([a, null, b]);
  });

  it.each<[string, (r: ReturnType<typeof rig>) => unknown]>([
    ["on a stopped socket", (r) => r.base().webSocketManager.stop()],
    ["while held", (r) => r.adapter.hold!(false)],
    ["while Convex takes in what it was told", (r) => void (r.adapter.hold!(false), r.adapter.nobody!())],
    ["after another user", (r) => r.attach(jwt("user_x"), contextFor("user_x"))],
  ])("d2_an_attach_whose_session_ends_settles_at_once_%s", async (_, before) => {
    const r = rig();
    await before(r);
    const context = contextFor("user_a");
    const attached = r.attach(jwt("user_a"), context);
    let settled = false;
    attached.catch(() => {
      settled = true;
    });
    context.end();
    for (let i = 0; i < 50; i++) await null;
    expect(settled).toBe(true);
    await expect(attached).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
  });

  it("d2_an_attach_whose_session_is_over_already_is_refused", async () => {
    const { server, attach, barrier } = rig();
    const context = contextFor("user_a");
    context.end();
    await expect(attach(jwt("user_a"), context)).rejects.toMatchObject({ code: "ERR_SIGNED_OUT" });
    expect(await barrier()).toBeNull();
    expect(server.auths()).toEqual([]);
  });
});
