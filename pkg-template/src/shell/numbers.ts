// What the numbers mean that cross to the machine (`src/browser/machine.rs`) and back. Bundling leaves only numbers.

/** @internal Events, with what their arguments say. */
export const enum EVENT {
  /** kind, template, whether the session token is taken where it fits, traits beyond those of its kind */
  backend,
  /** user, organization */
  remembered,
  /** backend, user */
  owner,
  /** user, session, organization, role */
  restored,
  start,
  unknown,
  failed,
  signedOut,
  /** user, session, organization, role, whether the session token fits Convex: 0 not known, 1 no, 2 yes */
  signedIn,
  /** request, HTTP status, seconds to wait */
  fetchFailed,
  tick,
  /** 1: online */
  woke,
  /** caller, template */
  askGood,
  /** caller, template */
  askFresh,
  /** caller, backend, the refused token */
  askInstead,
  /** step */
  stepDone,
  /** step; 0 transient, 1 refused, 2 config */
  stepFailed,
  /** step; as above */
  rejected,
  /** leave */
  left,
  /** caller */
  signOut,
  /** request; 1: it succeeded */
  sourceSignedOut,
  /** backend, a session of its own that is to be revoked */
  owes,
  /** There are other tabs to talk to, should there be any. */
  shared,
  /** what is said, session, organization, template, token, and two numbers: `Said` in `src/core/tabs.rs` */
  heard,
  /** 1: the lock is this tab's */
  lead,
  dispose,
}

/** @internal Of what is said between tabs, what the shell has to know: `Said` in `src/core/tabs.rs`. */
export const enum SAID {
  token = 1,
  ended = 4,
}

/** @internal Traits of a backend beyond those of its kind; the bits of `src/core/backend/policy.rs`. */
export const enum TRAIT {
  holds = 1,
  keepsSignedOut = 1 << 4,
  exchanges = 1 << 7,
}

/** @internal Effects, with what their arguments say. Those numbered 9 come right before an 8, 11 before a 10, 14 before a 15. */
export const enum EFFECT {
  /** request, template, 1: minted */
  fetch,
  /** -, -, milliseconds; negative: none */
  timer,
  /** backend, step, command, its argument, user, session, organization. Commands: 0 hold, 1 attach, 2 update, 3 detach,
   *  4 nobody, 5 revoke. Argument: with attach and update the token, with revoke the session, with detach the reason;
   *  with hold, 1: somebody left */
  run,
  /** step */
  abort,
  /** leave, user, reason */
  leave,
  /** caller, error, token */
  answer,
  /** template, token, for how many milliseconds it answers callers at once */
  cache,
  /** token */
  forget,
  /** user, organization */
  store,
  /** backend, user whose data it keeps; or backend, -, a session of its own that is to be revoked */
  storeBackend,
  /** user, session, organization, role */
  storeLive,
  /** template, token */
  storeToken,
  /** request */
  signOut,
  /** backend, status, refreshing, error */
  backend,
  /** user, session, organization, role */
  session,
  /** status, refreshing, error, backend from 1, remembered user, their organization */
  publish,
  stop,
  /** name, backend, template, reason, milliseconds */
  log,
  /** as with the event that it is in other tabs */
  say,
  /** session, organization, 1: steal */
  claim,
}
