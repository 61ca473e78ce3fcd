// The state of a connection, kept from its first word on: clients tell changes only, and a list may be shown later.
import { useSyncExternalStore } from "react";
import type { Tasks } from "./types";

export type Connection = Tasks["connection"];

export function createConnection() {
  let connection: Connection = "connecting";
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    set(isLive: boolean) {
      connection = isLive ? "live" : "connecting";
      for (const listener of listeners) listener();
    },
    use: () => useSyncExternalStore(subscribe, () => connection),
  };
}
