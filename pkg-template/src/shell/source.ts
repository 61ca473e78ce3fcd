// Where tokens come from: Clerk's browser object, any `TokenSource`, or what React's `useAuth` returned last. Each is
// read afresh whenever it is asked (B8), and reading one never throws, whatever it holds.
import { EVENT } from "./numbers.js";

/** @internal What a source says: an event of the machine, and the session if somebody is signed in. */
export type Said = [kind: number, userId?: unknown, sessionId?: unknown, orgId?: unknown, role?: unknown, claims?: any];

/** @internal */
export interface Source {
  read(): Said;
  getToken(template: string | undefined, skipCache: boolean): unknown;
  signOut(): unknown;
  close(): void;
}

const unknown: Said = [EVENT.unknown];
const signedOut: Said = [EVENT.signedOut];

const signedIn = (of: any): Said =>
  of.userId && of.sessionId
    ? [EVENT.signedIn, of.userId, of.sessionId, of.orgId, of.orgRole, of.sessionClaims]
    : unknown;

const readTokenSource = (source: any): Said => {
  const session = source.getSession();
  return session ? signedIn(session) : session === null ? signedOut : unknown;
};

const readUseAuth = (auth: any): Said =>
  !auth.isLoaded || auth.isSignedIn === undefined
    ? unknown // also: on its way somewhere (A7)
    : auth.isSignedIn
      ? signedIn(auth)
      : signedOut; // a pending session counts as none (A8)

const readClerk = ({ loaded, status, session, user, organization }: any): Said => {
  if (!loaded) return status === "error" ? [EVENT.failed] : unknown;
  if (session === undefined) return unknown; // on its way somewhere (A7)
  if (session?.status !== "active") return signedOut; // nobody, or pending (A8)
  const who = user ?? session.user;
  const orgId = session.lastActiveOrganizationId === undefined ? organization?.id : session.lastActiveOrganizationId;
  return signedIn({
    userId: who?.id,
    sessionId: session.id,
    orgId,
    orgRole: orgId && who?.organizationMemberships?.find?.((one: any) => one.organization?.id === orgId)?.role,
    sessionClaims: session.lastActiveToken?.jwt?.claims,
  });
};

/** @internal Listens to a source: 0 a token source, 1 a Clerk, 2 a holder of the latest `useAuth()`. */
export const openSource = (kind: number, source: any, changed: () => void): Source => {
  const now = () => (kind > 1 ? source.current : source);
  // clerk-js 6 tells that it is ready in the status event alone.
  if (kind === 1) source.on?.("status", changed);
  const stop = kind > 1 ? undefined : kind ? source.addListener(changed) : source.subscribe(changed);
  return {
    read() {
      try {
        return [readTokenSource, readClerk, readUseAuth][kind]!(now());
      } catch {
        return unknown;
      }
    },
    getToken: (template, skipCache) =>
      (kind === 1 ? source.session : now()).getToken({ ...(template && { template }), ...(skipCache && { skipCache }) }),
    signOut: () => now().signOut?.(),
    close() {
      stop?.();
      if (kind === 1) source.off?.("status", changed);
    },
  };
};
