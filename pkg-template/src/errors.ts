// What can go wrong, each with a stable code and a hint that tells the next step. A number is how the wasm module
// names a code. An error must never carry a token.

/** What to do about each, in the order of their numbers. */
const HINTS = {
  ERR_OPTIONS: "",
  ERR_DISPOSED: "",
  ERR_PANIC: "",
  ERR_WASM_BLOCKED: "Add 'wasm-unsafe-eval' to script-src in the CSP.",
  ERR_WASM_LOAD: "Check the wasm URL.",
  ERR_SOURCE_FAILED: "Check the publishable key.",
  ERR_SOURCE_TIMEOUT: "Check that Clerk loads.",
  ERR_TOKEN_TRANSIENT: "",
  ERR_TOKEN_TEMPLATE: "Create this template in Clerk.",
  ERR_TOKEN_MALFORMED: "",
  ERR_SIGNED_OUT: "",
  ERR_BACKEND_REJECTED: "Check the issuer and audience.",
  ERR_BACKEND_CONFIG: "Check the claims.",
  ERR_ORIGIN_REFUSED: "Not an origin of this backend.",
};

/** @internal By number, from 1. */
export const CODES = [, ...Object.keys(HINTS)] as readonly (BridgeErrorCode | undefined)[];

/**
 * The codes of {@link BridgeError}.
 *
 * `ERR_OPTIONS` a call that could never work · `ERR_DISPOSED` the bridge was disposed · `ERR_PANIC` the wasm module
 * trapped · `ERR_WASM_BLOCKED` the page's CSP forbids WebAssembly · `ERR_WASM_LOAD` the module could not be fetched or
 * compiled · `ERR_SOURCE_FAILED` Clerk could not start · `ERR_SOURCE_TIMEOUT` Clerk was not ready in time ·
 * `ERR_TOKEN_TRANSIENT` offline, 5xx, 429, timeout: retried · `ERR_TOKEN_TEMPLATE` the JWT template does not exist ·
 * `ERR_TOKEN_MALFORMED` not a usable string · `ERR_SIGNED_OUT` the user left while the call was waiting for a token ·
 * `ERR_BACKEND_REJECTED` fresh tokens were refused · `ERR_BACKEND_CONFIG` claims, audience, role or client name are
 * wrong: retrying cannot help · `ERR_ORIGIN_REFUSED` a token was not attached: the URL is outside the allowed origins
 */
export type BridgeErrorCode = keyof typeof HINTS;

/**
 * An error of the bridge. Tell errors apart by `code`, never by `message`.
 *
 * @example
 * ```ts
 * try {
 *   await bridge.getToken();
 * } catch (error) {
 *   if (error instanceof BridgeError && error.code === "ERR_TOKEN_TRANSIENT") retryLater(error.hint);
 * }
 * ```
 */
export class BridgeError extends Error {
  /** What went wrong. */
  declare readonly code: BridgeErrorCode;
  /** What to do about it, in one sentence, when that is known. */
  declare readonly hint: string | null;
  /** Name of the backend concerned. */
  declare readonly backend: string | null;
  /** What led to it: the error of Clerk, of a backend, of the browser. */
  declare readonly cause: unknown;

  constructor(code: BridgeErrorCode, hint?: string | null, backend?: string | null, cause?: unknown) {
    hint ||= HINTS[code] || null;
    super([code, backend, hint].filter(Boolean).join(": "), { cause });
    this.name = "BridgeError";
    this.code = code;
    this.hint = hint;
    this.backend = backend ?? null;
  }
}

/** @internal The error that the wasm module names by a number. */
export const numbered = (code: number, backend?: string | null, cause?: any): BridgeError =>
  new BridgeError(CODES[code]!, typeof cause === "string" ? cause : cause?.hint, backend, cause || undefined);
