// A token source for tests of applications: who is signed in, and what goes wrong, is what the test says. It behaves
// like Clerk (its cache, its errors) and must never use the network; its tokens are unsigned.
import type { SourceSession, TokenSource } from "./types.js";

/** Ways in which a fetch can fail. */
export type Failure = "offline" | "timeout" | "rate-limited" | "server-error" | "no-template";

/** A token source that a test commands; see `createTestSource`. */
export interface TestSource extends TokenSource {
  /** Sign in, or switch to another user. */
  signIn(user: string | { userId: string; orgId?: string; orgRole?: string; claims?: Record<string, unknown> }): void;
  /** Switch to an organisation, or to none. */
  setOrganization(orgId: string | null, orgRole?: string): void;
  signOut(): Promise<void>;
  /** The next `times` fetches (default: until cleared with null) fail so. */
  fail(kind: Failure | null, times?: number): void;
  /** Every call of `getToken`, the ones answered by the cache too. */
  readonly fetches: ReadonlyArray<{ at: number; template: string | null; skipCache: boolean }>;
}

/** Clerk hands out a cached token until this little of its life remains. */
const CACHE_MARGIN_SECONDS = 5;

/** Errors as Clerk throws them: told apart by these fields, not by class or name. */
const ERRORS: Record<Exclude<Failure, "timeout">, object> = {
  offline: { clerkError: true, code: "clerk_offline" },
  "rate-limited": { clerkError: true, code: "api_response_error", status: 429, retryAfter: 1, errors: [] },
  "server-error": { clerkError: true, code: "api_response_error", status: 500, errors: [] },
  "no-template": {
    clerkError: true,
    code: "api_response_error",
    status: 404,
    errors: [{ code: "resource_not_found", message: "JWT template not found" }],
  },
};

const segment = (value: object): string => {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

let lastSession = 0;
let lastToken = 0;

/**
 * A token source for an application's own tests: no network, unsigned JWTs. Signed out unless `user` says otherwise;
 * `user: null` is signed out, too.
 *
 * @example
 * ```ts
 * const source = createTestSource({ user: "user_1", lifetimeSeconds: 60 });
 * const bridge = createBridge({ source, persist: false, shareTabs: false });
 * source.fail("offline", 2);
 * source.signIn("user_2");
 * ```
 */
export function createTestSource(options: { lifetimeSeconds?: number; user?: string | null } = {}): TestSource {
  const { lifetimeSeconds = 60, user } = options;
  const listeners = new Set<() => void>();
  const fetches: Array<{ at: number; template: string | null; skipCache: boolean }> = [];
  const cache = new Map<string, { token: string; exp: number }>();
  let session: SourceSession | null = null;
  let extra: Record<string, unknown> = {};
  let failure: Failure | null = null;
  let failures = 0;

  const change = (next: SourceSession | null) => {
    session = next;
    for (const listener of [...listeners]) listener();
  };

  const mint = (of: SourceSession, template: string | undefined, now: number) => {
    const iat = Math.floor(now / 1000);
    const exp = iat + lifetimeSeconds;
    const jti = `token_${++lastToken}`;
    const common = { iss: "https://test.clerk.accounts.dev", sub: of.userId, iat, nbf: iat, exp, jti };
    // A template's token names no session, as with Clerk; by custom its audience is the template's name.
    const own = template
      ? { aud: template, org_id: of.orgId ?? undefined, org_role: of.orgRole ?? undefined }
      : { sid: of.sessionId, sts: "active", v: 2, ...(of.orgId && { o: { id: of.orgId, rol: of.orgRole ?? "member" } }) };
    const claims = { ...common, ...own, ...extra };
    return { token: `${segment({ alg: "none", typ: "JWT" })}.${segment(claims)}.unsigned`, exp };
  };

  const source: TestSource = {
    fetches,
    getSession: () => session,
    subscribe(onChange) {
      const own = () => onChange();
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    async getToken({ template, skipCache = false }) {
      const at = Date.now();
      fetches.push({ at, template: template ?? null, skipCache });
      const asked = session;
      if (!asked) return null;
      const key = [asked.sessionId, template, asked.orgId].join();
      const cached = cache.get(key);
      if (cached && !skipCache && cached.exp - at / 1000 > CACHE_MARGIN_SECONDS) return cached.token;
      await null;
      if (failure && failures-- > 0) {
        // As Clerk does: a forced fetch that fails has already thrown the cached token away.
        if (skipCache) cache.delete(key);
        if (failure === "timeout") return new Promise(() => {});
        throw Object.assign(new Error(failure), ERRORS[failure]);
      }
      const minted = mint(asked, template, at);
      cache.set(key, minted);
      return minted.token;
    },
    signIn(who) {
      const { userId, orgId = null, orgRole = null, claims = {} } =
        typeof who === "string" ? { userId: who } : { ...who };
      extra = claims;
      change({
        userId,
        sessionId: `sess_${++lastSession}`,
        orgId,
        orgRole: orgId && (orgRole ?? "member"),
        sessionClaims: claims,
      });
    },
    setOrganization(orgId, orgRole = "member") {
      if (session) change({ ...session, orgId, orgRole: orgId && orgRole });
    },
    async signOut() {
      cache.clear();
      if (session) change(null);
    },
    fail(kind, times = Infinity) {
      failure = kind;
      failures = times;
    },
  };
  if (user) source.signIn(user);
  return source;
}
