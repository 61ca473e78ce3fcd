// What the bridge and its shell may ask of each other. The bridge knows users, tokens and states by name; how the
// machine is told stands in `shell.ts`. Neither may throw at the other.
import type { EVENT } from "./numbers.js";

/** @internal One bridge below the public API. Every method is synchronous, and does nothing after `dispose`. */
export interface Shell {
  addBackend(name: string, kind: number, template: string | null | undefined, auto: boolean, traits: number): void;
  /** kind: 0 a token source, 1 a Clerk, 2 a holder of the latest `useAuth()`. */
  start(kind: number, source: object): void;
  sourceChanged(): void;
  getToken(caller: number, template: string | null, force: boolean): void;
  renew(caller: number, backend: number, rejectedToken: string): void;
  /** A backend's own session is to be revoked. */
  owes(backend: number, session: string): void;
  /** An event that numbers say all of. */
  tell(event: EVENT, ...numbers: number[]): void;
  dispose(): void;
}

/** @internal Who is signed in, in which session, organization and role. */
export type Session = [userId: string | null, sessionId: string | null, orgId: string | null, role: string | null];

/** @internal What a shell asks of the bridge. */
export interface Host {
  /** `cause`: how the last promise of the source failed, if it did. */
  answer(caller: number, code: number, token: string | null, cause: unknown): void;
  token(template: string | null, token: string | null, goodForMs: number): void;
  /** command: 0 hold, 1 attach, 2 update, 3 detach, 4 nobody, 5 revoke. `text`: the token, or with revoke the session.
   *  `reason`: of a detach; with hold, 1: somebody left. `owned`: the data it keeps is known to be this user's. */
  run(
    backend: number,
    step: number,
    command: number,
    text: string | null,
    reason: number,
    owned: boolean,
    userId: string,
    sessionId: string,
    orgId: string | null,
  ): void;
  abort(step: number): void;
  leave(leave: number, userId: string, reason: number): void;
  event(type: string, backend: number, template?: string | null, reason?: string, ms?: number): void;
  backend(index: number, status: number, refreshing: number, error: number, cause: unknown): void;
  publish(
    status: number,
    refreshing: number,
    error: number,
    /** 0: of none, else from 1. */
    errorBackend: number,
    session: Session,
    /** Who was signed in here last, and then their organization. */
    remembered: (string | null)[],
    cause: unknown,
  ): void;
}

/** @internal What a shell is made with. */
export type ShellSettings = [
  name: string,
  /** 0 nothing, 1 identity, 2 tokens. */
  persist: number,
  shareTabs: boolean,
  leewayMs: number,
  fetchTimeoutMs: number,
  sourceTimeoutMs: number,
];
