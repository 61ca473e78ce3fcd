// The claims of a token that the machine plans by. It reads what `src/core/token.rs` reads, and never throws, whatever the
// text.
import { fitsConvex, payloadOf } from "../payload.js";

/** What may be attached as it is: visible ASCII, of so many characters at most. (B9) */
const TOKEN = /^[!-~]+$/;
const LONGEST = 1 << 15;

const millis = (seconds: unknown) => (typeof seconds === "number" ? seconds * 1000 : NaN);

/** @internal Whether it is of another user or session (1), fits Convex (2), or is no token at all (4); `exp` and `iat`. */
export const claimsOf = (token: unknown, userId: string, sessionId: string): [claims: number, exp: number, iat: number] => {
  if (typeof token !== "string" || token.length > LONGEST || !TOKEN.test(token)) return [4, NaN, NaN];
  const { sub, sid, aud, exp, iat } = payloadOf(token) ?? {};
  const isOther = (claim: unknown, id: string) => typeof claim === "string" && claim !== id;
  return [+(isOther(sub, userId) || isOther(sid, sessionId)) + (fitsConvex(aud) ? 2 : 0), millis(exp), millis(iat)];
};
