"use client";
// React: a provider and hooks over a bridge. They render what the bridge says and must decide nothing; a rotation must
// re-render nothing of the app. (I2)
import {
  createContext,
  type JSX,
  type ReactNode,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { adapterOf } from "./backend.js";
import { innerOf, prepare } from "./bridge.js";
import { demand } from "./demand.js";
import { fallBack } from "./loader.js";
import { checkOptions } from "./options.js";
import { sourceOf } from "./shell/source.js";
import { changed, safely } from "./store.js";
import type { BackendState, Backends, Bridge, BridgeOptions, BridgeState } from "./types.js";

const BridgeContext = createContext<Bridge<any> | undefined>(undefined);

/** Before the effects of what the provider wraps, layout effects too. Servers run neither. */
const useEarlyEffect = typeof window === "undefined" ? useEffect : useLayoutEffect;

const KEPT_MS = 1000;

/** A bridge that a provider made. It is shared by who mounts the same again, and outlives an unmount for a while. */
interface Own {
  readonly bridge: Bridge<any>;
  readonly name: string | undefined;
  readonly source: BridgeOptions["source"];
  /** The latest; an inline function changes at every render. */
  onEvent: BridgeOptions["onEvent"];
  /** Negative: it has ended. */
  users: number;
  timer?: ReturnType<typeof setTimeout>;
}

const owns = new Set<Own>();

const adaptersOf = (backends: Backends = {}): any[] => Object.values(backends).map(adapterOf);

/** Options are often written inline, so what counts is the clients, not the objects around them. */
const isSame = (own: Own, { name, backends = {} }: BridgeOptions<any>, mounted: boolean) => {
  const mine = own.bridge.backends;
  const theirs = adaptersOf(backends);
  return (
    own.name === name &&
    Object.keys(mine).join() === Object.keys(backends).join() &&
    adaptersOf(mine).every((a, i) => {
      const b = theirs[i];
      // Who is mounted anew holds an object of its own, which has to work.
      return a === b || ((mounted || a.client) && a.kind === b?.kind && a.client === b.client && a.template === b.template);
    })
  );
};

/** The one that has begun the same. */
const begun = (options: BridgeOptions<any>) =>
  [...owns].find((own) => own.source === options.source && isSame(own, options, false));

const ownOf = (options: BridgeOptions<any>): Own => {
  const same = begun(options);
  if (same) return same;
  const { name, source, onEvent } = options;
  const tell: BridgeOptions["onEvent"] = (event) => own.onEvent?.(event);
  checkOptions(options);
  // A source is followed from outside: the latest counts. (B8)
  const bridge = prepare({ ...options, source: undefined, onEvent: tell });
  const own: Own = { bridge, name, source, onEvent, users: 0 };
  return own;
};

const end = (own: Own) => {
  own.users = -1;
  owns.delete(own);
  own.bridge.dispose();
};

/** Two bridges must not lead one client. */
const share = (one: Own, other: Own) => {
  const others = adaptersOf(other.bridge.backends);
  return adaptersOf(one.bridge.backends).some((a) => others.some((b) => a === b || (a.client && a.client === b.client)));
};

/** First among the children, so that its effects come before theirs: clients are held before anything is asked. (H6) */
function Keep({ own, lost }: { own: Own; lost: () => void }) {
  const before = useRef<Own>(undefined);
  useEarlyEffect(() => {
    const { bridge, name, source } = own;
    // It has ended since, or a sibling has begun the same.
    if (own.users < 0 || (begun({ name, source, backends: bridge.backends }) ?? own) !== own) return lost();
    for (const other of owns) {
      const replaced = other === before.current && other.users === 1;
      if (other !== own && (replaced || !other.users) && share(own, other)) end(other);
    }
    before.current = own;
    owns.add(own);
    fallBack(() => import("./inlined.js").then(({ inlined }) => inlined()));
    innerOf(bridge).start();
  }, [own]);
  // Not in a layout effect: those are undone while a tree above is suspended.
  useEffect(() => {
    clearTimeout(own.timer);
    own.users++;
    return () => {
      if (--own.users === 0) own.timer = setTimeout(end, KEPT_MS, own);
    };
  }, [own]);
  return null;
}

/** What stands for Clerk while its hook is all there is of it. */
const createFeed = (bridge: Bridge<any>) => {
  let auth: any;
  let mounted = false;
  const feed = {
    getSession() {
      const { isLoaded, isSignedIn, sessionClaims } = auth ?? {};
      // Undefined: not known, or on its way somewhere (A7). A pending session counts as none (A8).
      if (!isLoaded || isSignedIn === undefined) return undefined;
      return isSignedIn ? { ...auth, userId: auth.userId ?? sessionClaims?.sub, sessionId: auth.sessionId ?? sessionClaims?.sid } : null;
    },
    getToken: (options?: object) => auth.getToken(options),
    signOut: () => auth.signOut?.(),
  };
  return {
    take(latest: any) {
      auth = latest;
      mounted = true;
      innerOf(bridge).feed(feed);
    },
    /** Clerk may have signed out in the very render that takes this away: nobody else would hear of it. (H3) */
    leave() {
      mounted = false;
      const last = auth;
      const isOver = async () => last?.isSignedIn && (await last.getToken({})) === null && !mounted;
      setTimeout(async () => {
        if (mounted || !(await isOver().catch(() => false))) return;
        auth = { isLoaded: true, isSignedIn: false };
        innerOf(bridge).feed({});
      });
    },
  };
};

/** Alone re-rendered when Clerk hands out a new token. */
function Feed({ bridge, useAuth }: { bridge: Bridge<any>; useAuth: () => any }) {
  const auth = useAuth();
  const feed = useMemo(() => createFeed(bridge), [bridge]);
  useEarlyEffect(() => feed.take(auth));
  useEffect(() => feed.leave, [feed]);
  return null;
}

/** The latest source: one that is written inline changes at every render. */
function Follow({ bridge, source }: { bridge: Bridge<any>; source: object }) {
  useEarlyEffect(() => {
    const inner = innerOf(bridge);
    const it = sourceOf(source);
    inner.feed({
      getSession: () => it.getSession() as any,
      getToken: (options) => it.getToken(options) as any,
      signOut: async () => it.signOut?.(),
    });
    const stop = safely(() => it.subscribe(() => inner.feed({}))) as (() => void) | undefined;
    return () => void safely(() => stop?.());
  }, [bridge, source]);
  return null;
}

interface ProviderProps extends BridgeOptions<any> {
  children?: ReactNode;
  /** The hook of `@clerk/react`, `@clerk/clerk-react` or `@clerk/nextjs`; with it no `source` is needed. */
  useAuth?: () => any;
  /** A bridge of your own making, instead of options. */
  bridge?: Bridge<any>;
}

function OwnProvider({ children, useAuth, ...options }: ProviderProps) {
  let [own, setOwn] = useState(() => ownOf(options));
  if (own.users >= 0 && !isSame(own, options, true)) setOwn((own = ownOf(options)));
  useEarlyEffect(() => {
    own.onEvent = options.onEvent;
  });
  return (
    <BridgeContext.Provider value={own.bridge}>
      <Keep own={own} lost={() => setOwn(ownOf(options))} />
      {options.source ? (
        <Follow bridge={own.bridge} source={options.source} />
      ) : (
        <Feed bridge={own.bridge} useAuth={useAuth!} />
      )}
      {children}
    </BridgeContext.Provider>
  );
}

/**
 * Gives a bridge to the components below: one of your own, or one made from options. StrictMode, remounts and unstable
 * props change nothing.
 *
 * @example
 * ```tsx
 * <ClerkProvider publishableKey={key}>
 *   <ClerkBridgeProvider useAuth={useAuth} backends={{ convex: convex(client) }}>
 *     <App />
 *   </ClerkBridgeProvider>
 * </ClerkProvider>
 * ```
 */
export function ClerkBridgeProvider(props: ProviderProps): JSX.Element {
  const { children, useAuth, bridge, ...options } = props;
  demand(typeof (useAuth ?? sourceOf) === "function", "useAuth", "a hook");
  if (!bridge) {
    demand(useAuth || options.source, "useAuth", "given, or `source`, or `bridge`");
    return <OwnProvider {...props} />;
  }
  demand(innerOf(bridge), "bridge", "made by createBridge");
  demand(Object.values(options).every((it) => it === undefined), "bridge", "given without options");
  return (
    <BridgeContext.Provider value={bridge}>
      {useAuth && <Feed bridge={bridge} useAuth={useAuth} />}
      {children}
    </BridgeContext.Provider>
  );
}

/**
 * The bridge of the provider above.
 *
 * @example
 * ```tsx
 * const bridge = useBridge();
 * return <button onClick={() => bridge.signOut()}>Sign out</button>;
 * ```
 */
export function useBridge<B extends Backends = Backends>(): Bridge<B> {
  const bridge = useContext(BridgeContext);
  demand(bridge, "useBridge", "called below a ClerkBridgeProvider");
  return bridge!;
}

/** What `useBridgeAuth` says of one backend, and for whom. */
export type BackendAuth = BackendState & Pick<BridgeState, "userId" | "sessionId" | "orgId" | "orgRole">;

/**
 * The state of the whole bridge, or of one backend. The same object until something it says changes.
 *
 * @example
 * ```tsx
 * const { isLoading, userId } = useBridgeAuth();
 * const { isAuthenticated } = useBridgeAuth("convex");
 * ```
 */
export function useBridgeAuth(): BridgeState;
export function useBridgeAuth(backend: string): BackendAuth;
export function useBridgeAuth(backend?: string): BridgeState | BackendAuth;
export function useBridgeAuth(backend?: string): BridgeState | BackendAuth {
  const bridge = useBridge();
  const view = useMemo(() => {
    let last: BackendAuth | undefined;
    return (state: BridgeState) => {
      if (backend === undefined) return state;
      const own = Object.keys(state.backends).includes(backend) && state.backends[backend];
      demand(own, "backend", "one of the bridge's");
      const { userId, sessionId, orgId, orgRole } = state;
      return (last = changed<BackendAuth>(last, { ...(own as BackendState), userId, sessionId, orgId, orgRole }));
    };
  }, [bridge, backend]);
  return useSyncExternalStore(
    bridge.subscribe,
    () => view(bridge.getSnapshot()),
    () => view(bridge.getServerSnapshot()),
  );
}

/** Shows its children while a state holds: of the whole bridge, or of one backend. */
export interface GateProps {
  backend?: string;
  children?: ReactNode;
}

const useGate = ({ backend, children }: GateProps, field: "isAuthenticated" | "isLoading" | "isRefreshing") =>
  useBridgeAuth(backend)[field] ? children : null;

/**
 * Renders its children while signed in.
 *
 * @example
 * ```tsx
 * <Authenticated backend="convex"><Messages /></Authenticated>
 * ```
 */
export function Authenticated(props: GateProps): ReactNode {
  return useGate(props, "isAuthenticated");
}

/** Renders its children while signed out. */
export function Unauthenticated({ backend, children }: GateProps): ReactNode {
  return useBridgeAuth(backend).status === "unauthenticated" ? children : null;
}

/** Renders its children until it is known whether somebody is signed in. */
export function AuthLoading(props: GateProps): ReactNode {
  return useGate(props, "isLoading");
}

/** Renders its children while a rejected or run-out token is being replaced. */
export function AuthRefreshing(props: GateProps): ReactNode {
  return useGate(props, "isRefreshing");
}
