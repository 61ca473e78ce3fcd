// A bridge: the shell inside the wasm module on one side, the application on the other. It hands decisions on and must
// take none of its own. It works, as `loading`, before the module is there, and survives the module's death. (J1)
import createShell from "#shell";
import { createRunner, REASONS, traitsOf } from "./backend.js";
import { type BridgeError, CODES, numbered } from "./errors.js";
import { createHeld } from "./held.js";
import { type Instance, instance, retryMs } from "./loader.js";
import { checkOptions } from "./options.js";
import type { Host, Session, Shell } from "./shell/contract.js";
import { EVENT } from "./shell/numbers.js";
import { createStore, report, safely } from "./store.js";
import type { BackendState, Backends, Bridge, BridgeOptions, BridgeState, Status } from "./types.js";

/** @internal Under this key a bridge keeps what only other entry points of the package may call. */
export const INNER: unique symbol = /* @__PURE__ */ Symbol.for("clerk-bridge.inner") as never;

/** @internal */
export interface Inner {
  /** Begin; nothing happens before. Does nothing on a server, and nothing the second time. */
  start(): void;
  /** The latest value of `useAuth()`, for a bridge without a source. */
  feed(auth: unknown): void;
}

type Ask = (shell: Shell, caller: number) => void;
type Settle = (error?: BridgeError | 0, token?: string | null) => void;

const STATUS: Status[] = ["loading", "authenticated", "unauthenticated"];
const { freeze, fromEntries } = Object;
const NOBODY: Session = [null, null, null, null];

const stateOf = (status: number, refreshing: number, error: BridgeError | null): BackendState =>
  freeze({
    status: STATUS[status]!,
    isLoading: !status,
    isAuthenticated: status === 1,
    isRefreshing: !!refreshing,
    error,
  });

/** The error of that number: the one there is, if it is the same still. */
const errorOf = (code: number, before: BridgeError | null, backend: string | null, cause: unknown) =>
  code ? (before?.code === CODES[code] ? before : numbered(code, backend, cause)) : null;

const whole = (
  state: BackendState,
  backends: BridgeState["backends"],
  [userId, sessionId, orgId, orgRole]: Session,
  [lastUserId, lastOrgId = null]: (string | null)[],
): BridgeState =>
  freeze({
    ...state,
    userId,
    sessionId,
    orgId,
    orgRole,
    remembered: lastUserId ? freeze({ userId: lastUserId, orgId: lastOrgId }) : null,
    backends,
  });

/** @internal A bridge that has not begun. */
export const prepare = <B extends Backends = {}>(given?: BridgeOptions<B>): Bridge<B> => {
  const { names, adapters, backends, source, onEvent, fetchTimeoutMs, settings } = checkOptions(given);
  const holder: { current: unknown } = { current: {} };
  const callers = new Map<number, [settle: Settle, ask: Ask]>();
  const leavers = new Set<Parameters<Bridge["onLeave"]>[0]>();
  const held = createHeld();
  let lastCaller = 0;
  let shell: Shell | undefined;
  let home: Instance | undefined;
  let runner: ReturnType<typeof createRunner>;
  let started: boolean | undefined;
  let disposed: boolean | undefined;
  let recovering: boolean | undefined;
  let failure: BridgeError | undefined;
  let panics = 0;
  let again: ReturnType<typeof setTimeout> | undefined;

  const allBackends = (state: BackendState) => freeze(fromEntries(names.map((name) => [name, state])));
  const unknown = stateOf(0, 0, null);
  let backendStates = allBackends(unknown);
  const initial = whole(unknown, backendStates, NOBODY, NOBODY);
  const store = createStore(initial);
  let isReady!: (state: BridgeState) => void;
  const ready = new Promise<BridgeState>((resolve) => {
    isReady = resolve;
  });

  const publish = (state: BridgeState) => {
    if (disposed) return;
    if (!state.isLoading) isReady(state);
    store.set(freeze(state));
  };

  const event: Host["event"] = (type, backend, template, reason, ms) => {
    if (!disposed)
      safely(onEvent, { at: Date.now(), type, backend: names[backend], template: template || undefined, reason, ms });
  };

  /** No shell for now, and why: those who wait for one are told, and nobody is held back any more. (I4) */
  const fail = (error: BridgeError, type: string, wait: number) => {
    failure = error;
    again = setTimeout(boot, wait);
    for (const [, [settle]] of callers) settle(error);
    for (const adapter of adapters) safely(() => adapter.nobody?.());
    event(type, -1, null, error.code);
    const state = stateOf(2, 0, error);
    backendStates = allBackends(state);
    publish({ ...store.get(), ...state, backends: backendStates });
  };

  const begin = (found: Instance) => {
    if (disposed) return;
    const waiting = [...callers];
    home = found;
    home.traps.add(panic);
    failure = undefined;
    const { run, abort, causes } = (runner = createRunner(adapters, {
      tell: (...event) => own.tell(...event),
      owes: (...what) => own.owes(...what),
    }));
    const host: Host = {
      run,
      abort,
      event,
      answer: (caller, code, token, cause) => callers.get(caller)?.[0](code && numbered(code, null, cause), token),
      token: held.set,
      leave(leave, userId, reason) {
        const told = [...leavers].map(async (leaver) => leaver(userId, REASONS[reason] as any));
        Promise.all(told.map((leaving) => leaving.catch(report))).then(() => own.tell(EVENT.left, leave));
      },
      backend(index, status, refreshing, code, cause) {
        const name = names[index]!;
        const before = backendStates[name]!;
        // From 12 on, the backend itself is why.
        const error = errorOf(code, before.error, name, code < 12 ? cause : causes[index]);
        const state = stateOf(status, refreshing, error);
        if (before.status !== state.status || before.isRefreshing !== state.isRefreshing || before.error !== error)
          backendStates = freeze({ ...backendStates, [name]: state });
      },
      publish(status, refreshing, code, backend, session, remembered, cause) {
        // A shell that replaces one that died must not take the application back to loading.
        if (recovering && !status) return;
        recovering = false;
        const { error } = backend ? backendStates[names[backend - 1]!]! : store.get();
        const state = stateOf(status, refreshing, errorOf(code, error, null, cause));
        publish(whole(state, backendStates, session, remembered));
      },
    };
    const own: Shell = (shell = createShell(found, host, ...settings));
    adapters.forEach((adapter, index) => {
      const { policy = 0, template, auto, kind } = adapter;
      own.addBackend(names[index]!, policy, auto ? kind : template, !!auto, traitsOf(adapter));
    });
    own.start(source ? ("addListener" in source ? 1 : 0) : 2, source ?? holder);
    for (const [caller, [, ask]] of waiting) ask(own, caller);
  };

  const boot = () => {
    instance().then(begin, (error) => disposed || fail(error, "wasm.failed", retryMs));
  };

  /** The module trapped. What it held in memory is lost; the next shell learns it anew. (J1) */
  const panic = (trap: unknown) => {
    if (disposed) return;
    const error = numbered(3, null, trap);
    shell!.dispose();
    shell = undefined;
    held.clear();
    runner.stop();
    if (panics++ < 3) {
      recovering = true;
      boot();
      event("panic", -1);
      publish({ ...store.get(), error });
    } else {
      panics = 0;
      fail(error, "panic", 60_000);
    }
  };

  const call = (ask: Ask) =>
    new Promise<any>((resolve, reject) => {
      if (failure) return reject(failure);
      const caller = ++lastCaller;
      // A shell keeps the time of its callers; this is for those that wait for one. (B10)
      const late = shell ? undefined : setTimeout(() => shell || settle(numbered(8)), fetchTimeoutMs);
      const settle: Settle = (error, token) => {
        callers.delete(caller);
        clearTimeout(late);
        if (error) reject(error);
        else resolve(token);
      };
      callers.set(caller, [settle, ask]);
      if (shell) ask(shell, caller);
    });

  const getToken: Bridge["getToken"] = (wanted) => {
    const template = wanted?.template || null;
    const force = !!wanted?.forceRefresh;
    return (
      (!force && held.get(template)) || call((shell, caller) => shell.getToken(caller, template, force))
    );
  };

  const inner: Inner = {
    start() {
      if (started || disposed || typeof window === "undefined") return;
      started = true;
      adapters.forEach((adapter, index) =>
        safely(() => {
          adapter.open?.({
            getToken,
            renew: (rejected) => call((shell, caller) => shell.renew(caller, index, rejected)),
            fetchTimeoutMs,
            report: (type, message) => safely(onEvent, { at: Date.now(), type, backend: names[index], message }),
          });
          // Before the module has loaded, so that no call slips out without identity. (H6)
          adapter.hold?.(false);
        }),
      );
      boot();
    },
    feed(auth) {
      holder.current = auth;
      shell?.sourceChanged();
    },
  };

  return {
    ready,
    backends: backends as B,
    getSnapshot: store.get,
    getServerSnapshot: () => initial,
    subscribe: store.subscribe,
    getToken,
    onLeave(callback) {
      leavers.add(callback);
      return () => {
        leavers.delete(callback);
      };
    },
    signOut: () => call((shell, caller) => shell.tell(EVENT.signOut, caller)).then(() => {}),
    dispose() {
      if (disposed) return;
      disposed = true;
      failure = numbered(2);
      shell?.dispose();
      home?.traps.delete(panic);
      clearTimeout(again);
      store.close();
      leavers.clear();
      held.clear();
      for (const [, [settle]] of callers) settle(failure);
      if (started) for (const adapter of adapters) safely(() => adapter.close?.());
      isReady(store.get());
    },
    [INNER]: inner,
  } as Bridge<B>;
};

/** @internal */
export const innerOf = (bridge: Bridge<any>): Inner => (bridge as any)[INNER];

/** @internal */
export const create = <B extends Backends = {}>(options?: BridgeOptions<B>): Bridge<B> => {
  const bridge = prepare(options);
  innerOf(bridge).start();
  return bridge;
};
