// What a token says of itself, as the browser's own decoders read it: they weigh nothing. Nobody has verified it.

/** @internal The claims; nothing, if it is no JWT. Never throws, whatever the text. */
export const payloadOf = (token: string): any => {
  try {
    const [, payload, ...rest] = token.split(".");
    const text = atob(payload!.replace(/-/g, "+").replace(/_/g, "/"));
    if (rest.length === 1)
      return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (byte) => byte.charCodeAt(0))));
  } catch {}
};

/** @internal Whether that is the audience of a token for Convex. (B5) */
export const fitsConvex = (audience: unknown): boolean => [audience].flat().includes("convex");
