// What each kind of source says, read afresh at every question: Clerk, and a token source.
import { describe, expect, it, vi } from "vitest";
import { EVENT } from "../src/shell/numbers.js";
import { read, sourceOf } from "../src/shell/source.js";

const UNKNOWN = [EVENT.unknown];
const SIGNED_OUT = [EVENT.signedOut];
const signedIn = (fits: number, ...who: unknown[]) => [EVENT.signedIn, fits, ...who];

describe("a token source", () => {
  const make = (session?: unknown, more: object = {}) =>
    sourceOf({ getSession: () => session, subscribe: () => () => {}, getToken: vi.fn(), ...more });

  it.each<[unknown, unknown]>([
    [undefined, UNKNOWN],
    [null, SIGNED_OUT],
    [{ userId: "u", sessionId: "s" }, signedIn(0, "u", "s", undefined, undefined)],
    [{ userId: "u", sessionId: "s", orgId: "o", orgRole: "r" }, signedIn(0, "u", "s", "o", "r")],
    [{ userId: "u", sessionId: "s", sessionClaims: { aud: "convex" } }, signedIn(2, "u", "s", undefined, undefined)],
    [{ userId: "u", sessionId: "s", sessionClaims: {} }, signedIn(1, "u", "s", undefined, undefined)],
    [{ userId: "u" }, UNKNOWN],
    [{ sessionId: "s" }, UNKNOWN],
    [{ userId: 1, sessionId: 2 }, UNKNOWN],
    ["signed in", UNKNOWN],
    [0, UNKNOWN],
  ])("that has %j", (session, said) => {
    expect(read(make(session))).toEqual(said);
  });

  it("j1_one_that_throws_is_not_known", () => {
    const source = make(null, {
      getSession() {
        throw new Error("not yet");
      },
    });
    expect(read(source)).toEqual(UNKNOWN);
  });

  it("a6_that_could_not_start_says_false", () => {
    expect(read(make(false))).toEqual([EVENT.failed]);
  });

  it("is_taken_as_it_is", () => {
    const source = make();
    expect(sourceOf(source)).toBe(source);
  });
});

describe("Clerk", () => {
  const clerkWith = (state: object = {}) => {
    const listeners = new Set<() => void>();
    const statuses = new Set<() => void>();
    const clerk: any = {
      loaded: true,
      session: null,
      addListener: (listener: () => void) => (listeners.add(listener), () => listeners.delete(listener)),
      on: (event: string, listener: () => void) => event === "status" && statuses.add(listener),
      off: (event: string, listener: () => void) => event === "status" && statuses.delete(listener),
      ...state,
    };
    return { clerk, listeners, statuses };
  };
  const said = (state: object) => read(sourceOf(clerkWith(state).clerk));
  const session = (more: object = {}) => ({ id: "s", status: "active", user: { id: "u" }, ...more });
  const membership = (id: string, role: string) => ({ organization: { id }, role });

  it.each<[string, object, unknown]>([
    ["is loading", { loaded: false, status: "loading", session: undefined }, UNKNOWN],
    ["a7_is_loading_again", { loaded: false, session: session() }, UNKNOWN],
    ["a6_could_not_start", { loaded: false, status: "error" }, [EVENT.failed]],
    ["is ready although degraded", { status: "degraded", session: session() }, signedIn(0, "u", "s", undefined, undefined)],
    ["a7_is_on_its_way_somewhere", { session: undefined }, UNKNOWN],
    ["shows nobody", { session: null }, SIGNED_OUT],
    ["a8_shows_a_pending_session", { session: session({ status: "pending" }) }, SIGNED_OUT],
    ["shows an ended session", { session: session({ status: "ended" }) }, SIGNED_OUT],
    ["knows the user itself", { user: { id: "v" }, session: session() }, signedIn(0, "v", "s", undefined, undefined)],
    ["knows no user", { session: session({ user: undefined }) }, UNKNOWN],
  ])("that %s", (_, state, expected) => {
    expect(said(state)).toEqual(expected);
  });

  it.each<[string, object, unknown[]]>([
    ["the session's", { session: session({ lastActiveOrganizationId: "o" }) }, ["o", undefined]],
    ["none, whatever Clerk shows", { organization: { id: "o" }, session: session({ lastActiveOrganizationId: null }) }, [null, undefined]],
    ["Clerk's, where the session knows of none", { organization: { id: "o" }, session: session() }, ["o", undefined]],
    [
      "with the role of its membership",
      {
        session: session({
          lastActiveOrganizationId: "o2",
          user: { id: "u", organizationMemberships: [membership("o1", "admin"), {}, membership("o2", "member")] },
        }),
      },
      ["o2", "member"],
    ],
    [
      "without a role, where nobody is a member",
      { session: session({ lastActiveOrganizationId: "o", user: { id: "u", organizationMemberships: "none" } }) },
      ["o", undefined],
    ],
  ])("the organization is %s", (_, state, [org, role]) => {
    expect(said(state)).toEqual(signedIn(0, "u", "s", org, role));
  });

  it.each<[unknown, number]>([
    [undefined, 1],
    ["convex", 2],
    [["other", "convex"], 2],
    ["other", 1],
    ["not-convex", 1],
    [[], 1],
    [{ includes: "convex" }, 1],
    [7, 1],
  ])("b5_a session token with the audience %j fits Convex: %i", (aud, fits) => {
    const lastActiveToken = { jwt: { claims: { aud } } };
    expect(said({ session: session({ lastActiveToken }) })[1]).toBe(fits);
    const getSession = () => ({ userId: "u", sessionId: "s", sessionClaims: { aud } });
    expect(read({ getSession } as any)[1]).toBe(fits);
  });

  it("tells_that_it_is_ready_by_either_event_and_is_left", () => {
    const { clerk, listeners, statuses } = clerkWith();
    const changed = vi.fn();
    const leave: any = sourceOf(clerk).subscribe(changed);
    for (const listener of [...listeners, ...statuses]) listener();
    expect(changed).toHaveBeenCalledTimes(2);
    leave();
    expect(listeners.size + statuses.size).toBe(0);
  });

  it("clerk-js_5_has_no_status_event", () => {
    const { clerk, listeners } = clerkWith({ on: undefined, off: undefined });
    const leave: any = sourceOf(clerk).subscribe(() => {});
    expect(listeners.size).toBe(1);
    leave();
    expect(listeners.size).toBe(0);
  });

  it("b8_the_session_of_the_moment_is_asked", async () => {
    const { clerk } = clerkWith({ session: { getToken: async () => "old" } });
    const source = sourceOf(clerk);
    const getToken = vi.fn(async () => "new");
    clerk.session = { getToken };
    expect(await source.getToken({ template: "t", skipCache: true })).toBe("new");
    expect(getToken).toHaveBeenCalledWith({ template: "t", skipCache: true });
  });

  it("may_not_know_how_to_sign_out", () => {
    const signOut = vi.fn();
    expect(sourceOf(clerkWith().clerk).signOut!()).toBeUndefined();
    sourceOf(clerkWith({ signOut }).clerk).signOut!();
    expect(signOut).toHaveBeenCalledTimes(1);
  });
});
