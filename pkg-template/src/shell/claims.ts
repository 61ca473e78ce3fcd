// What a token says of itself: the claims that the machine plans by. Nothing here is verified, and nothing may throw,
// whatever the text. It reads what `src/core/token.rs` reads, with the browser's own decoders: they weigh nothing.

/** What may be attached as it is: visible ASCII, of so many characters at most. (B9) */
const TOKEN = /^[!-~]+$/;
const LONGEST = 1 << 15;

const millis = (seconds: unknown) => (typeof seconds === "number" ? seconds * 1000 : NaN);

/** @internal Whether it is of another user or session (1), fits Convex (2), or is no token at all (4); `exp` and `iat`. */
export const claimsOf = (token: unknown, userId: string, sessionId: string): [claims: number, exp: number, iat: number] => {
  if (typeof token !== "string" || token.length > LONGEST || !TOKEN.test(token)) return [4, NaN, NaN];
  let claims: any;
  try {
    const [, payload, ...rest] = token.split(".");
    const text = atob(payload!.replace(/-/g, "+").replace(/_/g, "/"));
    if (rest.length === 1)
      claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (byte) => byte.charCodeAt(0))));
  } catch {}
  const { sub, sid, aud, exp, iat } = claims ?? {};
  const isOther = (claim: unknown, id: string) => typeof claim === "string" && claim !== id;
  const fits = [aud].flat().includes("convex");
  return [+(isOther(sub, userId) || isOther(sid, sessionId)) + (fits ? 2 : 0), millis(exp), millis(iat)];
};
