// The Triplit adapter: the real client of 1.x over a server in memory, and what is special to 0.x.
import { Schema as S } from "@triplit/client";
import { describe, expect, it, vi } from "vitest";
import { adapterOf } from "../src/backend.js";
import { triplit } from "../src/triplit.js";
import { adapt, contextFor, rig } from "./fake/triplit-rig.js";
import { jwt } from "./fake/triplit-server.js";

const until = vi.waitFor;
const failure = (work: Promise<unknown> | void) => Promise.resolve(work).then(() => null, (error: any) => error);
const task = (id: string, owner: string) => ({ id, owner, text: id });

describe("attaching", () => {
  it("a2_is_done_once_the_server_has_taken_the_token", async () => {
    const { server, client, adapter } = rig();
    server.state.saysReady = false;
    let done = false;
    const attached = Promise.resolve(adapter.attach(jwt("user_a"), contextFor("user_a").context)).then(() => {
      done = true;
    });
    await until(() => expect(client.connectionStatus).toBe("OPEN"));
    expect(done).toBe(false);
    server.sockets[0]!.say("READY", { clientId: "c" });
    await attached;
  });

  it("h20_ten_rotations_are_one_socket_and_no_session_error", async () => {
    const { server, errors, adapter } = rig();
    const { context } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    const tokens = Array.from({ length: 10 }, () => jwt("user_a"));
    for (const token of tokens) await adapter.update!(token, context);
    expect(server.sockets).toHaveLength(1);
    expect(server.updates).toEqual(tokens);
    expect(errors).toEqual([]);
  });

  it("i2_two_attaches_with_one_token_are_one_socket", async () => {
    const { server, client, adapter } = rig();
    const token = jwt("user_a");
    const { context } = contextFor("user_a");
    await Promise.all([adapter.attach(token, context), adapt(client).adapter.attach(token, context)]);
    await adapter.attach(token, context);
    expect(server.sockets).toHaveLength(1);
  });

  it("h21_a_connection_that_fails_is_a_passing_failure", async () => {
    const { server, adapter } = rig();
    server.state.isDown = true;
    const token = jwt("user_a");
    const error = await failure(adapter.attach(token, contextFor("user_a").context));
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBeUndefined();
    server.state.isDown = false;
    await adapter.attach(token, contextFor("user_a").context);
    expect(server.open()).toHaveLength(1);
  });

  it("d2_ends_with_its_session", async () => {
    const { server, adapter } = rig();
    server.state.hangs = true;
    const { context, end } = contextFor("user_a");
    const attached = failure(adapter.attach(jwt("user_a"), context));
    end();
    expect(await attached).toMatchObject({ code: "ERR_SIGNED_OUT" });
    expect(await failure(adapter.attach(jwt("user_a"), context))).toMatchObject({ code: "ERR_SIGNED_OUT" });
  });
});

describe("refusals", () => {
  it.each(["UNAUTHORIZED", "TOKEN_EXPIRED", "ROLES_MISMATCH"])("h21_%s_while_attaching", async (why) => {
    const { server, adapter } = rig();
    server.state.refusal = why;
    const { context, rejected } = contextFor("user_a");
    const token = jwt("user_a");
    for (let i = 0; i < 2; i++)
      expect(await failure(adapter.attach(token, context))).toMatchObject({ code: "ERR_BACKEND_REJECTED" });
    expect(rejected).not.toHaveBeenCalled();
    expect(server.sockets).toHaveLength(2);
  });

  it.each(["UNAUTHORIZED", "TOKEN_EXPIRED", "ROLES_MISMATCH"])("h21_%s_later_is_told_once", async (why) => {
    const { server, adapter } = rig();
    const { context, rejected } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    server.sockets[0]!.end(why);
    expect(rejected).toHaveBeenCalledExactlyOnceWith({ retry: true });
    await adapter.attach(jwt("user_a"), context);
    expect(server.open()).toHaveLength(1);
    expect(server.sockets).toHaveLength(2);
  });

  it("h21_a_dropped_socket_comes_back_and_a_token_that_ran_out_meanwhile_is_told", async () => {
    const { server, client, adapter } = rig();
    const { context, rejected } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    server.sockets[0]!.drop();
    await until(() => expect(client.syncEngine.serverReady).toBe(true));
    expect(rejected).not.toHaveBeenCalled();
    server.state.refusal = "UNAUTHORIZED";
    server.open()[0]!.drop();
    await until(() => expect(rejected).toHaveBeenCalledOnce());
    server.state.refusal = undefined;
    await adapter.attach(jwt("user_a"), context);
    expect(server.open()).toHaveLength(1);
  });

  it("h21_a_newer_token_brings_a_closed_socket_back", async () => {
    const { server, adapter } = rig();
    const { context } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    server.sockets[0]!.end("INTERNAL_ERROR");
    const token = jwt("user_a");
    await adapter.update!(token, context);
    expect(server.open().map((socket) => socket.token)).toEqual([token]);
    expect(server.updates).toEqual([]);
  });

  it("c3_a_token_that_the_client's_clock_takes_for_expired_gets_a_socket_of_its_own", async () => {
    const { server, adapter } = rig();
    const { context } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    const token = jwt("user_a", { exp: 1 });
    await adapter.update!(token, context);
    expect(server.open().map((socket) => socket.token)).toEqual([token]);
  });

  it("h23_other_roles_are_a_new_session_and_the_old_rows_go", async () => {
    const roles = { authenticated: { match: { sub: "$sub", role: "$role" } } };
    const schema = S.Collections({ tasks: { schema: S.Schema({ id: S.Id(), owner: S.String(), text: S.String() }) } });
    const { server, shown, adapter } = rig(undefined, { schema, roles });
    const { context } = contextFor("user_a");
    server.rows.set("old", task("old", "user_a"));
    await adapter.attach(jwt("user_a", { role: "admin" }), context);
    await until(() => expect(shown()).toEqual(["old"]));
    server.rows.clear();
    await adapter.update!(jwt("user_a", { role: "member" }), context);
    expect(server.updates).toEqual([]);
    await until(() => expect(shown()).toEqual([]));
    expect(server.open()).toHaveLength(1);
  });

  it("a_schema_that_does_not_fit_is_a_warning", async () => {
    const { server, adapter, reported } = rig();
    server.state.refusal = "SCHEMA_MISMATCH";
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    expect(reported).toEqual([["backend.warning", "The schema of the client does not fit the server's."]]);
  });
});

describe("leaving", () => {
  it("h22_nothing_unsent_of_a_goes_out_as_b", async () => {
    const { server, client, kept, adapter } = rig();
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    client.disconnect();
    await client.insert("tasks", task("unsent", "user_a"));
    // And this one is being written while A leaves.
    void client.insert("tasks", task("late", "user_a"));
    await adapter.detach("user-switched");
    expect(await kept()).toEqual([]);
    await adapter.attach(jwt("user_b"), contextFor("user_b").context);
    await client.insert("tasks", task("b", "user_b"));
    await until(() => expect(server.writes).toEqual([["user_b", "b"]]));
  });

  it("h22_the_session_ends_before_the_data_is_cleared", async () => {
    const { server, client, adapter } = rig();
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    const calls: string[] = [];
    for (const name of ["endSession", "reset"]) {
      const own = client[name];
      client[name] = async () => {
        calls.push(name);
        await own.call(client);
        calls.push("/" + name);
      };
    }
    await adapter.detach("signed-out");
    expect(calls).toEqual(["endSession", "/endSession", "reset", "/reset"]);
    expect(server.open()).toEqual([]);
    expect(client.connectionStatus).toBe("UNINITIALIZED");
  });

  it("d3_what_is_being_taken_in_is_cleared_too", async () => {
    const { server, client, shown, kept, adapter } = rig();
    await client.ready;
    const { applyChangesWithTimestamp } = client.db;
    let taking = 0;
    client.db.applyChangesWithTimestamp = async (...what: unknown[]) => {
      taking++;
      // A store on disk takes a few turns.
      for (let turn = 0; turn < 5; turn++) await new Promise((next) => setTimeout(next));
      await applyChangesWithTimestamp.apply(client.db, what);
      taking--;
    };
    for (let i = 0; i < 3; i++) {
      await adapter.attach(jwt("user_a"), contextFor("user_a").context);
      await until(() => expect(server.sockets.at(-1)!.queries.size).toBe(1));
      server.push(task("row" + i, "user_a"));
      await adapter.detach("signed-out");
      await until(() => expect(taking).toBe(0));
      expect(await kept()).toEqual([]);
      expect(await client.db.getMetadata(["latest_server_timestamp"])).toBeUndefined();
      await until(() => expect(shown()).toEqual([]));
    }
  });

  it("h22_a_late_close_of_the_last_socket_does_not_stop_the_next", async () => {
    const { server, client, shown, adapter } = rig();
    server.rows.set("b", task("b", "user_b"));
    server.state.closesLate = true;
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    await adapter.detach("user-switched");
    await adapter.attach(jwt("user_b"), contextFor("user_b").context);
    server.finishClosing();
    await until(() => expect(shown()).toEqual(["b"]));
    await client.insert("tasks", task("b2", "user_b"));
    await until(() => expect(server.writes).toEqual([["user_b", "b2"]]));
  });

  it("h22_nor_does_one_that_was_only_connecting", async () => {
    const { server, shown, adapter } = rig();
    server.rows.set("b", task("b", "user_b"));
    server.state.hangs = true;
    const { context, end } = contextFor("user_a");
    const attached = failure(adapter.attach(jwt("user_a"), context));
    await until(() => expect(server.sockets).toHaveLength(1));
    end();
    await attached;
    await adapter.detach("user-switched");
    const next = adapter.attach(jwt("user_b"), contextFor("user_b").context);
    await until(() => expect(server.sockets).toHaveLength(2));
    for (const socket of server.sockets) socket.begin();
    await next;
    await until(() => expect(shown()).toEqual(["b"]));
    expect(server.sockets.map(({ sub }) => sub)).toEqual(["user_a", "user_b"]);
    expect(server.open()).toHaveLength(1);
  });

  it.each<["signed-out" | "user-switched" | "identity-changed" | "rejected", boolean, boolean]>([
    ["signed-out", true, true],
    ["signed-out", false, false],
    ["user-switched", false, true],
    ["identity-changed", false, true],
    ["rejected", true, false],
  ])("h22_%s_with_clearOnSignOut_%s_clears_%s", async (reason, clearOnSignOut, clears) => {
    const { server, client, kept, adapter } = rig({ clearOnSignOut });
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    await client.insert("tasks", task("a", "user_a"));
    await until(() => expect(server.writes).toHaveLength(1));
    await adapter.detach(reason);
    expect(await kept()).toEqual(clears ? [] : ["a"]);
    expect(server.open()).toEqual([]);
    expect(adapter.keepsSignedOut).toBe(!clearOnSignOut);
  });

  it("d3_data_that_cannot_be_cleared_is_told", async () => {
    const { client, adapter } = rig();
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    client.db.clear = () => Promise.reject(new Error("blocked"));
    expect(await failure(adapter.detach("signed-out") as Promise<void>)).toMatchObject({ message: "blocked" });
  });

  it("d4_what_an_earlier_page_left_behind_is_cleared_before_anybody_is_attached", async () => {
    const { client, kept, adapter } = rig();
    await client.insert("tasks", task("a", "user_a"));
    await adapter.detach("user-switched");
    expect(await kept()).toEqual([]);
  });

  it("d6_after_close_nothing_is_said_and_the_client_is_left_as_it_is", async () => {
    const { server, client, adapter } = rig();
    const { transport } = client.syncEngine;
    const { context, rejected } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    adapter.close!();
    await until(() => expect(client.syncEngine.sessionErrorSubscribers.size).toBe(1));
    expect(client.syncEngine.messageReceivedSubscribers.size).toBe(0);
    expect(transport.onMessage).toBe(Object.getPrototypeOf(transport).onMessage);
    expect(server.open()).toHaveLength(1);
    server.sockets[0]!.end("UNAUTHORIZED");
    expect(rejected).not.toHaveBeenCalled();
  });
});

/** The part of 0.x that is used. From 0.6 on it knows sessions. */
const old = (sessions: boolean) => {
  const calls: string[] = [];
  const statuses = new Set<(status: string) => void>();
  const messages = new Set<(message: object) => void>();
  const errors = new Set<(error: string) => void>();
  const listen = <T>(to: Set<T>) => (listener: T) => {
    to.add(listener);
    return () => to.delete(listener);
  };
  const become = (status: string) => {
    client.connectionStatus = status;
    for (const told of statuses) told(status);
  };
  const client: any = {
    connectionStatus: "CLOSED",
    onConnectionStatusChange: listen(statuses),
    onSyncMessageReceived: listen(messages),
    updateOptions() {},
    connect() {
      calls.push("connect");
      queueMicrotask(() => become("OPEN"));
    },
    disconnect() {
      calls.push("disconnect");
      become("CLOSED");
    },
    updateToken: (token?: string) => void calls.push("token " + (token ?? "none")),
    clear: () => void calls.push("clear"),
  };
  if (sessions)
    Object.assign(client, {
      onSessionError: listen(errors),
      async startSession(token: string) {
        calls.push("start " + token);
        if (client.token) throw new Error("SessionAlreadyActive");
        if (token === "expired") throw Object.assign(new Error("expired"), { name: "TokenExpiredError" });
        client.token = token;
        queueMicrotask(() => become("OPEN"));
      },
      async endSession() {
        calls.push("end");
        client.token = undefined;
        become("CLOSED");
      },
      updateSessionToken: (token: string) => void calls.push("update " + token),
      reset: () => void calls.push("reset"),
    });
  return {
    client,
    calls,
    refuse(type: string) {
      for (const told of messages) told({ type: "CLOSE", payload: { type, retry: false } });
      for (const told of errors) told(type);
      become("CLOSED");
    },
  };
};

describe("0.x", () => {
  it("h20_0.6_knows_sessions", async () => {
    const { client, calls } = old(true);
    const { adapter } = adapt(client);
    const { context } = contextFor("user_a");
    await adapter.attach("one", context);
    await adapter.attach("one", context);
    await adapter.update!("two", context);
    client.connectionStatus = "CLOSED";
    await adapter.update!("three", context);
    await adapter.detach("signed-out");
    expect(calls).toEqual(["end", "start one", "update two", "end", "start three", "end", "reset"]);
  });

  it("h20_0.5_knows_none", async () => {
    const { client, calls } = old(false);
    const { adapter } = adapt(client);
    const { context } = contextFor("user_a");
    await adapter.attach("one", context);
    await adapter.attach("one", context);
    calls.length = 0;
    await adapter.update!("two", context);
    await adapter.detach("signed-out");
    const leaving = ["disconnect", "token none"];
    expect(calls).toEqual([...leaving, "token two", "connect", ...leaving, "clear"]);
  });

  it.each([true, false])("h21_a_refusal_is_told_once (sessions: %s)", async (sessions) => {
    const { client, refuse } = old(sessions);
    const { adapter } = adapt(client);
    const { context, rejected } = contextFor("user_a");
    await adapter.attach("one", context);
    refuse("UNAUTHORIZED");
    expect(rejected).toHaveBeenCalledExactlyOnceWith({ retry: true });
  });

  it("h21_an_expired_token_is_a_refusal", async () => {
    const { adapter } = adapt(old(true).client);
    const error = await failure(adapter.attach("expired", contextFor("user_a").context));
    expect(error).toMatchObject({ code: "ERR_BACKEND_REJECTED" });
  });
});

describe("options", () => {
  const bad = (call: () => unknown) => expect(call).toThrow(expect.objectContaining({ code: "ERR_OPTIONS" }));

  it("a_call_that_could_never_work_throws", () => {
    bad(() => triplit({}));
    bad(() => triplit(null as any));
    bad(() => triplit(old(true).client, { template: 7 as any }));
  });

  it("says_what_it_is", () => {
    const { client } = old(true);
    const adapter = adapterOf(triplit(client, { template: "t" }));
    expect(adapter).toMatchObject({ kind: "triplit", policy: 3, template: "t", client, keepsSignedOut: false });
  });
});
