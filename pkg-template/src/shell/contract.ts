// What the bridge and its shell may ask of each other. They share the effects that the machine wants: what concerns the
// application is carried out by the bridge, the rest by the shell. Neither may throw at the other.
import type { EFFECT, EVENT } from "./numbers.js";

/** @internal One bridge below the public API. Every method is synchronous, and does nothing after `dispose`. */
export interface Shell {
  /** An event. What is not a number is told as the number of that string, or as none. */
  tell(event: EVENT, ...what: unknown[]): void;
  /** The string that an effect speaks of by number. */
  text(number: number): string | null;
  /** How the last promise of the source failed, if it did. */
  cause(): unknown;
  /** What a backend keeps on this device is known to be this user's; or, of no user, to be another's by now than this tab
   *  last stored or read. */
  owns(backend: number, userId?: string): boolean;
  /** After the backends were told. The source is a token source or a Clerk. */
  start(source: object): void;
  /** The source has changed. */
  look(): void;
  dispose(): void;
}

/** @internal The effects that a bridge carries out; what their arguments say stands with each in `numbers.ts`. */
export type Host = Record<
  | EFFECT.run
  | EFFECT.abort
  | EFFECT.leave
  | EFFECT.answer
  | EFFECT.cache
  | EFFECT.backend
  | EFFECT.session
  | EFFECT.publish
  | EFFECT.log,
  (...args: any[]) => void
>;
