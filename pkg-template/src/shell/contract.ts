// What the bridge and its shell may ask of each other. The bridge knows users, tokens and states by name; how the
// machine is told stands in `shell.ts`.

/** @internal One bridge below the public API. Every method is synchronous, and does nothing after `dispose`. */
export interface Shell {
  addBackend(name: string, policy: number, template: string | undefined, auto: boolean): void;
  /** kind: 0 a token source, 1 a Clerk, 2 a holder of the latest `useAuth()`. */
  start(kind: number, source: object): void;
  sourceChanged(): void;
  getToken(caller: number, template: string | undefined, force: boolean): void;
  renew(caller: number, backend: number, rejectedToken: string): void;
  settled(request: number, value: unknown): void;
  failed(request: number, error: unknown): void;
  stepDone(step: number): void;
  /** why: 0 transient, 1 refused, 2 config. */
  stepFailed(step: number, why: number): void;
  rejected(step: number, why: number): void;
  left(leave: number): void;
  signOut(caller: number): void;
  dispose(): void;
}

/** @internal What a shell asks of the bridge. */
export interface Host {
  wait(promise: unknown, request: number): void;
  answer(caller: number, code: number, token: string | null): void;
  token(template: string | undefined, token: string | undefined, goodForMs: number): void;
  /** command: 0 hold, 1 attach, 2 update, 3 detach, 4 nobody. */
  run(
    backend: number,
    step: number,
    command: number,
    token: string | undefined,
    reason: number,
    userId: string,
    sessionId: string,
    orgId: string | null | undefined,
  ): void;
  abort(step: number): void;
  leave(leave: number, userId: string, reason: number): void;
  event(type: string, backend: number, template?: string, reason?: string, ms?: number): void;
  backend(index: number, status: number, refreshing: boolean, error: number): void;
  publish(
    status: number,
    refreshing: boolean,
    userId: string | null | undefined,
    sessionId: string | null | undefined,
    orgId: string | null | undefined,
    orgRole: string | null | undefined,
    rememberedUserId: string | null | undefined,
    rememberedOrgId: string | null | undefined,
    error: number,
    errorBackend: number,
  ): void;
}

/** @internal What a shell is made with. */
export type ShellSettings = [
  host: Host,
  name: string,
  /** 0 nothing, 1 identity, 2 tokens. */
  persist: number,
  shareTabs: boolean,
  leewayMs: number,
  fetchTimeoutMs: number,
  sourceTimeoutMs: number,
];
