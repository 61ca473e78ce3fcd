// The strings that the machine speaks of by number: ids of users and sessions, roles, templates, tokens. The same
// string has the same number for as long as it is kept, so that "the same user" and "the same token again" can be told
// by comparing numbers. 0 is no string.

/** @internal What is stored, and what is said between tabs, begins with this. Another version is not understood. */
export const VERSION = "clerk-bridge 1";

/** @internal What came from outside and is a string, or none. */
export const isText = (value: unknown): value is string | null => value === null || typeof value === "string";

/** @internal */
export interface Strings {
  /** The number of a string, which is kept from now on; 0 for what is not a string, or empty. */
  keep(value: unknown): number;
  /** The number of a string, if it is kept; else 0. */
  find(value: unknown): number;
  text(number: number): string | null;
  forget(number: number): void;
}

/** @internal */
export const createStrings = (): Strings => {
  const numbers = new Map<unknown, number>();
  const texts = new Map<number, string>();
  let last = 0;
  const find = (value: unknown) => numbers.get(value) ?? 0;
  const text = (number: number) => texts.get(number) ?? null;
  return {
    find,
    text,
    keep(value) {
      if (value && typeof value === "string" && !find(value)) {
        numbers.set(value, ++last);
        texts.set(last, value);
      }
      return find(value);
    },
    forget(number) {
      numbers.delete(text(number));
      texts.delete(number);
    },
  };
};
