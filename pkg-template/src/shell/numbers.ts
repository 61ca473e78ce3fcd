// What the numbers mean that cross to the machine (`src/browser/machine.rs`) and back.

/** @internal Events, with what their arguments say. */
export const EVENT = {
  /** policy, template, whether the session token is taken where it fits */
  backend: 0,
  /** user, organization */
  remembered: 1,
  /** backend, user */
  owner: 2,
  /** user, session, organization, role */
  restored: 3,
  start: 4,
  unknown: 5,
  failed: 6,
  signedOut: 7,
  /** user, session, organization, role, whether the session token fits Convex: 0 not known, 1 no, 2 yes */
  signedIn: 8,
  /** request, HTTP status, seconds to wait */
  fetchFailed: 9,
  tick: 10,
  /** 1: online */
  woke: 11,
  /** caller, template */
  askGood: 12,
  /** caller, template */
  askFresh: 13,
  /** caller, backend, the refused token */
  askInstead: 14,
  /** step */
  stepDone: 15,
  /** step; 0 transient, 1 refused, 2 config */
  stepFailed: 16,
  /** step; as above */
  rejected: 17,
  /** leave */
  left: 18,
  /** caller */
  signOut: 19,
  /** request; 1: it succeeded */
  sourceSignedOut: 20,
  dispose: 21,
} as const;
