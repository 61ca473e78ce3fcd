// The public types: what an application sees of a bridge. They are written structurally, so that no peer is imported
// by an application that does not use it. Nothing here may exist at run time.
import type { BridgeError } from "./errors.js";

export type { BridgeErrorCode } from "./errors.js";

/** Whether somebody is signed in; `loading` until that is known. */
export type Status = "loading" | "authenticated" | "unauthenticated";

/** The backends of a bridge, by a name of your choice. */
export type Backends = Record<string, Backend>;

/**
 * A backend made by an adapter, or by `defineBackend`. One backend object serves one bridge at a time.
 *
 * @example
 * ```ts
 * import { convex } from "clerk-bridge/convex";
 * const backend: Backend = convex(new ConvexReactClient(url));
 * ```
 */
export interface Backend {
  /** The name of the adapter, e.g. `"convex"`. */
  readonly kind: string;
}

/**
 * The options of `createBridge`.
 *
 * @example
 * ```ts
 * const options: BridgeOptions = { source: window.Clerk, backends: { convex: convex(client) }, leewaySeconds: 15 };
 * ```
 */
export interface BridgeOptions<B extends Backends = {}> {
  /** A `Clerk` object (`window.Clerk`, `useClerk()`), or any token source. Left out with React: the provider supplies it. */
  source?: ClerkLike | TokenSource;
  /** The backends to keep authenticated, by a name of your choice. */
  backends?: B;
  /** Prefix of storage keys, channel and lock names. Two apps on one origin need two names. Default `"clerk-bridge"`. */
  name?: string;
  /**
   * What survives a reload. `"identity"` (default): who was signed in and whose data each backend holds, never a token.
   * `"tokens"`: also live tokens, in sessionStorage, so that a reload is authenticated before Clerk has loaded.
   * `false`: nothing.
   */
  persist?: "identity" | "tokens" | false;
  /** Share tokens and sign-outs with other tabs of this origin. Default true. */
  shareTabs?: boolean;
  /** Refresh this long before expiry; at most a quarter of the token's life is used. Default 10. */
  leewaySeconds?: number;
  /** A token fetch that has not settled by then counts as a passing failure. Default 10 000. */
  fetchTimeoutMs?: number;
  /** Clerk not being ready by then is reported (and mended when it turns up later). Default 15 000. */
  sourceTimeoutMs?: number;
  /** Every decision the bridge takes, for logs and devtools. Events never carry a token. */
  onEvent?: (event: BridgeEvent) => void;
}

/**
 * Keeps backends authenticated. Made by `createBridge`.
 *
 * @example
 * ```ts
 * const bridge = createBridge({ source: window.Clerk, backends: { convex: convex(client) } });
 * bridge.subscribe(() => console.log(bridge.getSnapshot().status));
 * await bridge.ready;
 * ```
 */
export interface Bridge<B extends Backends = Backends> {
  /** Resolves once the state has first left `loading`, or the bridge was disposed; never rejects. */
  readonly ready: Promise<BridgeState>;
  /** The backends that were given. */
  readonly backends: B;
  /** The state now. Frozen; the same object until something changes. */
  getSnapshot(): BridgeState;
  /** The state to render on a server: loading. */
  getServerSnapshot(): BridgeState;
  /** Calls the listener after each change of the state; returns what ends that. */
  subscribe(listener: () => void): () => void;
  /**
   * A token good for at least a few seconds, or null when nobody is signed in. Waits while Clerk is loading.
   * Rejects with `BridgeError` when no token can be had.
   *
   * @example
   * ```ts
   * const token = await bridge.getToken({ template: "hasura" });
   * ```
   */
  getToken(options?: { template?: string | null; forceRefresh?: boolean }): Promise<string | null>;
  /**
   * Called when a user leaves (sign-out or switch), before anything is attached for the next; awaited for up to 5 s.
   * The place to empty an application's own caches. Returns what ends that.
   *
   * @example
   * ```ts
   * bridge.onLeave(() => queryClient.clear());
   * ```
   */
  onLeave(callback: (userId: string, reason: "signed-out" | "user-switched") => void | Promise<void>): () => void;
  /** Detach every backend in order (local data cleared, sessions revoked), then sign out of Clerk. */
  signOut(): Promise<void>;
  /** Stop: timers, listeners, channel, locks. Backends are left as they are. Idempotent. */
  dispose(): void;
}

/** The state of a bridge: one frozen object, replaced when something it says changes. */
export interface BridgeState {
  readonly status: Status;
  readonly isLoading: boolean;
  /** Clerk is signed in and every backend has accepted the token. */
  readonly isAuthenticated: boolean;
  /** A token was rejected or ran out and is being replaced; `isAuthenticated` stays true meanwhile. */
  readonly isRefreshing: boolean;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly orgId: string | null;
  readonly orgRole: string | null;
  /** While loading: who was signed in here last, if anybody. */
  readonly remembered: { readonly userId: string; readonly orgId: string | null } | null;
  readonly error: BridgeError | null;
  /** Each backend's own state, by its name. */
  readonly backends: Readonly<Record<string, BackendState>>;
}

/** The state of one backend. Its object is replaced only when that backend's state changes. */
export interface BackendState {
  readonly status: Status;
  readonly isLoading: boolean;
  readonly isAuthenticated: boolean;
  readonly isRefreshing: boolean;
  readonly error: BridgeError | null;
}

/**
 * Something the bridge decided. `type` is dotted, e.g. `"token.fetch"`, `"token.fetched"`, `"token.rejected"`,
 * `"identity.changed"`, `"backend.authenticated"`, `"retry.scheduled"`, `"tab.leader"`.
 */
export interface BridgeEvent {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly type: string;
  /** Name of the backend concerned. */
  readonly backend?: string;
  readonly [detail: string]: unknown;
}

/**
 * What the bridge reads tokens from, when it is not Clerk itself.
 *
 * @example
 * ```ts
 * const source: TokenSource = {
 *   getSession: () => ({ userId: "user_1", sessionId: "sess_1" }),
 *   subscribe: () => () => {},
 *   getToken: async ({ template }) => (await fetch(`/token?template=${template ?? ""}`)).text(),
 * };
 * ```
 */
export interface TokenSource {
  /** undefined: not known yet. null: signed out. */
  getSession(): SourceSession | null | undefined;
  /** Calls back after each change of the session; returns what ends that. */
  subscribe(onChange: () => void): () => void;
  /** null only when signed out; throws when no token can be had. `skipCache` asks for a freshly minted token. */
  getToken(options: { template?: string; skipCache?: boolean; organizationId?: string }): Promise<string | null>;
  signOut?(): Promise<unknown>;
}

/** Who is signed in, as a token source tells it. */
export interface SourceSession {
  userId: string;
  sessionId: string;
  orgId?: string | null;
  orgRole?: string | null;
  /** Claims of the session token, where they are at hand: its `aud` saves Convex a fetch. */
  sessionClaims?: { readonly [claim: string]: unknown } | null;
}

/** The part of Clerk that is used; `@clerk/clerk-js` 5 and 6 and `useClerk()` of every SDK fit it. */
export interface ClerkLike {
  readonly loaded: boolean;
  readonly status?: "loading" | "ready" | "degraded" | "error";
  readonly session?: ClerkSessionLike | null | undefined;
  readonly user?: { readonly id: string } | null | undefined;
  readonly organization?: { readonly id: string } | null | undefined;
  addListener(listener: (resources: any) => void, options?: any): () => void;
  /** clerk-js 6 tells readiness only here: its last `addListener` call while loading still has `loaded: false`. */
  on?(event: "status", listener: (status: any) => void, options?: any): void;
  off?(event: "status", listener: (status: any) => void): void;
  signOut?(...args: any[]): Promise<unknown>;
}

/** The part of a Clerk session that is used. */
export interface ClerkSessionLike {
  readonly id: string;
  readonly status: string;
  readonly lastActiveOrganizationId?: string | null;
  getToken(options?: { template?: string; skipCache?: boolean; organizationId?: string }): Promise<string | null>;
}

/** Why a backend is detached. */
export type DetachReason = "signed-out" | "user-switched" | "identity-changed" | "rejected";

/** Whose token a backend is given, and the way to talk back. */
export interface AttachContext {
  readonly userId: string;
  readonly sessionId: string;
  readonly orgId: string | null;
  /** Aborts when this session is over. */
  readonly signal: AbortSignal;
  /** What this backend keeps on the device is known to be this very user's, from an earlier page load or another tab. */
  readonly owned: boolean;
  /** Tell the bridge later that the backend no longer accepts the token. */
  rejected(why: { retry: boolean; message?: string }): void;
}

/** How a token reaches a backend that has no adapter; see `defineBackend`. */
export interface BackendDefinition {
  kind: string;
  /** The JWT template; none, or null, is the session token. */
  template?: string | null;
  /** A user's first token. Resolve when the backend has accepted it. */
  attach(token: string, context: AttachContext): Promise<void> | void;
  /** A newer token for the same user. Default: `attach` again. */
  update?(token: string, context: AttachContext): Promise<void> | void;
  /**
   * The user is gone. Clear what was theirs; with a rejection nobody else is attached until that succeeds. A backend
   * with a session of its own may resolve with what revokes it: see `revoke`.
   */
  detach(reason: DetachReason): Promise<string | void> | string | void;
  /**
   * Revoke a session of the backend's own, which `detach` resolved with. A rejection is tried again, with back-off, when
   * the network is back and after a reload; until then that string is kept in localStorage (not with `persist: false`).
   */
  revoke?(session: string): Promise<void> | void;
  /**
   * It is not known who is signed in: send nothing until `attach` or `nobody` is called. `somebodyLeft`: what is waiting
   * is of a user who is gone, and must fail.
   */
  hold?(somebodyLeft: boolean): Promise<void> | void;
  /** Nobody is signed in: what needs no user may go through. */
  nobody?(): Promise<void> | void;
  /** True: it makes a session of its own from the first token, and is told no other. */
  exchanges?: boolean;
  /** True: its data stays on the device through a sign-out, and is cleared before another user only. */
  keepsSignedOut?: boolean;
}
