// Where tokens come from, in one shape: a `TokenSource` has it already, and Clerk's browser object is given it. Each is
// read afresh whenever it is asked (B8). Reading one never throws, whatever it holds.
import { fitsConvex } from "../payload.js";
import { EVENT } from "./numbers.js";

/** @internal A token source, whose session may also be false: it could not start. (A6) */
export interface Source {
  getSession(): unknown;
  getToken(options: { template?: string; skipCache?: boolean }): unknown;
  subscribe(changed: () => void): unknown;
  signOut?(): unknown;
}

/** @internal What a source says: an event of the machine, and who is signed in, if somebody is. */
export type Said = [
  kind: EVENT,
  /** Whether the session token fits Convex: 0 not known, 1 no, 2 yes. */
  fits?: number,
  userId?: string,
  sessionId?: string,
  orgId?: unknown,
  role?: unknown,
];

const ofClerk = (clerk: any): Source => ({
  getSession() {
    const { loaded, status, session, organization } = clerk;
    if (!loaded) return status === "error" ? false : undefined;
    // Undefined: on its way somewhere (A7). A pending session counts as none (A8).
    if (session?.status !== "active") return session && null;
    const { lastActiveOrganizationId: orgId = organization?.id } = session;
    const user = clerk.user ?? session.user;
    return {
      userId: user?.id,
      sessionId: session.id,
      orgId,
      orgRole: user?.organizationMemberships?.find?.((one: any) => one.organization?.id === orgId)?.role,
      sessionClaims: session.lastActiveToken?.jwt?.claims,
    };
  },
  getToken: (options) => clerk.session.getToken(options),
  subscribe(changed) {
    // clerk-js 6 tells that it is ready in the status event alone.
    clerk.on?.("status", changed);
    const stop = clerk.addListener(changed);
    return () => {
      clerk.off?.("status", changed);
      stop();
    };
  },
  signOut: () => clerk.signOut?.(),
});

/** @internal */
export const sourceOf = (given: any): Source => ("addListener" in given ? ofClerk(given) : given);

/** @internal What a source says now. What cannot be read is not known. */
export const read = (source: Source): Said => {
  try {
    const session: any = source.getSession();
    if (session === null) return [EVENT.signedOut];
    if (session === false) return [EVENT.failed];
    const { userId, sessionId, orgId, orgRole, sessionClaims } = session;
    const fits = sessionClaims ? (fitsConvex(sessionClaims.aud) ? 2 : 1) : 0;
    if ([userId, sessionId].every((id) => id && typeof id === "string"))
      return [EVENT.signedIn, fits, userId, sessionId, orgId, orgRole];
  } catch {}
  return [EVENT.unknown];
};
