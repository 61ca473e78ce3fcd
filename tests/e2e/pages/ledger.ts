// What a fixture page lets a scenario see and do, on `window`. It only writes down what it is told, with the time, and
// must never wait, retry or judge: that is what the scenarios do.
import type { Bridge, BridgeEvent } from "clerk-bridge";

/** What a scenario asks of the page, laid on `window.setting` before any script runs. */
export interface Setting {
  publishableKey: string;
  /** Which Convex client: "react", "convex", "base" or "http". */
  client?: string;
  clientOptions?: Record<string, unknown>;
  /** Options of the bridge. */
  bridge?: Record<string, unknown>;
  /** Queries to watch. */
  watch?: string[];
  /** React: render in StrictMode. */
  strict?: boolean;
  /** React: the provider is rendered only while somebody is signed in. */
  inside?: boolean;
  /** Vanilla: have Clerk hold a token of this template before there is a bridge. */
  warm?: string;
}

interface State {
  at: number;
  status: string;
  isAuthenticated: boolean;
  isRefreshing: boolean;
  userId: string | null;
  orgId: string | null;
  remembered: string | null;
  error: string | null;
  hint: string | null;
}

export const setting: Setting = {
  client: "react",
  watch: ["users:whoami", "tasks:list"],
  ...(window as any).setting,
};

export const seen = {
  states: [] as State[],
  events: [] as BridgeEvent[],
  /** Every value of every watched query. */
  results: {} as Record<string, unknown[]>,
  /** Calls by their text: "pending", "done" or "failed: ...". */
  calls: {} as Record<string, string>,
  /** Renders of the React page's probe, and what it saw. */
  renders: 0,
  convexAuth: [] as { isLoading: boolean; isAuthenticated: boolean; isRefreshing: boolean }[],
};

export const onEvent = (event: BridgeEvent) => void seen.events.push(event);

const compact = ({ status, isAuthenticated, isRefreshing, userId, orgId, remembered, error }: any): State => ({
  at: Date.now(),
  status,
  isAuthenticated,
  isRefreshing,
  userId,
  orgId,
  remembered: remembered?.userId ?? null,
  error: error?.code ?? null,
  hint: error?.hint ?? null,
});

/** Writes down every state of the bridge from now on. */
export const follow = (bridge: Bridge<any>) => {
  const write = () => void seen.states.push(compact(bridge.getSnapshot()));
  write();
  return bridge.subscribe(write);
};

/** Writes down how a call ends. */
export const track = (text: string, call: Promise<unknown>) => {
  seen.calls[text] = "pending";
  call.then(
    () => (seen.calls[text] = "done"),
    (error) => (seen.calls[text] = `failed: ${error?.code ?? error?.message}`),
  );
};

export const note = (path: string, value: unknown) => {
  const values = (seen.results[path] ??= []);
  const last = JSON.stringify(values.at(-1));
  if (value !== undefined && JSON.stringify(value) !== last) values.push(value);
};

/**
 * The list that the page shows, by the user who was attached when it showed: in `results.tasks`, as `{ userId, texts }`,
 * where `userId` is null while nobody is.
 */
export const board = (bridge: Bridge<any>) => {
  let texts: unknown[] = [];
  const write = () => {
    const { isAuthenticated, userId } = bridge.getSnapshot();
    note("tasks", { userId: isAuthenticated ? userId : null, texts });
  };
  bridge.subscribe(write);
  return {
    show(next: unknown[]) {
      texts = next.toSorted();
      write();
    },
  };
};

export const expose = (names: Record<string, unknown>) => Object.assign(window, names);
expose({ seen, setting });
