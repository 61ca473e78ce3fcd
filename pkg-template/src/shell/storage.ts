// What survives a reload, as a small versioned table of strings. Storage may be missing, blocked, full or damaged:
// reading then finds nothing, writing does nothing, the trouble is told, and neither ever throws. (F1)
import { isText, VERSION } from "./strings.js";

/** Nothing longer was written by us. */
const LONGEST = 1 << 19;

/** @internal */
export type Area = "localStorage" | "sessionStorage";
/** @internal */
export type Row = (string | null)[];
type Tell = (event: string) => void;

/** @internal The stored rows. */
export const load = (area: Area, key: string, tell: Tell): Row[] => {
  let text: any;
  try {
    text = window[area].getItem(key);
    const [version, ...rows] = text.length < LONGEST ? JSON.parse(text) : [];
    if (version === VERSION && rows.every((row: Row) => row.every(isText))) return rows;
  } catch {}
  if (text != null) {
    tell("record.discarded");
    save(area, key, [], tell);
  }
  return [];
};

/** @internal Stores rows; none leave nothing behind. (F4) */
export const save = (area: Area, key: string, rows: Row[], tell: Tell): void => {
  try {
    if (rows.length) window[area].setItem(key, JSON.stringify([VERSION, ...rows]));
    else window[area].removeItem(key);
  } catch {
    tell("storage.failed");
  }
};
