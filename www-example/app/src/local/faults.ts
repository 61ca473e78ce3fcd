// What can be made to go wrong, in the words of the control endpoint.
import type { CloudState } from "./cloud-state";
import { post } from "./control";

/** As the control endpoint lists it. */
export interface Fault {
  readonly id?: number;
  readonly service: string;
  readonly pattern: string;
  readonly kind: string;
  readonly times?: number;
  readonly [detail: string]: unknown;
}

interface Position {
  readonly label: string;
  readonly help: string;
  readonly fault: Fault;
  /** What has to happen at once, beside the fault. */
  readonly begin?: () => Promise<unknown>;
}

/** Something that works as it should, or is in one of the positions in which it does not. */
export interface Dial {
  readonly label: string;
  readonly usual: string;
  readonly positions: readonly Position[];
}

/** A backend that can be down, or reject tokens, by the request or message in which it is told them. */
const backend = (label: string, service: string, told: string): Dial => ({
  label,
  usual: "Up",
  positions: [
    {
      label: "Reject 1",
      help: "the next good token is refused",
      fault: { service, pattern: told, kind: "reject", times: 1 },
    },
    {
      label: "Reject",
      help: "every token is refused",
      fault: { service, pattern: told, kind: "reject" },
    },
    {
      label: "Down",
      help: "every connection is cut",
      fault: { service, pattern: "", kind: "drop" },
      begin: () => post(`${service}/drop`),
    },
  ],
});

const BACKENDS = [
  backend("Convex", "convex", "^Authenticate$"),
  backend("Instant", "instant", "id_token"),
  backend("Hasura", "hasura", "^Init$"),
];

export const DIALS: readonly Dial[] = [
  {
    label: "Network",
    usual: "Online",
    positions: [
      {
        label: "Offline",
        help: "every connection is cut, but Triplit's",
        fault: { service: "*", pattern: "", kind: "drop" },
        begin: () => Promise.all(["convex", "instant", "hasura"].map((service) => post(`${service}/drop`))),
      },
    ],
  },
  {
    label: "Clerk",
    usual: "Up",
    positions: [
      {
        label: "Slow",
        help: "a token takes seven seconds",
        fault: { service: "clerk", pattern: "/tokens", kind: "delay", ms: 7000 },
      },
      {
        label: "Down",
        help: "everything is answered with 503",
        fault: { service: "clerk", pattern: "/v1/", kind: "status", code: 503 },
      },
    ],
  },
  ...BACKENDS,
];

export const LIFETIMES = [
  { value: 60, label: "60 s" },
  { value: 15, label: "15 s" },
  { value: -5, label: "Expired", name: "Expired: tokens are dead when they arrive" },
] as const;

export const SKEWS = [
  { value: -90_000, label: "−90 s", name: "−90 s: behind this device" },
  { value: 0, label: "In step" },
  { value: 90_000, label: "+90 s", name: "+90 s: ahead of this device" },
] as const;

export const USUAL = { lifetime: 60, skew: 0 };

const isSame = (a: Fault, b: Fault) =>
  a.service === b.service && a.pattern === b.pattern && a.kind === b.kind && a.times === b.times;

const positionOf = (dial: Dial, fault: Fault) => dial.positions.find((position) => isSame(position.fault, fault));

/** The label of the position that the dial is in. A fault that has been used up is gone. */
export const readDial = (state: CloudState, dial: Dial) =>
  state.faults.map((fault) => positionOf(dial, fault)).find(Boolean)?.label ?? dial.usual;

export async function turnDial(state: CloudState, dial: Dial, label: string) {
  const old = state.faults.filter((fault) => positionOf(dial, fault));
  await Promise.all(old.map(({ id }) => post("fault/clear", { id })));
  const position = dial.positions.find((position) => position.label === label);
  if (!position) return;
  await post("fault", position.fault);
  await position.begin?.();
}

export const lifetimeOf = (state: CloudState) => state.clerk.templates.convex?.lifetimeSeconds;

/** How many things are not as they should be. */
export const countFaults = (state: CloudState) =>
  state.faults.length + Number(lifetimeOf(state) !== USUAL.lifetime) + Number(state.clock.offsetMs !== USUAL.skew);

export const setLifetime = (lifetimeSeconds: number) => post("tokens", { lifetimeSeconds });
export const setSkew = (offsetMs: number) => post("clock", { offsetMs });
export const revoke = (sessionId: string) => post("revoke", { sessionId });

export const clearAll = () => Promise.all([post("fault/clear"), setLifetime(USUAL.lifetime), setSkew(USUAL.skew)]);
