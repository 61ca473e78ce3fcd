// The shell around the machine: timers, storage, page events and the token source on one side, numbers on the other.
// It takes no decision. What the machine wants is noted while an event is handled and carried out after it, in order,
// by the shell or by the bridge, so that what is called then may call back. (A5)
import type { Instance } from "../loader.js";
import { safely } from "../store.js";
import { claimsOf } from "./claims.js";
import type { Options } from "../options.js";
import type { Host, Shell } from "./contract.js";
import { EFFECT, EVENT, SAID } from "./numbers.js";
import { read, type Source, sourceOf } from "./source.js";
import { type Area, load, type Row, save } from "./storage.js";
import { createStrings } from "./strings.js";
import { createTabs, type Message, type Tabs } from "./tabs.js";

type Effect = [kind: number, ...args: any[]];

/** A number out of an error, which may hold anything. */
const count = (value: unknown) => (typeof value === "number" ? Math.min(Math.max(value, 0), 3600) : 0);

/** @internal A shell around a machine of its own. */
export default (
  { createMachine, enter }: Instance,
  hostOf: (own: Shell) => Host,
  backends: string[],
  { name, persist, shareTabs, leewaySeconds, fetchTimeoutMs, sourceTimeoutMs }: Options,
): Shell => {
  const { keep, find, text, forget } = createStrings();
  const queue: Effect[] = [];
  let busy: boolean | undefined;
  let stopped: boolean | undefined;
  let source: Source | undefined;
  let tabs: Tabs | undefined;
  /** Ends the subscription to the source. */
  let leave: any;
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
      leewaySeconds * 1000,
      fetchTimeoutMs,
      sourceTimeoutMs,
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
      safely(perform[kind]!, ...args);
    }
    busy = false;
  };

  const tell: Shell["tell"] = (event, ...what) =>
    handle(() => {
      // A refused token may be forgotten already, and must not be kept again. (J3)
      const number: (value: any) => number = event === EVENT.askInstead ? find : keep;
      // So that the record of another tab is told from what was owed here.
      if (event === EVENT.owes) owed.add(what[1]);
      machine.event(event, ...what.map((one) => (typeof one === "number" ? one : number(one))));
    });

  const token = (from: number, id: number, value: unknown, ...about: number[]) =>
    handle(() => {
      const [claims, ...times] = claimsOf(value, userId, sessionId);
      machine.token(from, id, claims > 3 ? 0 : keep(value), claims, ...times, ...about);
    });

  /** What the source says now. */
  const look = () => {
    if (!source) return;
    const [kind, fits = 0, ...who] = read(source);
    if (who[0]) [userId, sessionId] = who as [string, string];
    tell(kind, ...who.map(keep), fits);
  };

  /** Tells an event after a look at the source: what changed while nobody looked comes first. */
  const wake: Shell["tell"] = (...event) => {
    look();
    tell(...event);
  };

  const seen = ({ type }: Event) => {
    if (type === "visibilitychange" && window.document?.hidden) return;
    wake(EVENT.woke, +(type === "online"));
  };

  const listen = (on: "addEventListener" | "removeEventListener") => {
    for (const type of ["visibilitychange", "pageshow", "focus", "online"]) window[on]?.(type, seen);
  };

  const close = () => {
    listen("removeEventListener");
    safely(() => leave?.());
    tabs?.close();
    source = leave = tabs = undefined;
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

  /** What the next effect that stores is to store, below its first row. */
  const rows: Row[] = [];

  const recall = (area: Area) => load(area, name, perform[EFFECT.log]!);
  const store = (area: Area, rows: Row[]) => save(area, name, rows, perform[EFFECT.log]!);

  /** What is stored for all tabs. Each row: a backend, whose data it keeps, a session of its own that is to be revoked.
   *  The row without a backend: who is signed in, and after nothing their organization. */
  const recorded = () => (persist ? recall("localStorage") : []);

  /** Whose each backend's data is, and by no name who is signed in, as this tab last stored or read it. */
  const known = new Map<unknown, unknown>();
  /** Somebody else, who came since: to this tab, or in the record to another. (D4) */
  const isNew = ([name, owner]: Row) => owner && owner !== known.get(name);

  /** Every session that was ever owed here. */
  const owed = new Set<unknown>();

  /** What earlier page loads left behind. */
  const restore = () => {
    for (const [name, user, session, org] of recorded()) {
      const backend = backends.indexOf(name!);
      if (user && (name === null || backend >= 0)) known.set(name, user);
      if (name === null) tell(EVENT.remembered, user, org);
      else if (backend >= 0) {
        if (user) tell(EVENT.owner, backend, user);
        if (session) tell(EVENT.owes, backend, session);
      }
    }
    if (persist < 2) return;
    const [[...who] = [], ...tokens] = recall("sessionStorage");
    // Signed out elsewhere since, perhaps by another tab: then nothing of it may stay. (E6, F4)
    if (who[0] !== known.get(null) || !who[1]) return store("sessionStorage", []);
    [userId, sessionId] = who as [string, string];
    tell(EVENT.restored, ...who);
    for (const [template, value] of tokens) token(1, keep(template), value);
  };

  /** Another tab says something. */
  const hear = ([said, session, org, template, brings, ...more]: Message) => {
    // Of other sessions only their end is of interest.
    if (!find(session) && said !== SAID.ended) return;
    if (said === SAID.token) token(2, keep(template), brings, keep(session), keep(org), ...more);
    else tell(EVENT.heard, said, session, org, template, find(brings), ...more);
  };

  const own: Shell = {
    tell,
    look,
    text,
    cause: () => cause,
    // What another tab has stored meanwhile counts.
    owns: (backend, userId) =>
      recorded().some((row) => row[0] === backends[backend] && (userId ? row[1] === userId : isNew(row))),
    start(given) {
      restore();
      tabs = shareTabs ? createTabs(name, hear, (leads) => tell(EVENT.lead, leads)) : undefined;
      if (tabs) tell(EVENT.shared);
      tell(EVENT.start);
      if (stopped) return;
      source = sourceOf(given);
      leave = safely(() => source!.subscribe(look));
      listen("addEventListener");
      if (stopped) close();
      look();
    },
    dispose() {
      if (stopped) return;
      stopped = true;
      queue.length = 0;
      clearTimeout(timer);
      close();
      enter(() => machine.free());
    },
  };

  /** How each effect is carried out. */
  const perform: Record<number, (...args: any[]) => void> = {
    ...hostOf(own),
    [EFFECT.fetch](request, template, minted) {
      const failed = (error: any) => {
        const missing = [error, error?.errors?.[0]].some((one) => one?.code === "resource_not_found");
        // Only the source itself can say that nobody is signed in: it is looked at first. (B2)
        wake(EVENT.fetchFailed, request, missing ? 404 : count(error?.status), count(error?.retryAfter));
      };
      wait(
        () => source!.getToken({ template: text(template) || undefined, skipCache: !!minted }),
        (value) => {
          if (value == null) failed(value);
          else token(0, request, value);
        },
        failed,
      );
    },
    [EFFECT.timer](_, __, ms) {
      clearTimeout(timer);
      if (ms >= 0) timer = setTimeout(wake, ms, EVENT.tick);
    },
    [EFFECT.forget]: forget,
    [EFFECT.storeBackend](backend, owner, session) {
      rows.push([backends[backend]!, text(owner), text(session)]);
    },
    [EFFECT.store](user, org) {
      const before = recorded();
      const all = [[null, text(user), null, text(org)], ...rows.splice(0)].map((row: Row) => {
        const [name, owner, session] = row;
        if (session) return row;
        // Who came to this tab goes before who came to another, and both before who was here. (D4)
        const theirs = !isNew(row) && before.find((one) => one[0] === name && isNew(one));
        known.set(name, owner);
        return theirs || row;
      });
      // What other tabs have to revoke stays until one of us has; and what this page has no backend for. (D4)
      const others = before.filter(([name, , session]) => (session ? !owed.has(session) : !known.has(name)));
      store("localStorage", [...all, ...others].filter(([, owner, session]) => owner || session));
    },
    [EFFECT.storeToken](template, token) {
      rows.push([text(template), text(token)]);
    },
    [EFFECT.storeLive](...who) {
      store("sessionStorage", rows.length ? [who.slice(0, 4).map(text), ...rows.splice(0)] : []);
    },
    [EFFECT.say]: (said, session, org, template, token, b, c) =>
      tabs?.say([said, text(session), text(org), text(template), text(token), b, c]),
    [EFFECT.claim]: (session, org, steal) =>
      tabs?.claim(session && [name, text(session), text(org)].join(" "), !!steal),
    [EFFECT.signOut]: (request) =>
      wait(
        () => source!.signOut?.(),
        () => tell(EVENT.sourceSignedOut, request, 1),
        () => tell(EVENT.sourceSignedOut, request),
      ),
  };

  return own;
};
