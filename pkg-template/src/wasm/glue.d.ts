// The private boundary between TypeScript and the wasm module. `#glue` is the glue that wasm-bindgen writes, wrapped in
// a function: each call gives glue of its own, so that a fresh instance shares nothing with one that has trapped.
// None of this is published.

declare module "#inlined" {
  /** The wasm module as base64 text. */
  const text: string;
  export default text;
}

declare module "#glue" {
  export interface Glue {
    Shell: new (
      host: Host,
      name: string,
      /** 0 nothing, 1 identity, 2 tokens. */
      persist: number,
      shareTabs: boolean,
      leewayMs: number,
      fetchTimeoutMs: number,
      sourceTimeoutMs: number,
    ) => Shell;
    __wbg_set_wasm(exports: object): void;
    [imported: string]: any;
  }

  /** One bridge inside the wasm module. Every method is synchronous, and does nothing after `dispose`. */
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

  export default function makeGlue(): Glue;

  /** What the wasm module asks of TypeScript. */
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
}
