// The shell around the machine: timers, storage, page events and the token source on one side, numbers on the other.
// It takes no decision. What the machine wants is noted while an event is handled and carried out after it, in order,
// so that what is called then may call back. (A5)
import type { Instance } from "../loader.js";
import type { Host, Session, Shell, ShellSettings } from "./contract.js";
import { EFFECT, EVENT } from "./numbers.js";
import { openSource, type Source } from "./source.js";
import { type Area, read, write } from "./storage.js";
import { createStrings } from "./strings.js";

type Effect = [kind: number, ...args: any[]];

/** The longest token that is any use. (B9) */
const LONGEST = 1 << 15;

/** A number out of an error, which may hold anything. */
const count = (value: unknown) => (typeof value === "number" ? Math.min(Math.max(value, 0), 3600) : 0);

/** @internal A shell around a machine of its own. */
export default (
  { createMachine, enter }: Instance,
  host: Host,
  ...[name, persist, _shareTabs, ...times]: ShellSettings
): Shell => {
  const { keep, find, text, forget } = createStrings();
  const queue: Effect[] = [];
  const backends: string[] = [];
  let busy: boolean | undefined;
  let stopped: boolean | undefined;
  let source: Source | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** The user and session that the machine acts for. */
  let userId = "";
  let sessionId = "";
  /** How the last promise of the source failed, if it did. */
  let cause: unknown;

  const note = (...effect: Effect) => void queue.push(effect);
  const machine = enter(() =>
    createMachine(
      { effect: note, wait: note, log: (...log) => note(EFFECT.log, ...log) },
      persist,
      ...times,
      Math.random() * 2 ** 52,
    ),
  )!;

  /** Lets the machine handle something, then does what it wants, unless that is being done already. */
  const handle = (happening: () => void) => {
    if (stopped) return;
    enter(happening);
    if (busy) return;
    busy = true;
    for (let effect; (effect = queue.shift()); ) {
      const [kind, ...args] = effect;
      perform[kind]!(...args);
    }
    busy = false;
  };

  const tell: Shell["tell"] = (...event) => handle(() => machine.event(...event));

  const token = (restored: boolean, id: number, value: string) =>
    handle(() => machine.token(restored, id, keep(value), value, userId, sessionId));

  /** What the source says now. */
  const look = () => {
    if (!source) return;
    const [kind, fits = 0, ...who] = source.read();
    if (who[0]) [userId, sessionId] = who as [string, string];
    const [user = 0, id = 0, org = 0, role = 0] = who.map(keep);
    tell(kind, user, id, org, role, fits);
  };

  const seen = ({ type }: Event) => {
    if (type === "visibilitychange" && globalThis.document?.hidden) return;
    look(); // what changed while nobody looked comes first
    tell(EVENT.woke, +(type === "online"));
  };

  const listen = (on: "addEventListener" | "removeEventListener") => {
    for (const type of ["visibilitychange", "pageshow", "focus", "online"]) window[on]?.(type, seen);
  };

  const close = () => {
    listen("removeEventListener");
    source?.close();
    source = undefined;
  };

  /** Waits for a promise of the source; what its maker throws counts as its failure. */
  const wait = (make: () => unknown, settled: (value: any) => void, failed: (error: any) => void) =>
    new Promise((resolve) => resolve(make())).then(
      (value) => {
        cause = undefined;
        settled(value);
      },
      (error) => failed((cause = error)),
    );

  /** The effects of a kind that come right after this one. */
  const following = (kind: number) => {
    const found: number[][] = [];
    while (queue[0]?.[0] === kind) found.push(queue.shift()!.slice(1));
    return found;
  };

  /** The stored lines of backends: name, whose data it keeps, a session of its own that is to be revoked. */
  const recorded = () => {
    const rest = (persist && read("localStorage", name)?.slice(2)) || [];
    return rest.flatMap((_, i) => (i % 3 ? [] : [rest.slice(i, i + 3)]));
  };

  /** Every session that was ever owed here. */
  const owed = new Set<string>();

  const owes: Shell["owes"] = (backend, session) => {
    owed.add(session);
    tell(EVENT.owes, backend, keep(session));
  };

  /** Keeps a list through reloads, or nothing if all that it is for is missing. (F4) */
  const store = (area: Area, list: (string | null)[], filled: number) => {
    if (!write(area, name, filled ? list : undefined)) host.event("storage.failed", -1);
  };

  /** How each effect is carried out. */
  const perform: Record<number, (...args: any[]) => void> = {
    [EFFECT.fetch](request, template, minted) {
      const failed = (error: any) => {
        // Only the source itself can say that nobody is signed in: it is looked at first. (B2)
        look();
        const missing = [error, error?.errors?.[0]].some((one) => one?.code === "resource_not_found");
        tell(EVENT.fetchFailed, request, missing ? 404 : count(error?.status), count(error?.retryAfter));
      };
      wait(
        () => source!.getToken(text(template), minted),
        (value) => {
          if (value == null) failed(value);
          else token(false, request, typeof value === "string" && value.length <= LONGEST ? value : "");
        },
        failed,
      );
    },
    [EFFECT.timer](_, __, ms) {
      clearTimeout(timer);
      if (ms >= 0)
        timer = setTimeout(() => {
          look();
          tell(EVENT.tick);
        }, ms);
    },
    [EFFECT.run](backend, step, command, argument, ...who) {
      const [userId, sessionId, orgId] = who.map(text);
      // What another tab has stored meanwhile counts. What this one knows is stored after the step has begun.
      const owned = recorded().some(([name, owner]) => name === backends[backend] && owner && owner === userId);
      const carries = command === 1 || command === 2 || command === 5;
      host.run(backend, step, command, carries ? text(argument) : null, argument, owned, userId!, sessionId!, orgId!);
    },
    [EFFECT.abort]: host.abort,
    [EFFECT.leave]: (leave, user, reason) => host.leave(leave, text(user)!, reason),
    [EFFECT.answer]: (caller, error, token) => host.answer(caller, error, text(token), cause),
    [EFFECT.cache]: (template, token, ms) => host.token(text(template), text(token), ms),
    [EFFECT.forget]: forget,
    [EFFECT.store](user, org) {
      const own = following(EFFECT.storeBackend).map(([backend, ...what]) => [
        backends[backend!]!,
        ...what.slice(0, 2).map(text),
      ]);
      // What other tabs have to revoke stays until one of us has.
      const others = recorded().filter(([, , session]) => session && !owed.has(session));
      const list = [...own, ...others].filter(([, owner, session]) => owner || session).flat();
      store("localStorage", [text(user), text(org), ...(list as string[])], user || list.length);
    },
    [EFFECT.storeLive](...who) {
      const tokens = following(EFFECT.storeToken).flatMap(([template, token]) => [text(template!), text(token!)]);
      store("sessionStorage", [...who.slice(0, 4).map(text), ...tokens], tokens.length);
    },
    [EFFECT.signOut]: (request) =>
      wait(
        () => source!.signOut(),
        () => tell(EVENT.sourceSignedOut, request, 1),
        () => tell(EVENT.sourceSignedOut, request),
      ),
    [EFFECT.backend]: (index, status, refreshing, error) => host.backend(index, status, refreshing, error, cause),
    [EFFECT.session](...who) {
      const [[status, refreshing, error, backend, ...remembered]] = following(EFFECT.publish) as any;
      host.publish(status, refreshing, error, backend, who.map(text) as Session, remembered.map(text), cause);
    },
    [EFFECT.log]: (type, backend, template, reason, ms) =>
      host.event(type, backend, text(template), reason || undefined, ms || undefined),
  };

  /** What earlier page loads left behind. */
  const restore = () => {
    const recall = (area: Area, least: number) => {
      const list = persist < least ? undefined : read(area, name);
      if (list === null) host.event("record.discarded", -1);
      return list || [];
    };
    const [user, org] = recall("localStorage", 1);
    tell(EVENT.remembered, keep(user), keep(org));
    for (const [name, owner, session] of recorded()) {
      const backend = backends.indexOf(name!);
      if (backend < 0) continue;
      if (owner) tell(EVENT.owner, backend, keep(owner));
      if (session) owes(backend, session);
    }
    const [...who] = recall("sessionStorage", 2);
    const tokens = who.splice(4);
    if (!who[0] || !who[1]) return;
    [userId, sessionId] = who as [string, string];
    tell(EVENT.restored, ...who.map(keep));
    for (let i = 0; i < tokens.length; i += 2) token(true, keep(tokens[i]), tokens[i + 1] ?? "");
  };

  return {
    tell,
    sourceChanged: look,
    owes,
    addBackend(backend, kind, template, auto, traits) {
      backends.push(backend);
      tell(EVENT.backend, kind, keep(template), +auto, traits);
    },
    start(kind, object) {
      restore();
      tell(EVENT.start);
      if (stopped) return;
      source = openSource(kind, object, look);
      listen("addEventListener");
      if (stopped) close();
      look();
    },
    getToken: (caller, template, force) => tell(force ? EVENT.askFresh : EVENT.askGood, caller, keep(template)),
    renew: (caller, backend, rejected) => tell(EVENT.askInstead, caller, backend, find(rejected)),
    dispose() {
      if (stopped) return;
      stopped = true;
      queue.length = 0;
      clearTimeout(timer);
      close();
      enter(() => machine.free());
    },
  };
};
