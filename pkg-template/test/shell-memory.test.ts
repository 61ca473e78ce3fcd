// The shell around a scripted machine: what it keeps in storage, and what it makes of what it finds there.
import { describe, expect, it, vi } from "vitest";
import { EFFECT, EVENT } from "../src/shell/numbers.js";
import { alice, rig, sourceOf } from "./fake/shell-rig.js";

describe("memory", () => {
  const record = () => localStorage.getItem("app");
  const live = () => sessionStorage.getItem("app");
  const stored = (text: string | null) => {
    const [version, ...rows] = JSON.parse(text!);
    expect(version).toBe("clerk-bridge 1");
    return rows;
  };
  const put = (storage: Storage, ...rows: (string | null)[][]) =>
    storage.setItem("app", JSON.stringify(["clerk-bridge 1", ...rows]));
  const who = (user: string, org: string | null) => [null, user, null, org];
  const remembering = (persist: number) => {
    const r = rig({ persist });
    r.shell.start(sourceOf(alice));
    const [[user, id, org, role]] = r.of("signedIn") as any;
    return { ...r, user, id, org, role };
  };

  it("f2_the_record_holds_who_and_whose_and_no_token", () => {
    const { want, user, org } = remembering(1);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, user], [EFFECT.store, user, org], [EFFECT.abort, 1]);
    expect(stored(record())).toEqual([who("alice", "org"), ["two", "alice", null]]);
    expect(live()).toBeNull();
  });

  it("f4_d4_after_a_sign_out_only_whose_data_it_is_remains_and_then_nothing", () => {
    const { want, user } = remembering(1);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, user], [EFFECT.store, user, 0]);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, user], [EFFECT.store, 0, 0]);
    expect(stored(record())).toEqual([["two", "alice", null]]);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, 0], [EFFECT.store, 0, 0]);
    expect(localStorage).toHaveLength(0);
  });

  it("f3_live_tokens_are_kept_for_this_tab_and_go_with_the_last", () => {
    const { want, user, id, org, role } = remembering(2);
    want([EFFECT.storeToken, 0, id], [EFFECT.storeToken, org, role], [EFFECT.storeLive, user, id, org, role]);
    expect(stored(live())).toEqual([
      ["alice", "s_1", "org", "admin"],
      [null, "s_1"],
      ["org", "admin"],
    ]);
    expect(record()).toBeNull();
    want([EFFECT.storeLive, 0, 0, 0, 0]);
    expect(sessionStorage).toHaveLength(0);
  });

  it("d4_the_record_is_told_before_the_start", () => {
    put(localStorage, who("alice", "org"), ["two", "alice", null], ["gone", "carol", "x"]);
    const r = remembering(1);
    const [[user, org]] = r.of("remembered") as any;
    expect([user, org].map(r.text)).toEqual(["alice", "org"]);
    expect(r.of("owner")).toEqual([[1, user]]);
    const order = r.told.map(([event]) => event);
    expect(order.indexOf("owner")).toBeLessThan(order.indexOf("start"));
    expect(user).toBe(r.user);
  });

  it("d4_an_attach_is_told_whether_the_record_of_any_tab_says_that_the_data_is_this_users", () => {
    const { shell } = remembering(1);
    const owned = [shell.owns(1, "alice")];
    const look = () => owned.push(shell.owns(1, "alice"));
    put(localStorage, ["one", "alice", null]);
    look();
    put(localStorage, ["two", "alice", null]);
    look();
    expect(owned).toEqual([false, false, true]);
  });

  it("d4_what_a_backend_keeps_that_this_page_does_not_have_stays_known", () => {
    const rows = [["triplit", "alice", null], ["instant", null, "theirs"]];
    put(localStorage, who("alice", null), ...rows);
    const { want, user } = remembering(1);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, 0], [EFFECT.store, user, 0]);
    expect(stored(record())).toEqual([who("alice", null), ...rows]);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.storeBackend, 1, 0], [EFFECT.store, 0, 0]);
    expect(stored(record())).toEqual(rows);
  });

  it("d4_e5_a_tab_that_comes_late_leaves_the_record_of_who_came_since_alone", () => {
    put(localStorage, who("alice", null), ["two", "alice", null]);
    const { want, user, shell } = remembering(1);
    const keeps = (owner: number, here: number) => [[EFFECT.storeBackend, 1, owner], [EFFECT.store, here, 0]] as const;
    const grace = [who("grace", "org"), ["two", "grace", null]];
    expect(shell.owns(1)).toBe(false);
    put(localStorage, ...grace);
    expect([shell.owns(0), shell.owns(1)]).toEqual([false, true]);
    want(...(keeps(user, 0) as any)); // signed out, and not detached yet
    expect(stored(record())).toEqual(grace);
    expect(shell.owns(1)).toBe(true);
    want(...(keeps(0, 0) as any));
    expect(stored(record())).toEqual(grace);
    want(...(keeps(user, user) as any)); // who comes to this tab is news
    expect(stored(record())).toEqual([who("alice", null), ["two", "alice", null]]);
    expect(shell.owns(1)).toBe(false);
    want(...(keeps(0, 0) as any));
    expect(record()).toBeNull();
  });

  it("d5_f2_sessions_to_be_revoked_are_kept_and_told_before_the_start", () => {
    const first = remembering(1);
    first.shell.tell(EVENT.owes, 1, "mine");
    const [[backend, session]] = first.of("owes") as any;
    expect([backend, first.text(session)]).toEqual([1, "mine"]);
    first.want([EFFECT.storeBackend, 0, 0, 0], [EFFECT.storeBackend, 1, 0, session], [EFFECT.store, 0, 0]);
    expect(stored(record())).toEqual([["two", null, "mine"]]);
    first.shell.dispose();
    const second = remembering(1);
    expect(second.of("owes").map(([index, owed]) => [index, second.text(owed!)])).toEqual([[1, "mine"]]);
    second.want([EFFECT.storeBackend, 0, 0, 0], [EFFECT.storeBackend, 1, 0, 0], [EFFECT.store, 0, 0]);
    expect(localStorage).toHaveLength(0);
  });

  it("d5_what_another_tab_has_to_revoke_stays", () => {
    const { want, user } = remembering(1);
    put(localStorage, ["two", null, "theirs"]);
    want([EFFECT.storeBackend, 0, 0, 0], [EFFECT.storeBackend, 1, user, 0], [EFFECT.store, user, 0]);
    expect(stored(record()).slice(1)).toEqual([
      ["two", "alice", null],
      ["two", null, "theirs"],
    ]);
  });

  it("f3_the_session_and_its_tokens_are_told_before_the_start", () => {
    put(localStorage, who("alice", null));
    put(sessionStorage, ["alice", "s_1", null, null], [null, "one"], ["hasura", "two"]);
    const r = remembering(2);
    const [[user, id, org, role]] = r.of("restored") as any;
    expect([user, id, org, role].map(r.text)).toEqual(["alice", "s_1", null, null]);
    expect(r.tokens).toEqual([
      [1, 0, expect.any(Number), 0, NaN, NaN],
      [1, expect.any(Number), expect.any(Number), 0, NaN, NaN],
    ]);
    expect(r.tokens.map(([, , token]) => r.text(token as number))).toEqual(["one", "two"]);
    expect(r.text(r.tokens[1]![1] as number)).toBe("hasura");
  });

  it.each([
    [0, 0],
    [1, 0],
  ])("f2_with_persist_%i_live_tokens_of_before_are_not_read", (persist) => {
    put(localStorage, who("alice", null));
    put(sessionStorage, ["alice", "s_1", null, null], [null, "one"]);
    const r = remembering(persist);
    expect(r.of("restored")).toEqual([]);
    expect(r.tokens).toEqual([]);
    expect(r.of("remembered").map(([user]) => r.text(user!))).toEqual(persist ? ["alice"] : []);
  });

  it.each([
    ['["clerk-bridge 1",[null,"s_1",null,null],[null,"one"]]'],
    ['["clerk-bridge 1",["alice"]]'],
    ['["clerk-bridge 1",[]]'],
    ['["clerk-bridge 1"]'],
    ['["clerk-bridge 1",["alice",null,null,null],[null,"one"]]'],
  ])("f1_a_session_that_is_not_whole_is_none: %s", (text) => {
    sessionStorage.setItem("app", text);
    const r = remembering(2);
    expect(r.of("restored")).toEqual([]);
    expect(r.tokens).toEqual([]);
  });

  it.each([
    ["nobody", []],
    ["bob", [who("bob", null)]],
  ])("e6_f4_a_session_that_ended_while_this_tab_was_elsewhere_is_not_restored_and_gone (%s is here)", (_, rows) => {
    put(localStorage, ...rows);
    put(sessionStorage, ["alice", "s_1", null, null], [null, "one"]);
    const r = remembering(2);
    expect(r.of("restored")).toEqual([]);
    expect(r.tokens).toEqual([]);
    expect(sessionStorage).toHaveLength(0);
  });

  it("f1_a_token_that_is_not_there_is_told_as_none", () => {
    put(localStorage, who("alice", null));
    put(sessionStorage, ["alice", "s_1", null, null], ["t"]);
    expect(remembering(2).tokens).toEqual([[1, expect.any(Number), 0, 4, NaN, NaN]]);
  });

  it("f1_what_is_damaged_is_discarded_and_told", () => {
    localStorage.setItem("app", "{");
    sessionStorage.setItem("app", "[]");
    const r = remembering(2);
    expect(r.host.log.mock.calls).toEqual([["record.discarded"], ["record.discarded"]]);
    expect(localStorage.length + sessionStorage.length).toBe(0);
    expect(r.of("start")).toHaveLength(1);
  });

  it.each<[string, () => void]>([
    ["full", () => vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => { throw new DOMException(); })],
    ["blocked", () => vi.spyOn(window, "localStorage", "get").mockImplementation(() => { throw new DOMException(); })],
  ])("f1_storage_that_is_%s_is_told_and_changes_nothing", (_, prevent) => {
    prevent();
    const { want, user, host } = remembering(1);
    want([EFFECT.storeBackend, 0, 0], [EFFECT.store, user, 0], [EFFECT.abort, 3]);
    expect(host.log.mock.calls).toEqual([["storage.failed"]]);
    expect(host.abort).toHaveBeenCalledTimes(1);
  });
});
