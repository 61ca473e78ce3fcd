// A bridge: the shell inside the wasm module on one side, the application on the other. It hands decisions on and must
// take none of its own. It works, as `loading`, before the module is there, and survives the module's death. (J1)
import createShell from "#shell";
import { adapterOf, createRunner, REASONS, traitsOf } from "./backend.js";
import { type BridgeError, CODES, numbered } from "./errors.js";
import { createHeld } from "./held.js";
import { type Instance, instance, retryMs } from "./loader.js";
import { checkOptions } from "./options.js";
import type { Host, Shell } from "./shell/contract.js";
import { EFFECT, EVENT } from "./shell/numbers.js";
import { changed, createStore, join, report, safely } from "./store.js";
import type {
  BackendState,
  Backends,
  Bridge,
  BridgeEvent,
  BridgeOptions,
  BridgeState,
  Status,
  TokenSource,
} from "./types.js";

/** @internal Under this key a bridge keeps what only other entry points of the package may call. */
export const INNER: unique symbol = /* @__PURE__ */ Symbol.for("clerk-bridge.inner") as never;

/** @internal */
export interface Inner {
  /** Begin; nothing happens before. Does nothing on a server, and nothing the second time. */
  start(): void;
  /** What stands for the source of a bridge without one, from now on. */
  feed(source: Partial<TokenSource>): void;
}

/** Somebody who waits for an answer. */
interface Caller {
  ask(shell: Shell): void;
  settle(error?: BridgeError | 0, token?: string | null): void;
}

type Session = (string | null)[];

const STATUS: Status[] = ["loading", "authenticated", "unauthenticated"];

const stateOf = (status: number, refreshing: number, error: BridgeError | null): BackendState => ({
  status: STATUS[status]!,
  isLoading: !status,
  isAuthenticated: status === 1,
  isRefreshing: !!refreshing,
  error,
});

const whoOf = ([userId = null, sessionId = null, orgId = null, orgRole = null]: Session) => ({
  userId,
  sessionId,
  orgId,
  orgRole,
});

/** The error of that number: the one there is, if it is the same still. */
const errorOf = (code: number, before: BridgeError | null, backend: string | null, cause: unknown) =>
  code ? (before?.code === CODES[code] ? before : numbered(code, backend, cause)) : null;

/** @internal A bridge that has not begun. */
export const prepare = <B extends Backends = {}>(given?: BridgeOptions<B>): Bridge<B> => {
  const options = checkOptions(given);
  const { backends, fetchTimeoutMs } = options;
  const names = Object.keys(backends);
  const adapters = names.map((name) => adapterOf(backends[name])!);
  const fed = { getSession() {}, subscribe() {} };
  const callers = new Map<number, Caller>();
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

  /** All backends in one state. */
  const all = (state: BackendState): BridgeState["backends"] => {
    const one = changed<BackendState>(null, state);
    return changed<BridgeState["backends"]>(null, Object.fromEntries(names.map((name) => [name, one])));
  };
  const unknown = stateOf(0, 0, null);
  let states = all(unknown);
  const initial = changed<BridgeState>(null, {
    ...unknown,
    ...whoOf([]),
    remembered: null,
    backends: states,
  });
  const store = createStore(initial);
  let isReady!: (state: BridgeState) => void;
  const ready = new Promise<BridgeState>((resolve) => {
    isReady = resolve;
  });

  const publish = (change: Partial<BridgeState>) => {
    if (disposed) return;
    store.set(change);
    if (!store.get().isLoading) isReady(store.get());
  };

  const event = (type: string, index?: number, more?: Partial<BridgeEvent>) => {
    if (!disposed) safely(options.onEvent, { at: Date.now(), type, backend: names[index!], ...more });
  };

  /** No shell for now, and why: those who wait for one are told, and nobody is held back any more. (I4) */
  const fail = (error: BridgeError, type: string, wait: number) => {
    failure = error;
    again = setTimeout(boot, wait);
    for (const [, { settle }] of callers) settle(error);
    for (const adapter of adapters) safely(() => adapter.nobody?.());
    event(type, -1, { reason: error.code });
    const state = stateOf(2, 0, error);
    states = all(state);
    publish({ ...state, backends: states });
  };

  /** What the machine wants of the application. */
  const hostOf = (own: Shell): Host => {
    const { tell, text, cause } = own;
    const { run, abort, causes } = (runner = createRunner(adapters, own));
    let who: Session = [];
    return {
      [EFFECT.run]: run,
      [EFFECT.abort]: abort,
      [EFFECT.leave](leave, user, reason) {
        const told = [...leavers].map(async (leaver) => leaver(text(user)!, REASONS[reason] as any));
        Promise.all(told.map((leaving) => leaving.catch(report))).then(() => tell(EVENT.left, leave));
      },
      [EFFECT.answer](caller, code, token) {
        callers.get(caller)?.settle(code && numbered(code, null, cause()), text(token));
      },
      [EFFECT.cache](template, token, ms) {
        held.set(text(template), text(token), ms);
      },
      [EFFECT.backend](index, status, refreshing, code) {
        const name = names[index]!;
        const before = states[name]!;
        // From 12 on, the backend itself is why.
        const error = errorOf(code, before.error, name, code < 12 ? cause() : causes[index]);
        states = changed(states, { [name]: changed(before, stateOf(status, refreshing, error)) });
      },
      [EFFECT.session](...session) {
        who = session.map(text);
      },
      [EFFECT.publish](status, refreshing, code, backend, ...remembered) {
        // A shell that replaces one that died must not take the application back to loading.
        if (recovering && !status) return;
        recovering = false;
        const { error } = backend ? states[names[backend - 1]!]! : store.get();
        const [userId, orgId] = remembered.map(text);
        publish({
          ...stateOf(status, refreshing, errorOf(code, error, null, cause())),
          ...whoOf(who),
          remembered: userId ? changed(store.get().remembered, { userId, orgId }) : null,
          backends: states,
        });
      },
      [EFFECT.log](type, backend, template, reason, ms) {
        const of = text(template) || undefined;
        event(type, backend, { template: of, reason: reason || undefined, ms: ms || undefined });
      },
    };
  };

  const begin = (found: Instance) => {
    if (disposed) return;
    const waiting = [...callers];
    home = found;
    home.traps.add(panic);
    failure = undefined;
    const own = (shell = createShell(found, hostOf, names, options));
    for (const adapter of adapters) {
      const { policy = 0, template, auto, kind } = adapter;
      own.tell(EVENT.backend, policy, auto ? kind : template, auto ? 1 : 0, traitsOf(adapter));
    }
    own.start(options.source ?? fed);
    for (const [, { ask }] of waiting) ask(own);
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
      event("panic");
      publish({ error });
    } else {
      panics = 0;
      fail(error, "panic", 60_000);
    }
  };

  /** Asks the machine for something, by an event that names the caller first. */
  const call = (kind: EVENT, ...what: unknown[]) =>
    new Promise<any>((resolve, reject) => {
      if (failure) return reject(failure);
      const caller = ++lastCaller;
      const ask = (shell: Shell) => shell.tell(kind, caller, ...what);
      // A shell keeps the time of its callers; this is for those that wait for one. (B10)
      const late = setTimeout(() => shell || settle(numbered(8)), fetchTimeoutMs);
      const settle: Caller["settle"] = (error, token) => {
        callers.delete(caller);
        clearTimeout(late);
        if (error) reject(error);
        else resolve(token);
      };
      callers.set(caller, { settle, ask });
      if (shell) ask(shell);
    });

  const getToken: Bridge["getToken"] = (wanted) => {
    // As text: to the machine a number is a string that it knows.
    const template = wanted?.template ? `${wanted.template}` : null;
    const force = wanted?.forceRefresh;
    return (!force && held.get(template)) || call(force ? EVENT.askFresh : EVENT.askGood, template);
  };

  const inner: Inner = {
    start() {
      if (started || disposed || typeof window === "undefined") return;
      started = true;
      adapters.forEach((adapter, index) =>
        safely(() => {
          adapter.open?.({
            getToken,
            renew: (rejected) => call(EVENT.askInstead, index, rejected),
            fetchTimeoutMs,
            report: (type, message) => event(type, index, { message }),
          });
          // Before the module has loaded, so that no call slips out without identity. (H6)
          adapter.hold?.(false);
        }),
      );
      boot();
    },
    feed(latest) {
      Object.assign(fed, latest);
      shell?.look();
    },
  };

  return {
    ready,
    backends,
    getSnapshot: store.get,
    getServerSnapshot: () => initial,
    subscribe: store.subscribe,
    getToken,
    onLeave: (callback) => join(leavers, callback),
    signOut: () => call(EVENT.signOut).then(() => {}),
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
      for (const [, { settle }] of callers) settle(failure);
      if (started) for (const adapter of adapters) safely(() => adapter.close?.());
      isReady(store.get());
    },
    [INNER]: inner,
  } as Partial<Bridge> as Bridge<B>;
};

/** @internal */
export const innerOf = (bridge: Bridge<any>): Inner => (bridge as any)[INNER];

/** @internal */
export const create = <B extends Backends = {}>(options?: BridgeOptions<B>): Bridge<B> => {
  const bridge = prepare(options);
  innerOf(bridge).start();
  return bridge;
};
