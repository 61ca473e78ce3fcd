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
  useState,
  useSyncExternalStore,
} from "react";
import { adapterOf } from "./backend.js";
import { innerOf, prepare } from "./bridge.js";
import { demand } from "./demand.js";
import { fallBack } from "./loader.js";
import { changed } from "./store.js";
import type { BackendState, Backends, Bridge, BridgeOptions, BridgeState } from "./types.js";

const BridgeContext = createContext<Bridge<any> | undefined>(undefined);

/** Before the effects of what the provider wraps, layout effects too. Servers run neither. */
const useEarlyEffect = typeof window === "undefined" ? useEffect : useLayoutEffect;

const KEPT_MS = 1000;

/** A bridge that a provider made. It is shared by who mounts the same again, and outlives an unmount for a while. */
interface Own {
  readonly bridge: Bridge<any>;
  readonly name: string | undefined;
  /** The latest; an inline function changes at every render. */
  onEvent: BridgeOptions["onEvent"];
  users: number;
  timer?: ReturnType<typeof setTimeout>;
}

const owns = new Set<Own>();

/** Options are often written inline, so what counts is the clients, not the objects around them. */
const isSame = (own: Own, { name, backends = {} }: BridgeOptions<any>) => {
  const mine = own.bridge.backends;
  const names = Object.keys(mine);
  return (
    own.name === name &&
    names.join() === Object.keys(backends).join() &&
    names.every((key) => {
      const [a, b] = [adapterOf(mine[key]), adapterOf(backends[key])];
      return a!.kind === b?.kind && a!.client === b.client;
    })
  );
};

const ownOf = (options: BridgeOptions<any>): Own => {
  for (const own of owns) if (isSame(own, options)) return own;
  const { name, onEvent } = options;
  const tell: BridgeOptions["onEvent"] = (event) => own.onEvent?.(event);
  const own: Own = { bridge: prepare({ ...options, onEvent: onEvent && tell }), name, onEvent, users: 0 };
  return own;
};

/** First among the children, so that its effects come before theirs: clients are held before anything is asked. (H6) */
function Keep({ own, lost }: { own: Own; lost: () => void }) {
  useEarlyEffect(() => {
    if (own.users < 0) return lost();
    clearTimeout(own.timer);
    own.users++;
    owns.add(own);
    fallBack(() => import("./inlined.js").then(({ inlined }) => inlined()));
    innerOf(own.bridge).start();
    return () => {
      if (--own.users) return;
      own.timer = setTimeout(() => {
        own.users = -1;
        owns.delete(own);
        own.bridge.dispose();
      }, KEPT_MS);
    };
  }, [own]);
  return null;
}

/** Alone re-rendered when Clerk hands out a new token. */
function Feed({ bridge, useAuth }: { bridge: Bridge<any>; useAuth: () => any }) {
  const auth = useAuth();
  useEarlyEffect(() => {
    const { isLoaded, isSignedIn } = auth ?? {};
    // Undefined: not known, or on its way somewhere (A7). A pending session counts as none (A8).
    const session = isLoaded && isSignedIn !== undefined ? (isSignedIn ? auth : null) : undefined;
    innerOf(bridge).feed({ getSession: () => session, getToken: (options) => auth.getToken(options) });
  });
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
  if (own.users >= 0 && !isSame(own, options)) setOwn((own = ownOf(options)));
  useEarlyEffect(() => {
    own.onEvent = options.onEvent;
  });
  return (
    <BridgeContext.Provider value={own.bridge}>
      <Keep own={own} lost={() => setOwn(ownOf(options))} />
      {useAuth && <Feed bridge={own.bridge} useAuth={useAuth} />}
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
  if (!bridge) {
    demand(useAuth || options.source, "useAuth", "given, or `source`, or `bridge`");
    return <OwnProvider {...props} />;
  }
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
      const own = state.backends[backend];
      demand(own, "backend", "one of the bridge's");
      const { userId, sessionId, orgId, orgRole } = state;
      return (last = changed<BackendAuth>(last, { ...own!, userId, sessionId, orgId, orgRole }));
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
