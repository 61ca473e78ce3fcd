// The strings that the machine speaks of by number: ids of users and sessions, roles, templates, tokens. The same
// string has the same number for as long as it is kept, so that "the same user" and "the same token again" can be told
// by comparing numbers. 0 is no string.

/** @internal */
export interface Strings {
  /** The number of a string, which is kept from now on; 0 for what is not a string, or empty. */
  keep(value: unknown): number;
  /** The number of a string, if it is kept; else 0. */
  find(value: string): number;
  text(number: number): string | undefined;
  forget(number: number): void;
}

/** @internal */
export const createStrings = (): Strings => {
  const numbers = new Map<string, number>();
  const texts = new Map<number, string>();
  let last = 0;
  return {
    keep(value) {
      if (!value || typeof value !== "string") return 0;
      let number = numbers.get(value);
      if (!number) {
        numbers.set(value, (number = ++last));
        texts.set(number, value);
      }
      return number;
    },
    find: (value) => numbers.get(value) ?? 0,
    text: (number) => texts.get(number),
    forget(number) {
      numbers.delete(texts.get(number)!);
      texts.delete(number);
    },
  };
};
