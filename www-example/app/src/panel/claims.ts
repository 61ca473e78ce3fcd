// What a token says of itself. It is read for display only; nothing is verified, and the token is not kept.
export interface Claims {
  readonly id: string;
  readonly subject: string;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The claims of a JWT, or null if it is none or has no times. */
export function claimsOf(token: string): Claims | null {
  try {
    const body = token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/");
    const { jti, sub, iat, exp } = JSON.parse(atob(body));
    return Number.isFinite(iat) && Number.isFinite(exp)
      ? { id: jti ?? `${sub} ${iat}`, subject: sub, issuedAt: iat, expiresAt: exp }
      : null;
  } catch {
    return null;
  }
}
