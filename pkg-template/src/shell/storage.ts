// What survives a reload, as a small versioned list of strings. Storage may be missing, blocked, full or damaged:
// reading then finds nothing, writing says that it failed, and neither ever throws. (F1)

const VERSION = "clerk-bridge 1";
/** Nothing longer was written by us. */
const LONGEST = 1 << 19;

/** @internal */
export type Area = "localStorage" | "sessionStorage";
type List = (string | null)[];

/** @internal The stored list; undefined: none; null: something that is not one of ours. */
export const read = (area: Area, key: string): List | null | undefined => {
  let text;
  try {
    text = window[area].getItem(key);
  } catch {
    return;
  }
  if (text === null) return;
  try {
    const [version, ...list] = text.length < LONGEST ? JSON.parse(text) : [];
    return version === VERSION && list.every((one: unknown) => one === null || typeof one === "string") ? list : null;
  } catch {
    return null;
  }
};

/** @internal Stores a list, or removes what is stored. Tells whether that worked. */
export const write = (area: Area, key: string, list?: List): boolean => {
  try {
    if (list) window[area].setItem(key, JSON.stringify([VERSION, ...list]));
    else window[area].removeItem(key);
    return true;
  } catch {
    return false;
  }
};
