// How tokens reach a backend: the protocol every adapter follows, and the runner that takes the steps the wasm module
// asks for. What a backend is told, and when, is decided there; nothing here may decide it.
import { demand, demandTemplate, hasMethods } from "./demand.js";
import { BridgeError } from "./errors.js";
import type { Shell } from "./shell/contract.js";
import { EVENT, TRAIT } from "./shell/numbers.js";
import type { Backend, BackendDefinition, Bridge, DetachReason } from "./types.js";

/** @internal Shared by every copy of the package on a page. (I5) */
export const ADAPTER: unique symbol = /* @__PURE__ */ Symbol.for("clerk-bridge.adapter") as never;

/** @internal What an adapter may ask of its bridge, for clients that authenticate each call. */
export interface Link {
  readonly getToken: Bridge["getToken"];
  /** A call made with that token was refused: a newer one. (G3) */
  renew(rejectedToken: string): Promise<string | null>;
  /** No call waits longer for a token. (B10) */
  readonly fetchTimeoutMs: number;
  /** An event of this backend's, for logs. Never with a token. */
  report(type: string, message?: string): void;
}

/** @internal How to talk to one client. Every method may be called at any time after `open`. */
export interface Adapter extends BackendDefinition {
  /** Which policy of the core: 0 none of its own, 1 convex, 2 instant, 3 triplit, 4 hasura, 5 http. */
  readonly policy?: number;
  /** Without a template: the session token where its audience fits, else the template named like the kind. */
  readonly auto?: boolean;
  /** The client, to tell two backends apart. */
  readonly client?: object;
  /** `isTheirs`: what it keeps is another user's by now, whom another tab has attached since. (D4) */
  detach(reason: DetachReason, isTheirs?: () => boolean): ReturnType<BackendDefinition["detach"]>;
  /** A bridge has begun. */
  open?(link: Link): void;
  /** The bridge is gone. The client stays as it is, but must not wait for anything. (D6) */
  close?(): void;
}

/** @internal */
export const toBackend = <T extends object>(adapter: Adapter, own?: T): Backend & T =>
  ({ kind: adapter.kind, ...own, [ADAPTER]: adapter }) as unknown as Backend & T;

/** @internal */
export const adapterOf = (backend: any): Adapter | undefined => backend?.[ADAPTER];

/**
 * For a backend that has no adapter: say how a token reaches it. Each callback is called one at a time, in order, and
 * never for a session that is over (`signal` aborts when it ends). A throw or rejection is a failure of that step: a
 * passing one, unless it is a `BridgeError` with `ERR_BACKEND_REJECTED` (the token was refused) or `ERR_BACKEND_CONFIG`
 * (retrying cannot help).
 *
 * @example
 * ```ts
 * const search = defineBackend({
 *   kind: "search",
 *   attach: async (token, { signal }) => client.login(token, { signal }),
 *   detach: () => client.logout(),
 * });
 * ```
 */
export function defineBackend(adapter: BackendDefinition): Backend {
  const { kind, template }: any = adapter ?? {};
  demand(kind && typeof kind === "string", "kind", "a string");
  demandTemplate(template);
  demand(hasMethods(adapter, "attach", "detach"), "adapter", "able to attach and detach");
  for (const name of ["update", "revoke", "hold", "nobody"])
    demand((adapter as any)[name] == null || hasMethods(adapter, name), name, "a function");
  return toBackend(adapter);
}

/** @internal What sets a backend apart from others of its policy, as the core takes it. */
export const traitsOf = ({ hold, nobody, exchanges, keepsSignedOut }: Adapter): number =>
  (hold || nobody ? TRAIT.holds : 0) + (keepsSignedOut ? TRAIT.keepsSignedOut : 0) + (exchanges ? TRAIT.exchanges : 0);

/** @internal Why somebody leaves, by number. */
export const REASONS: DetachReason[] = ["signed-out", "user-switched", "identity-changed", "rejected"];

/** Why nobody else is attached. (D3) */
const KEPT = "The last user's data could not be cleared.";

interface Slot {
  /** Whose session the signal stands for. */
  key?: string;
  control: AbortController;
  /** The last attach or update, and the way to say that its token was refused. */
  step?: number;
  refuse?(why: number, cause: unknown): void;
}

/** @internal Takes the steps that one shell asks for, and tells it how each ended, once. */
export const createRunner = (adapters: Adapter[], { tell, text, owns }: Pick<Shell, "tell" | "text" | "owns">) => {
  const slots = adapters.map((): Slot => ({ control: new AbortController() }));
  /** Why a backend's last failing step failed. */
  const causes: unknown[] = [];

  const run = async (index: number, step: number, command: number, argument: number, ...who: number[]) => {
    const slot = slots[index]!;
    const adapter = adapters[index]!;
    let running = true;
    /** Somebody else may be waiting for the end of this. */
    const leaving = command === 3 && argument < 3;
    const refuse = (why: number, cause: unknown) => {
      causes[index] = cause;
      const event = running ? EVENT.stepFailed : EVENT.rejected;
      running = false;
      tell(event, step, why);
    };
    try {
      if (!command) await adapter.hold?.(!!argument);
      else if (command > 4) await adapter.revoke?.(text(argument)!);
      else if (command > 3) await adapter.nobody?.();
      else {
        // One signal serves a whole session, however many tokens it sees. (J3)
        const key = who.join();
        if (slot.key !== key || slot.control.signal.aborted) {
          slot.control.abort();
          slot.control = new AbortController();
          slot.key = key;
        }
        const { signal } = slot.control;
        if (command > 2) {
          if (leaving) causes[index] = KEPT; // unless it ends
          const session = await adapter.detach(REASONS[argument]!, () => owns(index));
          if (leaving) causes[index] = undefined;
          if (session && adapter.revoke) tell(EVENT.owes, index, session);
        } else {
          const [userId, sessionId, orgId] = who.map(text) as [string, string, string | null];
          slot.step = step;
          slot.refuse = refuse;
          await ((command > 1 && adapter.update) || adapter.attach).call(adapter, text(argument)!, {
            owned: owns(index, userId),
            userId,
            sessionId,
            orgId,
            signal,
            rejected({ retry, message }) {
              if (!signal.aborted) slot.refuse!(retry ? 1 : 2, message);
            },
          });
        }
      }
      if (running) {
        running = false;
        tell(EVENT.stepDone, step);
      }
    } catch (error: any) {
      const why = ["ERR_BACKEND_REJECTED", "ERR_BACKEND_CONFIG"].indexOf(error?.code) + 1;
      if (running) refuse(why, leaving ? new BridgeError("ERR_BACKEND_REJECTED", KEPT, null, error) : error);
    }
  };

  return {
    run,
    causes,
    /** The session of that step is over. */
    abort: (step: number): void => slots.find((slot) => slot.step === step)?.control.abort(),
    /** The shell is gone: its steps are nobody's any more. */
    stop: (): void => slots.forEach((slot) => slot.control.abort()),
  };
};
