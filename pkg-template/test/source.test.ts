// What each kind of source says, read afresh at every question: Clerk, a token source, what `useAuth` returned last.
import { afterEach, describe, expect, it, vi } from "vitest";
import { EVENT } from "../src/shell/numbers.js";
import { openSource } from "../src/shell/source.js";

const TOKEN_SOURCE = 0;
const CLERK = 1;
const USE_AUTH = 2;

const UNKNOWN = [EVENT.unknown];
const SIGNED_OUT = [EVENT.signedOut];
const signedIn = (fits: number, ...who: unknown[]) => [EVENT.signedIn, fits, ...who];

const uncaught: unknown[] = [];
/** Collects what is reported as uncaught. */
const collect = () =>
  vi.stubGlobal("queueMicrotask", (task: () => void) => {
    try {
      task();
    } catch (error) {
      uncaught.push(error);
    }
  });
afterEach(() => {
  vi.unstubAllGlobals();
  uncaught.length = 0;
});

describe("a token source", () => {
  const make = (session?: unknown, more: object = {}) => {
    const source: any = { getSession: () => session, subscribe: () => () => {}, getToken: vi.fn(), ...more };
    return openSource(TOKEN_SOURCE, source, () => {});
  };

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
    expect(make(session).read()).toEqual(said);
  });

  it("j1_one_that_throws_is_not_known", () => {
    const source = make(null, {
      getSession() {
        throw new Error("not yet");
      },
    });
    expect(source.read()).toEqual(UNKNOWN);
  });

  it("is_asked_as_itself_and_told_only_what_is_wanted", () => {
    const asked: unknown[] = [];
    const source: any = {
      getSession: () => null,
      subscribe: () => () => {},
      getToken(options: object) {
        asked.push(this === source, options);
      },
    };
    const { getToken } = openSource(TOKEN_SOURCE, source, () => {});
    getToken(null, 0);
    getToken("t", 0);
    getToken(null, 1);
    getToken("t", 1);
    expect(asked).toEqual([
      true,
      { template: undefined, skipCache: false },
      true,
      { template: "t", skipCache: false },
      true,
      { template: undefined, skipCache: true },
      true,
      { template: "t", skipCache: true },
    ]);
  });

  it("may_not_know_how_to_sign_out", () => {
    expect(make().signOut()).toBeUndefined();
    const signOut = vi.fn();
    make(null, { signOut }).signOut();
    expect(signOut).toHaveBeenCalledTimes(1);
  });

  it("d6_is_left_when_it_is_closed", () => {
    const stop = vi.fn();
    const source = make(null, { subscribe: () => stop });
    source.close();
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it.each<[string, object]>([
    ["subscribe throws", { subscribe: () => { throw new Error("subscribe"); } }],
    ["leaving throws", { subscribe: () => () => { throw new Error("stop"); } }],
    ["leaving is impossible", { subscribe: () => "nothing to call" }],
  ])("j1_works_on_when_%s", (_, more) => {
    collect();
    const source = make({ userId: "u", sessionId: "s" }, more);
    expect(source.read()[0]).toBe(EVENT.signedIn);
    expect(() => source.close()).not.toThrow();
    expect(uncaught).toHaveLength(1);
  });

  it("may_call_back_while_it_is_subscribed_to", () => {
    const changed = vi.fn();
    const subscribe = (listener: () => void) => (listener(), () => {});
    openSource(TOKEN_SOURCE, { getSession: () => null, subscribe }, changed);
    expect(changed).toHaveBeenCalledTimes(1);
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
  const said = (state: object) => openSource(CLERK, clerkWith(state).clerk, () => {}).read();
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
    ["none, whatever Clerk shows", { organization: { id: "o" }, session: session({ lastActiveOrganizationId: null }) }, [null, null]],
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
    const auth = { isLoaded: true, isSignedIn: true, userId: "u", sessionId: "s", sessionClaims: { aud } };
    expect(openSource(USE_AUTH, { current: auth }, () => {}).read()[1]).toBe(fits);
  });

  it("tells_that_it_is_ready_by_either_event_and_is_left", () => {
    const { clerk, listeners, statuses } = clerkWith();
    const changed = vi.fn();
    const source = openSource(CLERK, clerk, changed);
    for (const listener of [...listeners, ...statuses]) listener();
    expect(changed).toHaveBeenCalledTimes(2);
    source.close();
    expect(listeners.size + statuses.size).toBe(0);
  });

  it("clerk-js_5_has_no_status_event", () => {
    const { clerk, listeners } = clerkWith({ on: undefined, off: undefined });
    const source = openSource(CLERK, clerk, () => {});
    expect(listeners.size).toBe(1);
    source.close();
    expect(listeners.size).toBe(0);
  });

  it("j1_one_whose_listeners_throw_is_read_all_the_same", () => {
    collect();
    const broken = () => {
      throw new Error("broken");
    };
    for (const more of [{ addListener: broken }, { on: broken }, { off: broken }, { addListener: () => broken }]) {
      const source = openSource(CLERK, clerkWith({ session: session(), ...more }).clerk, () => {});
      expect(source.read()[0]).toBe(EVENT.signedIn);
      source.close();
    }
    expect(uncaught).toHaveLength(4);
  });

  it("b8_the_session_of_the_moment_is_asked", async () => {
    const { clerk } = clerkWith({ session: { getToken: async () => "old" } });
    const source = openSource(CLERK, clerk, () => {});
    clerk.session = { getToken: async () => "new" };
    expect(await source.getToken(null, 0)).toBe("new");
  });
});

describe("useAuth", () => {
  const base = { isLoaded: true, isSignedIn: true, userId: "u", sessionId: "s", orgId: "o", orgRole: "r" };

  it("b8_is_what_it_returned_last", async () => {
    const holder: { current: any } = { current: {} };
    const source = openSource(USE_AUTH, holder, () => {});
    expect(source.read()).toEqual(UNKNOWN);
    holder.current = { ...base, getToken: async () => "first" };
    expect(source.read()).toEqual(signedIn(0, "u", "s", "o", "r"));
    holder.current = { ...base, getToken: async () => "second" };
    expect(await source.getToken(null, 0)).toBe("second");
    // A7
    holder.current = { isLoaded: false, isSignedIn: undefined };
    expect(source.read()).toEqual(UNKNOWN);
    holder.current = { isLoaded: true, isSignedIn: undefined };
    expect(source.read()).toEqual(UNKNOWN);
    holder.current = { isLoaded: true, isSignedIn: false, userId: null };
    expect(source.read()).toEqual(SIGNED_OUT);
    // A server's first render: signed in, though not a whole session yet.
    holder.current = { isLoaded: true, isSignedIn: true, userId: "u", sessionId: null };
    expect(source.read()).toEqual(UNKNOWN);
    holder.current = undefined;
    expect(source.read()).toEqual(UNKNOWN);
    expect(() => source.close()).not.toThrow();
  });
});
