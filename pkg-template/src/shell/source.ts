// Where tokens come from: Clerk's browser object, any `TokenSource`, or what React's `useAuth` returned last. Each is
// read afresh whenever it is asked (B8). Reading and leaving one never throws, whatever it holds.
import { safely } from "../store.js";
import { EVENT } from "./numbers.js";

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

/** @internal */
export interface Source {
  read(): Said;
  getToken(template: string | null, skipCache: unknown): unknown;
  signOut(): unknown;
  close(): void;
}

const unknown: Said = [EVENT.unknown];
const signedOut: Said = [EVENT.signedOut];

const signedIn = ({ userId, sessionId, orgId, orgRole, sessionClaims }: any): Said =>
  [userId, sessionId].every((id) => id && typeof id === "string")
    ? [
        EVENT.signedIn,
        sessionClaims ? ([].concat(sessionClaims.aud).includes("convex" as never) ? 2 : 1) : 0,
        userId,
        sessionId,
        orgId,
        orgRole,
      ]
    : unknown;

const readTokenSource = (source: any): Said => {
  const session = source.getSession();
  return session ? signedIn(session) : session === null ? signedOut : unknown;
};

const readClerk = ({ loaded, status, session, user, organization }: any): Said => {
  if (!loaded) return status === "error" ? [EVENT.failed] : unknown;
  if (session === undefined) return unknown; // on its way somewhere (A7)
  if (session?.status !== "active") return signedOut; // nobody, or pending (A8)
  const who = user ?? session.user;
  const { lastActiveOrganizationId: orgId = organization?.id } = session;
  return signedIn({
    userId: who?.id,
    sessionId: session.id,
    orgId,
    orgRole: orgId && who?.organizationMemberships?.find?.((one: any) => one.organization?.id === orgId)?.role,
    sessionClaims: session.lastActiveToken?.jwt?.claims,
  });
};

const readUseAuth = (auth: any): Said =>
  !auth.isLoaded || auth.isSignedIn === undefined
    ? unknown // also: on its way somewhere (A7)
    : auth.isSignedIn
      ? signedIn(auth)
      : signedOut; // a pending session counts as none (A8)

/** @internal Listens to a source: 0 a token source, 1 a Clerk, 2 a holder of the latest `useAuth()`. */
export const openSource = (kind: number, source: any, changed: () => void): Source => {
  const now = () => (kind > 1 ? source.current : source);
  const stop: any = safely(() => {
    // clerk-js 6 tells that it is ready in the status event alone.
    if (kind === 1) source.on?.("status", changed);
    return kind > 1 ? undefined : kind ? source.addListener(changed) : source.subscribe(changed);
  });
  return {
    read() {
      try {
        return [readTokenSource, readClerk, readUseAuth][kind]!(now());
      } catch {
        return unknown;
      }
    },
    getToken: (template, skipCache) =>
      (kind === 1 ? source.session : now()).getToken({ template: template || undefined, skipCache: !!skipCache }),
    signOut: () => now().signOut?.(),
    close() {
      safely(() => stop?.());
      if (kind === 1) safely(() => source.off?.("status", changed));
    },
  };
};
