// What the stand-ins are set to. Several windows may change it, so it is asked for again and again while it is shown.
import { useSyncExternalStore } from "react";
import { get } from "./control";
import type { Fault } from "./faults";

export interface CloudState {
  readonly faults: readonly Fault[];
  readonly clock: { readonly offsetMs: number };
  readonly clerk: { readonly templates: { readonly convex?: { readonly lifetimeSeconds: number } } };
}

const EVERY_MS = 2000;

let state: CloudState | null = null;
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** Ask now, after having changed something. */
export async function refreshCloudState() {
  state = await get<CloudState>("state").catch(() => state);
  for (const listener of listeners) listener();
}

const refreshIfSeen = () => void (document.hidden || refreshCloudState());

function subscribe(listener: () => void) {
  listeners.add(listener);
  if (listeners.size === 1) {
    timer = setInterval(refreshIfSeen, EVERY_MS);
    void refreshCloudState();
  }
  return () => {
    listeners.delete(listener);
    if (!listeners.size) clearInterval(timer);
  };
}

/** Null until the stand-ins have answered once. */
export const useCloudState = () => useSyncExternalStore(subscribe, () => state);
