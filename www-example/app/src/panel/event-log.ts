// What the bridge decided, newest first. It is made before the bridge, so that nothing is missed.
import type { BridgeEvent } from "clerk-bridge";

export interface LoggedEvent extends BridgeEvent {
  /** Position, from 1; events can share a moment. */
  readonly number: number;
}

const KEPT = 150;

let events: readonly LoggedEvent[] = [];
let last = 0;
const listeners = new Set<() => void>();

function show(next: readonly LoggedEvent[]) {
  events = next;
  for (const listener of listeners) listener();
}

export const eventLog = {
  add: (event: BridgeEvent) => show([{ ...event, number: ++last }, ...events].slice(0, KEPT)),
  clear: () => show([]),
  getSnapshot: () => events,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
