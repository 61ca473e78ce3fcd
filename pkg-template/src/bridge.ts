// A bridge: the shell inside the wasm module on one side, the application on the other. It hands decisions on and must
// take none of its own. It works, as `loading`, before the module is there, and survives the module's death. (J1)
import { createRunner } from "./backend.js";
import { type BridgeError, CODES, numbered } from "./errors.js";
import { type Instance, instance, retryMs } from "./loader.js";
import { checkOptions } from "./options.js";
import type { Host, Shell } from "./shell/contract.js";
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

/** A token that can be handed out without asking the shell, and until when. */
interface Held {
  readonly token: Promise<string>;
  readonly wall: number;
  readonly mono: number;
  /** The clocks were read in this task: reading them costs more than all the rest. */
  good?: boolean;
}

const STATUS: Status[] = ["loading", "authenticated", "unauthenticated"];
const { freeze, fromEntries } = Object;

const stateOf = (status: number, isRefreshing: boolean, error: BridgeError | null): BackendState => ({
  status: STATUS[status]!,
  isLoading: !status,
  isAuthenticated: status === 1,
  isRefreshing,
  error,
});

/** @internal A bridge that has not begun. */
export const prepare = <B extends Backends = {}>(given?: BridgeOptions<B>): Bridge<B> => {
  const { names, adapters, backends, source, onEvent, settings } = checkOptions(given);
  const fetchTimeoutMs = settings[4];
  const holder: { current: unknown } = { current: {} };
  const callers = new Map<number, [settle: Settle, ask: Ask]>();
  const leavers = new Set<Parameters<Bridge["onLeave"]>[0]>();
  const held = new Map<string | undefined, Held>();
  let lastCaller = 0;
  let shell: Shell | undefined;
  let home: Instance | undefined;
  let runner: ReturnType<typeof createRunner> | undefined;
  let started: boolean | undefined;
  let disposed: boolean | undefined;
  let recovering: boolean | undefined;
  let failure: BridgeError | undefined;
  let cause: unknown;
  let panics = 0;
  let again: ReturnType<typeof setTimeout> | undefined;
  let tick: ReturnType<typeof setTimeout> | undefined;

  const allBackends = (state: BackendState) => freeze(fromEntries(names.map((name) => [name, freeze(state)])));
  let backendStates = allBackends(stateOf(0, false, null));
  const initial: BridgeState = freeze({
    ...stateOf(0, false, null),
    userId: null,
    sessionId: null,
    orgId: null,
    orgRole: null,
    remembered: null,
    backends: backendStates,
  });
  const store = createStore(initial);
  let isReady!: (state: BridgeState) => void;
  const ready = new Promise<BridgeState>((resolve) => {
    isReady = resolve;
  });

  const publish = (state: BridgeState) => {
    if (!state.isLoading) isReady(state);
    store.set(freeze(state));
  };

  const event: Host["event"] = (type, backend, template, reason, ms) => {
    if (onEvent) safely(() => onEvent({ at: Date.now(), type, backend: names[backend], template, reason, ms }));
  };

  /** No shell for now, and why: those who wait for one are told, and nobody is held back any more. (I4) */
  const fail = (error: BridgeError, type: string, wait: number) => {
    failure = error;
    const state = stateOf(2, false, error);
    backendStates = allBackends(state);
    event(type, -1, undefined, error.code);
    publish({ ...store.get(), ...state, backends: backendStates });
    for (const [, [settle]] of callers) settle(error);
    for (const adapter of adapters) safely(() => adapter.nobody?.());
    again = setTimeout(boot, wait);
  };

  const begin = (found: Instance) => {
    if (disposed) return;
    home = found;
    home.traps.add(panic);
    failure = undefined;
    const steps = (runner = createRunner(adapters, () => own));
    const own: Shell = (shell = home.open(
      {
        wait(promise, request) {
          Promise.resolve(promise).then(
            (value) => {
              cause = 0;
              own.settled(request, value);
            },
            (error) => {
              cause = error;
              own.failed(request, error);
            },
          );
        },
        answer(caller, code, token) {
          callers.get(caller)?.[0](code && numbered(code, null, cause), token);
        },
        token(template, token, goodForMs) {
          held.delete(template);
          if (token)
            held.set(template, {
              token: Promise.resolve(token),
              wall: Date.now() + goodForMs,
              mono: performance.now() + goodForMs,
            });
        },
        run: steps.run,
        abort: steps.abort,
        leave(leave, userId, reason) {
          const told = [...leavers].map(async (leaver) => leaver(userId, reason ? "user-switched" : "signed-out"));
          Promise.all(told.map((leaving) => leaving.catch(report))).then(() => own.left(leave));
        },
        event,
        backend(index, status, refreshing, code) {
          const name = names[index]!;
          const error = code ? numbered(code, name, steps.causes[index]) : null;
          backendStates = freeze({ ...backendStates, [name]: freeze(stateOf(status, refreshing, error)) });
        },
        publish(
          status,
          refreshing,
          userId = null,
          sessionId = null,
          orgId = null,
          orgRole = null,
          lastUserId,
          lastOrgId = null,
          code,
          backend,
        ) {
          // A shell that replaces one that died must not take the application back to loading.
          if (recovering && !status) return;
          recovering = false;
          const { error } = (backend < 0 ? store.get() : backendStates[names[backend]!])!;
          publish({
            ...stateOf(
              status,
              refreshing,
              code ? (error?.code === CODES[code] ? error : numbered(code, null, cause)) : null,
            ),
            userId,
            sessionId,
            orgId,
            orgRole,
            remembered: lastUserId ? freeze({ userId: lastUserId, orgId: lastOrgId }) : null,
            backends: backendStates,
          });
        },
      },
      ...settings,
    ));
    adapters.forEach(({ policy = 0, template, auto, kind }, index) =>
      own.addBackend(names[index]!, policy, auto ? kind : template || undefined, !!auto),
    );
    own.start(source ? ("addListener" in source ? 1 : 0) : 2, source ?? holder);
    for (const [caller, [, ask]] of callers) ask(own, caller);
  };

  const boot = () => {
    instance().then(begin, (error) => disposed || fail(error, "wasm.failed", retryMs));
  };

  /** The module trapped. What it held in memory is lost; the next shell learns it anew. (J1) */
  const panic = (trap: unknown) => {
    if (disposed) return;
    const error = numbered(3, null, trap);
    shell = undefined;
    held.clear();
    runner!.stop();
    if (panics++ < 3) {
      event("panic", -1);
      recovering = true;
      publish({ ...store.get(), error });
      boot();
    } else {
      panics = 0;
      fail(error, "panic", 60_000);
    }
  };

  const call = (ask: Ask) =>
    new Promise<any>((resolve, reject) => {
      if (failure) return reject(failure);
      const caller = ++lastCaller;
      // The shell keeps the time of its callers; this is for those that wait for a shell. (B10)
      const late = shell ? undefined : setTimeout(() => settle(numbered(8)), fetchTimeoutMs);
      const settle: Settle = (error, token) => {
        callers.delete(caller);
        clearTimeout(late);
        if (error) reject(error);
        else resolve(token);
      };
      callers.set(caller, [settle, ask]);
      if (shell) ask(shell, caller);
    });

  const isGood = (it: Held) => {
    tick ??= setTimeout(() => {
      tick = undefined;
      for (const [, it] of held) it.good = false;
    });
    return (it.good = Date.now() < it.wall && performance.now() < it.mono);
  };

  const getToken: Bridge["getToken"] = (wanted) => {
    const template = wanted?.template || undefined;
    const force = !!wanted?.forceRefresh;
    const it = held.get(template);
    return it && !force && (it.good || isGood(it))
      ? it.token
      : call((shell, caller) => shell.getToken(caller, template, force));
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
          });
          // Before the module has loaded, so that no call slips out without identity. (H6)
          adapter.hold?.();
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
    signOut: () => call((shell, caller) => shell.signOut(caller)).then(() => {}),
    dispose() {
      if (disposed) return;
      disposed = true;
      failure = numbered(2);
      shell?.dispose();
      home?.traps.delete(panic);
      clearTimeout(again);
      clearTimeout(tick);
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
