// What can be made to go wrong, in the words of the control endpoint.
import type { CloudState } from "./cloud-state";
import { post } from "./control";

/** As the control endpoint lists it. */
export interface Fault {
  readonly id?: number;
  readonly service: string;
  readonly pattern: string;
  readonly kind: string;
  readonly [detail: string]: unknown;
}

/** A fault with a switch of its own. */
export interface Trouble {
  readonly label: string;
  readonly help: string;
  readonly fault: Fault;
  /** What has to happen at once, beside the fault. */
  readonly begin?: () => Promise<unknown>;
}

const cutConvex = () => post("convex/drop");

export const TROUBLES: readonly Trouble[] = [
  {
    label: "Offline",
    help: "Every connection to Clerk and Convex is cut.",
    fault: { service: "*", pattern: "", kind: "drop" },
    begin: cutConvex,
  },
  {
    label: "Clerk down",
    help: "Clerk answers everything with 503.",
    fault: { service: "clerk", pattern: "/v1/", kind: "status", code: 503 },
  },
  {
    label: "Slow Clerk",
    help: "A token takes seven seconds.",
    fault: { service: "clerk", pattern: "/tokens", kind: "delay", ms: 7000 },
  },
  {
    label: "Reject the next token",
    help: "Convex refuses one good token.",
    fault: { service: "convex", pattern: "^Authenticate$", kind: "reject", times: 1 },
  },
  {
    label: "Reject every token",
    help: "Convex refuses whatever it is given.",
    fault: { service: "convex", pattern: "^Authenticate$", kind: "reject" },
  },
];

export const LIFETIMES = [
  { value: 60, label: "60 s" },
  { value: 15, label: "15 s" },
  { value: -5, label: "Expired" },
] as const;

export const SKEWS = [
  { value: -90_000, label: "90 s behind" },
  { value: 0, label: "In step" },
  { value: 90_000, label: "90 s ahead" },
] as const;

const PLAIN = { lifetime: 60, skew: 0 };

/** The one of the stand-in's faults that belongs to this switch. */
const found = (state: CloudState, { fault }: Trouble) =>
  state.faults.find(
    (it) => it.service === fault.service && it.pattern === fault.pattern && it.kind === fault.kind && it["times"] === fault["times"],
  );

export const isOn = (state: CloudState, trouble: Trouble) => found(state, trouble) !== undefined;

export const lifetimeOf = (state: CloudState) => state.clerk.templates.convex?.lifetimeSeconds;

/** How many things are not as they should be. */
export const countOn = (state: CloudState) =>
  state.faults.length + Number(lifetimeOf(state) !== PLAIN.lifetime) + Number(state.clock.offsetMs !== PLAIN.skew);

export async function turn(state: CloudState, trouble: Trouble) {
  const on = found(state, trouble);
  if (on) return post("fault/clear", { id: on.id });
  await post("fault", trouble.fault);
  return trouble.begin?.();
}

export const setLifetime = (lifetimeSeconds: number) => post("tokens", { lifetimeSeconds });
export const setSkew = (offsetMs: number) => post("clock", { offsetMs });
export const revoke = (sessionId: string) => post("revoke", { sessionId });

export const clearAll = () => Promise.all([post("fault/clear"), setLifetime(PLAIN.lifetime), setSkew(PLAIN.skew)]);
