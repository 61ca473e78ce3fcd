// The Instant adapter against the real client of Instant: exchanging, leaving, and what other tabs do meanwhile.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { adapterOf } from "../src/backend.js";
import { instant } from "../src/instant.js";
import { contextFor, createBrowser, jwt } from "./fake/instant-rig.js";

const until = vi.waitFor;
const failure = (work: Promise<unknown> | void) => Promise.resolve(work).then(() => null, (error: any) => error);

beforeEach(() => localStorage.clear());

describe("exchanging", () => {
  it("h10_one_exchange_and_none_for_a_user_whose_session_is_there", async () => {
    const { server, openTab } = createBrowser();
    const first = openTab();
    await first.adapter.attach(jwt("user_a"), contextFor("user_a").context);
    expect(await first.who()).toBe("instant_user_a");
    first.shut();
    const reloaded = openTab();
    await reloaded.adapter.attach(jwt("user_a"), contextFor("user_a", true).context);
    expect(await reloaded.who()).toBe("instant_user_a");
    expect(server.calls).toEqual(["id_token"]);
  });

  it.each([true, false])("h10_several_tabs_exchange_once (owned: %s)", async (owned) => {
    const { server, openTab } = createBrowser();
    const tabs = [openTab(), openTab(), openTab()];
    const release = server.hold();
    const attached = tabs.map(({ adapter }) => adapter.attach(jwt("user_a"), contextFor("user_a", owned).context));
    await until(() => expect(server.calls).toEqual(["id_token"]));
    release();
    await Promise.all(attached);
    for (const { who } of tabs) expect(await who()).toBe("instant_user_a");
    expect(server.calls).toEqual(["id_token"]);
    for (const { db } of tabs) expect(db._reactor._currentUserCached.user.id).toBe("instant_user_a");
  });

  it("e4_without_web_locks_each_tab_works_alone", async () => {
    const { server, openTab } = createBrowser();
    vi.stubGlobal("navigator", { onLine: true });
    const { adapter, who } = openTab();
    const { context, end } = contextFor("user_b");
    end();
    expect(await failure(adapter.attach(jwt("user_b"), context))).toMatchObject({ code: "ERR_SIGNED_OUT" });
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    expect(await who()).toBe("instant_user_a");
    expect(server.calls).toEqual(["id_token"]);
  });

  it("h10_a_tab_that_was_not_told_of_the_exchange_follows_all_the_same", async () => {
    const { server, openTab } = createBrowser();
    vi.stubGlobal("BroadcastChannel", undefined);
    const [first, second] = [openTab(), openTab()];
    expect(await second.who()).toBeNull();
    await first.adapter.attach(jwt("user_a"), contextFor("user_a").context);
    const told: unknown[] = [];
    second.db.subscribeAuth(({ user }: any) => told.push(user?.id));
    await second.adapter.attach(jwt("user_a"), contextFor("user_a", true).context);
    expect(told.at(-1)).toBe("instant_user_a");
    expect(server.calls).toEqual(["id_token"]);
  });

  it("h12_a_session_nobody_knows_of_is_revoked_first", async () => {
    const { server, openTab } = createBrowser();
    const before = openTab();
    await before.db.auth.signInWithIdToken({ clientName: "clerk", idToken: jwt("user_x") });
    before.shut();
    server.calls.length = 0;
    const { adapter, who } = openTab();
    server.setOffline(true);
    expect(await failure(adapter.attach(jwt("user_a"), contextFor("user_a").context))).toBeInstanceOf(TypeError);
    expect(await who()).toBeNull();
    server.setOffline(false);
    // The record of this very tab says "owned" by now.
    await adapter.attach(jwt("user_a"), contextFor("user_a", true).context);
    expect(server.calls).toEqual(["signout user_x", "signout user_x", "id_token"]);
    expect([...server.alive.values()]).toEqual(["user_a"]);
    expect(await who()).toBe("instant_user_a");
  });

  it("a_guest_becomes_the_user_in_place", async () => {
    const { server, openTab } = createBrowser();
    const { db, adapter, who } = openTab();
    server.alive.set("guest_token", "guest_1");
    await db._reactor.changeCurrentUser({ id: "g", type: "guest", refresh_token: "guest_token" });
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    expect([...server.alive]).toEqual([["guest_token", "user_a"]]);
    expect(await who()).toBe("instant_user_a");
  });

  it("h13_a_revoked_session_is_mended_by_one_local_sign_out_and_one_new_exchange", async () => {
    const { server, openTab } = createBrowser();
    const { db, adapter, who } = openTab();
    await db._reactor.changeCurrentUser({ id: "g", type: "guest", refresh_token: "dead" });
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    expect(server.calls).toEqual(["id_token", "id_token"]);
    expect(await who()).toBe("instant_user_a");
  });

  it("h13_a_client_that_signs_itself_out_is_told_and_attaches_anew", async () => {
    const { server, openTab } = createBrowser();
    const { db, adapter, who } = openTab();
    const { context, rejected } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    // What Instant's client does when the server knows its session no more.
    await db._reactor.changeCurrentUser(null);
    expect(rejected).toHaveBeenCalledExactlyOnceWith({ retry: true });
    await adapter.attach(jwt("user_a"), contextFor("user_a", true).context);
    expect(server.calls).toEqual(["id_token", "id_token"]);
    expect(await who()).toBe("instant_user_a");
  });
});

describe("refusals", () => {
  const expired = { type: "oauth-error", error: "Error validating JWT. Token is expired." };
  const signature = { type: "oauth-error", error: "Error validating JWT. Signature is invalid." };
  const client = { type: "record-not-found", message: "Record not found: app-oauth-client", hint: { "record-type": "app-oauth-client" } };
  const issuer = { type: "validation-failed", hint: { "data-type": "id_token", errors: [{ message: "The issuer is another." }] } };

  it.each([
    ["an expired token", expired, "ERR_BACKEND_REJECTED", "Token is expired."],
    ["a signature", signature, "ERR_BACKEND_CONFIG", "Signature is invalid."],
    ["a client name", client, "ERR_BACKEND_CONFIG", "Record not found: app-oauth-client"],
    ["an issuer", issuer, "ERR_BACKEND_CONFIG", "The issuer is another."],
  ])("h14_%s", async (_, body, code, hint) => {
    const { server, openTab } = createBrowser();
    const token = jwt("user_a");
    server.answers.push([400, body]);
    const error = await failure(openTab().adapter.attach(token, contextFor("user_a").context));
    expect(error).toMatchObject({ code });
    expect(error.hint).toContain('"clerk"');
    expect(error.hint).toContain(hint);
    expect(server.calls).toEqual(["id_token"]);
  });

  it.each<[number, object]>([
    [429, { type: "rate-limited", message: "Slow down." }],
    [500, { type: "unknown" }],
  ])("b2_%s_passes", async (status, body) => {
    const { server, openTab } = createBrowser();
    const { adapter, who } = openTab();
    server.answers.push([status, body], "offline");
    expect(await failure(adapter.attach(jwt("user_a"), contextFor("user_a").context))).toMatchObject({ status });
    expect(await failure(adapter.attach(jwt("user_a"), contextFor("user_a").context))).toBeInstanceOf(TypeError);
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    expect(await who()).toBe("instant_user_a");
  });

  it.each<[string, object, object, unknown[][]]>([
    ["both", {}, {}, [["backend.warning", "Add email and email_verified to the session token's claims."]]],
    ["one", { email: "a@b.c" }, { template: "t" }, [["backend.warning", "Add email_verified to the template's claims."]]],
    ["none", { email: "a@b.c", email_verified: false }, {}, []],
  ])("h14_the_claims_that_are_missing_are_named_once (%s)", async (_, claims, options, reports) => {
    const { adapter, reported } = createBrowser().openTab(options);
    await adapter.attach(jwt("user_a", claims), contextFor("user_a").context);
    await adapter.attach(jwt("user_a", claims), contextFor("user_a", true).context);
    expect(reported).toEqual(reports);
  });

  it("b9_a_token_that_is_no_jwt_is_exchanged_all_the_same", async () => {
    const { server, openTab } = createBrowser();
    const { adapter, reported, who } = openTab();
    server.answers.push([200, { user: { id: "someone", refresh_token: "r" } }]);
    await adapter.attach("opaque", contextFor("user_a").context);
    expect(await who()).toBe("someone");
    expect(reported).toEqual([]);
  });
});

describe("leaving", () => {
  it("h15_is_local_at_once_and_hands_back_what_is_to_be_revoked", async () => {
    const { server, openTab } = createBrowser();
    const [one, other] = [openTab(), openTab()];
    for (const { adapter } of [one, other]) await adapter.attach(jwt("user_a"), contextFor("user_a", true).context);
    server.setOffline(true);
    const session = await one.adapter.detach("signed-out");
    expect(server.alive.get(session as string)).toBe("user_a");
    expect(await one.who()).toBeNull();
    await until(async () => expect(await other.who()).toBeNull());
    expect(server.calls).toEqual(["id_token"]);
    await expect(one.adapter.revoke!(session as string)).rejects.toBeInstanceOf(TypeError);
    server.setOffline(false);
    await one.adapter.revoke!(session as string);
    expect(server.alive.size).toBe(0);
  });

  it("d3_what_is_shown_goes_with_its_user_also_without_the_server_and_in_the_other_tabs", async () => {
    const { server, openTab } = createBrowser();
    const tabs = [openTab(), openTab()];
    const lists = tabs.map(({ db }) => {
      const list: unknown[] = [];
      db.subscribeQuery({ tasks: {} }, ({ data }: any) => list.push(data.tasks.length), { ruleParams: { key: "k" } });
      db.subscribeQuery({ tasks: {} }, () => {
        throw new Error("a listener's own");
      });
      return list;
    });
    for (const { adapter } of tabs) await adapter.attach(jwt("user_a"), contextFor("user_a", true).context);
    expect(lists).toEqual([[], []]);
    server.setOffline(true);
    await Promise.all(tabs.map(({ adapter }) => adapter.detach("signed-out")));
    expect(lists).toEqual([[0], [0]]);
    for (const { db } of tabs) expect(db._reactor._currentUserCached.user).toBeNull();
  });

  it("d3_infinite_queries_show_nothing_of_the_last_user_either", async () => {
    const { db, adapter } = createBrowser().openTab();
    const shown: unknown[] = [];
    db.subscribeInfiniteQuery({ tasks: {} }, ({ data }: any) => shown.push(data.tasks));
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    await adapter.detach("signed-out");
    expect(shown).toEqual([[]]);
  });

  it("h11_a_sign_out_during_an_exchange_ends_signed_out", async () => {
    const { server, openTab } = createBrowser();
    const { adapter, who } = openTab();
    const { context, end } = contextFor("user_a");
    const release = server.hold();
    const attached = adapter.attach(jwt("user_a"), context);
    await until(() => expect(server.calls).toEqual(["id_token"]));
    end();
    release();
    await attached;
    const session = await adapter.detach("signed-out");
    await adapter.revoke!(session as string);
    expect(await who()).toBeNull();
    expect(server.alive.size).toBe(0);
  });

  it("d1_nothing_is_exchanged_for_a_session_that_is_over", async () => {
    const { server, openTab } = createBrowser();
    const [first, second] = [openTab(), openTab()];
    const release = server.hold();
    const attached = first.adapter.attach(jwt("user_a"), contextFor("user_a").context);
    await until(() => expect(server.calls).toEqual(["id_token"]));
    const { context, end } = contextFor("user_a");
    const waiting = failure(second.adapter.attach(jwt("user_a"), context));
    end();
    release();
    await attached;
    expect(await waiting).toBeTruthy();
    expect(server.calls).toEqual(["id_token"]);
  });

  it("h12_a_tab_that_comes_late_leaves_the_next_user_alone", async () => {
    const { server, openTab } = createBrowser();
    const [one, late] = [openTab(), openTab()];
    for (const { adapter } of [one, late]) await adapter.attach(jwt("user_a"), contextFor("user_a", true).context);
    await one.adapter.revoke!((await one.adapter.detach("user-switched")) as string);
    await one.adapter.attach(jwt("user_b"), contextFor("user_b").context);
    expect(await late.adapter.detach("user-switched")).toBeUndefined();
    await late.adapter.attach(jwt("user_b"), contextFor("user_b", true).context);
    expect(server.calls).toEqual(["id_token", "signout user_a", "id_token"]);
    for (const { who } of [one, late]) expect(await who()).toBe("instant_user_b");
  });

  it("h11_h12_a_session_that_lost_a_race_to_another_tabs_user_is_handed_back", async () => {
    const { server, openTab } = createBrowser();
    const [one, sibling, other] = [openTab(), openTab(), openTab()];
    const release = server.hold();
    const attached = [
      one.adapter.attach(jwt("user_a"), contextFor("user_a").context),
      other.adapter.attach(jwt("user_b"), contextFor("user_b").context),
    ];
    await until(() => expect(server.calls).toEqual(["id_token", "id_token"]));
    release();
    await Promise.all(attached);
    await sibling.adapter.attach(jwt("user_b"), contextFor("user_b", true).context);
    expect([...server.alive.values()]).toEqual(["user_a", "user_b"]);
    await one.adapter.revoke!((await one.adapter.detach("rejected")) as string);
    expect([...server.alive.values()]).toEqual(["user_b"]);
    expect(await one.adapter.detach("rejected")).not.toBe("refresh_user_a_1");
    expect(server.calls).toEqual(["id_token", "id_token", "signout user_a"]);
  });

  it("e2_d3_a_tab_never_goes_by_the_session_of_another_tabs_user", async () => {
    const { server, openTab } = createBrowser();
    const [one, two] = [openTab(), openTab()];
    const { context, rejected } = contextFor("user_a");
    await one.adapter.attach(jwt("user_a"), context);
    await two.adapter.attach(jwt("user_b"), contextFor("user_b", true).context);
    expect(server.calls).toEqual(["id_token", "signout user_a", "id_token"]);
    // What is said of it: that this cannot be mended by a newer token.
    await until(() => expect(rejected.mock.calls).toEqual([[{ retry: false, message: expect.stringMatching(/another user/) }]]));
    await one.adapter.detach("rejected");
    expect(await two.who()).toBe("instant_user_b");
    expect([...server.alive.values()]).toEqual(["user_b"]);
  });

  it("f4_whose_session_it_is_is_noted_while_it_lasts", async () => {
    const { adapter } = createBrowser().openTab();
    await adapter.attach(jwt("user_a"), contextFor("user_a").context);
    expect(Object.entries(localStorage).map(([, value]) => value)).toEqual(["user_a instant_user_a"]);
    await adapter.detach("signed-out");
    expect(localStorage).toHaveLength(0);
  });

  it("d4_what_an_earlier_page_left_behind_is_ended", async () => {
    const { server, openTab } = createBrowser();
    const before = openTab();
    await before.adapter.attach(jwt("user_a"), contextFor("user_a").context);
    before.shut();
    const { adapter, who } = openTab();
    await adapter.revoke!((await adapter.detach("user-switched")) as string);
    expect(await who()).toBeNull();
    expect(server.alive.size).toBe(0);
    expect(await adapter.detach("signed-out")).toBeUndefined();
  });

  it("h13_our_own_sign_out_is_no_refusal", async () => {
    const { adapter } = createBrowser().openTab();
    const { context, rejected } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    await adapter.detach("signed-out");
    expect(rejected).not.toHaveBeenCalled();
  });

  it("d6_after_close_nothing_is_said", async () => {
    const { db, adapter } = createBrowser().openTab();
    const { context, rejected } = contextFor("user_a");
    await adapter.attach(jwt("user_a"), context);
    adapter.close!();
    await db.auth.signOut({ invalidateToken: false });
    expect(rejected).not.toHaveBeenCalled();
  });
});

describe("options", () => {
  const bad = (call: () => unknown) => expect(call).toThrow(expect.objectContaining({ code: "ERR_OPTIONS" }));

  it("a_call_that_could_never_work_throws", () => {
    const { db } = createBrowser().openTab();
    bad(() => instant({}, { clientName: "clerk" }));
    bad(() => instant(null as any, { clientName: "clerk" }));
    bad(() => instant(db, {} as any));
    bad(() => instant(db, { clientName: "clerk", template: 7 as any }));
  });

  it("a_database_of_the_react_package_will_do", () => {
    const { db } = createBrowser().openTab();
    const adapter = adapterOf(instant({ core: db, auth: db.auth, useAuth() {} }, { clientName: "clerk", template: "t" }))!;
    expect([adapter.kind, adapter.policy, adapter.template]).toEqual(["instant", 2, "t"]);
    expect(adapter.client === db).toBe(true);
  });
});
