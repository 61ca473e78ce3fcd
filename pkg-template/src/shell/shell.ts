// The shell around the machine: timers, storage, page events and the token source on one side, numbers on the other.
// It takes no decision. What the machine wants is noted while an event is handled and carried out after it, in order,
// so that what is called then may call back. (A5)
import type { Glue } from "#glue";
import type { Shell, ShellSettings } from "./contract.js";
import { EVENT } from "./numbers.js";
import { openSource, type Source } from "./source.js";
import { read, write } from "./storage.js";
import { createStrings } from "./strings.js";

type Effect = [kind: number, ...args: any[]];

/** The one effect that is carried out after `dispose`: callers get their answers. (D6) */
const ANSWER = 5;

/** @internal A shell around a machine of its own. */
export default (
  Machine: Glue["Machine"],
  ...[host, name, persist, _shareTabs, ...times]: ShellSettings
): Shell => {
  const { keep, find, text, forget } = createStrings();
  const queue: Effect[] = [];
  const backends: string[] = [];
  let busy: boolean | undefined;
  let stopped: boolean | undefined;
  let source: Source | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let signingOut: number | undefined;
  /** The user and session that the machine acts for. */
  let userId: string | undefined;
  let sessionId: string | undefined;
  let record: (string | undefined)[] | undefined;
  let live: (string | undefined)[] | undefined;
  let session: (string | undefined)[];

  const note = (...effect: Effect) => void queue.push(effect);
  const machine = new Machine({ effect: note, wait: note, log: (...log) => note(17, ...log) }, persist, ...times, Math.random() * 2 ** 52);

  const drain = () => {
    if (busy) return;
    busy = true;
    for (let effect; (effect = queue.shift()); ) {
      const [kind, ...args] = effect;
      if (!stopped || kind === ANSWER) perform[kind]!(...args);
    }
    busy = false;
    if (record) store("localStorage", record, 2);
    if (live) store("sessionStorage", live, 4);
    record = live = undefined;
  };

  /** Keeps a list, or nothing if all that it must hold is missing. (F4) */
  const store = (area: "localStorage" | "sessionStorage", list: (string | undefined)[], least: number) => {
    const empty = list.length === least && (least > 2 || !list[0]);
    if (!write(area, name, empty ? undefined : list)) host.event("storage.failed", -1);
  };

  const tell = (kind: number, a = 0, b = 0, c = 0, d = 0, e = 0) => {
    machine.event(kind, a, b, c, d, e);
    drain();
  };

  const token = (restored: boolean, id: number, value: string) => {
    machine.token(restored, id, keep(value), value, userId ?? "", sessionId ?? "");
    drain();
  };

  /** What the source says now. */
  const look = () => {
    if (!source) return;
    const [kind, user, id, org, role, claims] = source.read();
    if (kind === EVENT.signedIn) {
      userId = user as string;
      sessionId = id as string;
    }
    const fits = claims ? (claims.aud === "convex" || (claims.aud?.includes && [...claims.aud].includes("convex")) ? 2 : 1) : 0;
    tell(kind, keep(user), keep(id), keep(org), keep(role), fits);
  };

  const seen = ({ type }: { type: string }) => {
    if (type === "visibilitychange" && document.hidden) return;
    look(); // what changed while nobody looked comes first
    tell(EVENT.woke, +(type === "online"));
  };

  const listen = (on: "addEventListener" | "removeEventListener") => {
    document[on]("visibilitychange", seen);
    for (const type of ["pageshow", "focus", "online"]) window[on](type, seen as () => void);
  };

  const failed = (request: number, error: any) => {
    if (request === signingOut) return tell(EVENT.sourceSignedOut, request);
    look();
    const missing = [error, error?.errors?.[0]].some((one) => one?.code === "resource_not_found");
    tell(EVENT.fetchFailed, request, missing ? 404 : error?.status, Math.min(error?.retryAfter || 0, 3600));
  };

  /** A promise of the source, or what it threw instead. */
  const ask = (request: number, promise: () => unknown) => {
    try {
      host.wait(promise(), request);
    } catch (error) {
      failed(request, error);
    }
  };

  /** How each effect is carried out, by its number. */
  const perform: ((...args: any[]) => void)[] = [
    (request, template, minted) => ask(request, () => source!.getToken(text(template), !!minted)),
    (_kind, _unused, ms) => {
      clearTimeout(timer);
      if (ms >= 0)
        timer = setTimeout(() => {
          look();
          tell(EVENT.tick);
        }, ms);
    },
    (backend, step, command, argument, user, id, org) =>
      host.run(
        backend,
        step,
        command,
        command === 1 || command === 2 ? text(argument) : undefined,
        argument,
        text(user)!,
        text(id)!,
        text(org),
      ),
    (step) => host.abort(step),
    (leave, user, reason) => host.leave(leave, text(user)!, reason),
    (caller, error, token) => host.answer(caller, error, text(token) ?? null),
    (template, token, ms) => host.token(text(template), text(token), ms),
    forget,
    (user, org) => (record = [text(user), text(org)]),
    (backend, owner) => owner && record!.push(backends[backend], text(owner)),
    (...names) => (live = names.slice(0, 4).map(text)),
    (template, token) => live!.push(text(template), text(token)),
    (request) => {
      signingOut = request;
      ask(request, () => source!.signOut());
    },
    (backend, status, refreshing, error) => host.backend(backend, status, !!refreshing, error),
    (...names) => (session = names.slice(0, 4).map(text)),
    (status, refreshing, error, backend, user, org) => {
      const [userId, sessionId, orgId, role] = session;
      host.publish(status, !!refreshing, userId, sessionId, orgId, role, text(user), text(org), error, backend - 1);
    },
    () => {},
    (type, backend, template, reason, ms) =>
      host.event(type, backend, text(template), reason || undefined, ms || undefined),
  ];

  /** What earlier page loads left behind. */
  const restore = () => {
    const stored = persist ? read("localStorage", name) : undefined;
    if (stored === null) host.event("record.discarded", -1);
    if (stored) {
      const [user, org, ...owners] = stored;
      tell(EVENT.remembered, keep(user), keep(org));
      for (let i = 0; i < owners.length; i += 2) {
        const backend = backends.indexOf(owners[i]!);
        if (backend >= 0) tell(EVENT.owner, backend, keep(owners[i + 1]));
      }
    }
    const [user, id, org, role, ...tokens] = (persist > 1 && read("sessionStorage", name)) || [];
    if (!user || !id) return;
    userId = user;
    sessionId = id;
    tell(EVENT.restored, keep(user), keep(id), keep(org), keep(role));
    for (let i = 0; i < tokens.length; i += 2) if (tokens[i + 1]) token(true, keep(tokens[i]), tokens[i + 1]!);
  };

  return {
    addBackend(backend, policy, template, auto) {
      backends.push(backend);
      tell(EVENT.backend, policy, keep(template), +auto);
    },
    start(kind, object) {
      restore();
      tell(EVENT.start);
      source = openSource(kind, object, look);
      listen("addEventListener");
      look();
    },
    sourceChanged: look,
    getToken: (caller, template, force) => tell(force ? EVENT.askFresh : EVENT.askGood, caller, keep(template)),
    renew: (caller, backend, rejected) => tell(EVENT.askInstead, caller, backend, find(rejected)),
    settled(request, value) {
      if (request === signingOut) return tell(EVENT.sourceSignedOut, request, 1);
      // Only the source itself can say that nobody is signed in: it is looked at first. (B2)
      if (value == null) return failed(request, value);
      token(false, request, typeof value === "string" ? value : "");
    },
    failed,
    stepDone: (step) => tell(EVENT.stepDone, step),
    stepFailed: (step, why) => tell(EVENT.stepFailed, step, why),
    rejected: (step, why) => tell(EVENT.rejected, step, why),
    left: (leave) => tell(EVENT.left, leave),
    signOut: (caller) => tell(EVENT.signOut, caller),
    dispose() {
      stopped = true;
      tell(EVENT.dispose);
      clearTimeout(timer);
      if (source) {
        listen("removeEventListener");
        source.close();
      }
    },
  };
};
