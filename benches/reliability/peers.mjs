// What four session libraries do under the same faults: figures measured once, on a machine of the same class, in
// Chromium, against a stand-in identity provider that rotates refresh tokens. Versions are in the heads of the columns.
export const PEERS = ["supabase auth-js (2.109.0)", "auth0-spa-js (2.27.0)", "oidc-client-ts (3.5.0)", "firebase auth (1.13.6)"];
const NOT_RUN = "not run";

/** By the name of a row; the columns are `PEERS`. */
export const MATRIX = {
  "Clerk answers 500, token expired, calls in turn": ["8 requests in 25.5 s, then a remembered error", "20 requests in 0.4 s", "20 requests in 0.5 s", "20 requests in 0.3 s"],
  "Clerk answers 500, token still valid, 20 calls in turn": ["20 good, the first after 25 s", "0 good", "0 good", "20 good, no request"],
  "429 with Retry-After 10, token expired, calls in turn": ["1 request, session deleted", "20 requests in 0.4 s", "20 requests in 0.4 s", "20 requests in 0.25 s"],
  "session revoked, token expired, 10 calls in turn": ["signed out, 1 request", "10 requests, no end", "10 requests, no end", "10 requests (foreign error shape)"],
  "clock 2 h ahead, 50 calls in turn": ["50 requests", "locked out: 49 reuse errors", "1 request", "1 request"],
  "wall clock steps back 2 h; 50 calls once the token is dead": ["50 stale", "50 stale", "50 stale", "50 stale"],
  "Clerk never answers, token expired": ["no end within 75 s", "error after 30 s, the second caller after 5 s", "no end within 75 s", "error after 30 s"],
  "Clerk takes 7 s, 10 calls at once": ["10 good, 1 request", "1 good, 9 time out", "1 good (strict rotation)", "1 good (strict rotation)"],
  "offline, token expired; then online": ["error after 25.4 s; the same error for up to 60 s after `online`", "errors at once; good after `online`", "errors at once; good after `online`", "errors at once; good after `online`"],
  "captive portal: 200 with HTML, token expired": ["8 requests in 25 s, kept", "9 requests, kept", "3 requests, kept", "3 requests, kept"],
  "damaged record in storage": ["signed out silently", "error", "error from every call", NOT_RUN],
  "storage throws SecurityError": ["null", "error", "error", NOT_RUN],
  "storage is full as a new token arrives": ["token lost, signed out", "fails before the request", "token lost, session revoked", NOT_RUN],
  "tab closed in the middle of a refresh (Clerk takes 2 s)": ["the other after 1.7 s, 2 requests", "after 2.0 s, 2 requests", "good, 2 requests", NOT_RUN],
  "main thread of the fetching tab blocked for 8 s": ["the other is good", "the other times out after 5 s", "the other is good", NOT_RUN],
  "tab 2 signs out while tab 1 refreshes, token expired": ["error, still signed in", "signed in again", "signed in again", NOT_RUN],
  "the same, token still valid": ["signed out", "signed in again", "signed in again", NOT_RUN],
  "sign-out while offline, token expired": ["error after 25 s, session kept", "at once", "at once", NOT_RUN],
  "sign-out seen by another tab, without Clerk's own signal": ["7 ms", "no event", "no event", NOT_RUN],
  "awake after 2 h, no event": ["29.6 s", "never by itself", "4.5 s", "none within 40 s"],
  "awake after 2 h, `visibilitychange`": ["0 s", "never by itself", "4.5 s", "none within 40 s"],
};

/** Requests with 1, 2 and 8 tabs, and good answers with 8. "Strict": the provider revokes a session whose refresh token
 *  is used twice, else it tolerates that for 10 s. */
export const TABS = [
  ["all ask at the same instant, token expired", "1, 2, 8; 5 good, strict 1", "1, 1, 1; 8 good", "1, 2, 8; 8 good, strict 1", "1, 2, 8; 8 good, strict 1"],
  ["the same, and the provider takes 7 s, 8 tabs", "8; 1 good", "1; 1 good", "8; 8 good, strict not", NOT_RUN],
  ["nobody asks: each expiry", "1, 2, 8", "none", "1, 2, 8", NOT_RUN],
];
