// The other tabs of the browser: a channel to talk on, and locks that settle who leads. What comes in on the channel may
// come from anybody on this origin: here its shape is checked, all else by the machine. Where the browser has neither,
// or forbids them, each tab works alone. (E4)

import { SAID } from "./numbers.js";
import { isText, VERSION } from "./strings.js";

/** So long nobody else takes the lock away. */
const STEAL_MS = 1_000;

type Text = string | null;
/** @internal The numbers are `Said` and `Message` in `src/core/tabs.rs`. */
export type Message = [said: number, session: Text, org: Text, template: Text, token: Text, b: number, c: number];

/** @internal */
export interface Tabs {
  say(message: Message): void;
  /** Stands in line for this lock in place of any other; none: leaves the line. */
  claim(line: string | null, steal?: boolean): void;
  close(): void;
}

/** @internal Nothing, where tabs cannot talk. Of the lock, `lead` is told whether it is this tab's. */
export const createTabs = (name: string, hear: (message: Message) => void, lead: (leads: number) => void): Tabs | undefined => {
  let channel: BroadcastChannel;
  let leave = () => {};
  try {
    channel = new BroadcastChannel(name);
    if (!navigator.locks) return channel.close() as undefined;
  } catch {
    return;
  }
  channel.onmessage = ({ data }) => {
    if (!Array.isArray(data)) return;
    const [version, sent, said, session, org, template, token, b, c] = data;
    if (
      version === VERSION &&
      [session, org, template, token].every(isText) &&
      [sent, said, b, c].every((number) => typeof number === "number")
    ) {
      // A tab that was asleep hears late: spans that reach back reach back further by then.
      const late = said === SAID.token || said === SAID.ended ? Math.max(Date.now() - sent, 0) : 0;
      // As the machine reads it, too.
      hear([said >>> 0, session, org, template, token, b + late, c + late]);
    }
  };

  const claim: Tabs["claim"] = (line, steal) => {
    leave();
    if (!line) return;
    const { locks } = navigator;
    const waiting = new AbortController();
    const { signal } = waiting;
    let release: (() => void) | undefined;
    leave = () => {
      waiting.abort();
      release?.();
    };
    const request = async (options: LockOptions) => {
      try {
        await locks.request(line, options, () => {
          if (!signal.aborted)
            return new Promise<void>((resolve) => {
              release = resolve;
              lead(1);
            });
        });
      } catch (error: any) {
        if (signal.aborted) return;
        const stolen = error?.name === "AbortError";
        lead(+!stolen); // forbidden: each tab leads itself
        if (stolen) claim(line);
      }
    };
    if (!steal) request({ signal });
    else
      locks.request(line + " steal", { ifAvailable: true }, (lock) => {
        if (signal.aborted) return;
        if (!lock) request({ signal });
        else {
          request({ steal });
          return new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, STEAL_MS);
            signal.onabort = () => resolve(clearTimeout(timer));
          });
        }
      });
  };

  return {
    say: (message) => channel.postMessage([VERSION, Date.now(), ...message]),
    claim,
    close() {
      leave();
      channel.close();
    },
  };
};
