// Stands for the machine inside the wasm module: records what it is told, and wants what a test says.
import { vi } from "vitest";
import type { Instance } from "../../src/loader.js";
import type { Machine, MachineHost } from "../../src/shell/module.js";
import createShell from "../../src/shell/shell.js";
import { EFFECT, EVENT } from "../../src/shell/numbers.js";

type Effect = [kind: EFFECT, ...args: any[]];

/** The effects that are the bridge's. */
export const HOST = ["answer", "cache", "run", "abort", "leave", "log", "backend", "session", "publish"] as const;

/** A real shell around a scripted machine, and a host that records. */
export const rig = ({ name = "app", persist = 1, dead = false, backends = ["one", "two"] } = {}) => {
  const told: [event: string, ...numbers: number[]][] = [];
  const tokens: unknown[][] = [];
  const settings: unknown[] = [];
  const pending: Effect[] = [];
  const script = new Map<EVENT, (...numbers: number[]) => Effect[]>();
  let freed = 0;
  let trapped: unknown;

  class Scripted implements Machine {
    constructor(
      readonly host: MachineHost,
      ...rest: number[]
    ) {
      settings.push(...rest);
    }
    want(effects: Effect[]) {
      for (const [kind, ...args] of effects) {
        if (kind === EFFECT.log) (this.host.log as any)(...args);
        else if (kind === EFFECT.timer || kind === EFFECT.cache) (this.host.wait as any)(kind, ...args);
        else this.host.effect(kind, ...args, ...Array(7 - args.length).fill(0));
      }
    }
    event(kind: number, ...numbers: number[]) {
      if (freed) throw new Error("the machine was freed");
      told.push([EVENT[kind]!, ...numbers]);
      this.want(script.get(kind)?.(...numbers) ?? []);
      this.want(pending.splice(0));
    }
    token(...args: unknown[]) {
      if (freed) throw new Error("the machine was freed");
      tokens.push(args);
      this.want(pending.splice(0));
    }
    free() {
      freed++;
    }
  }

  const instance: Instance = {
    createMachine: (...args: ConstructorParameters<typeof Scripted>) => new Scripted(...args),
    traps: new Set(),
    enter(go) {
      if (dead || trapped) return;
      try {
        return go();
      } catch (error) {
        trapped = error;
      }
    },
  };
  const host = Object.fromEntries(HOST.map((effect) => [effect, vi.fn()])) as Record<
    (typeof HOST)[number],
    ReturnType<typeof vi.fn>
  >;
  const options: any = { name, persist, leewaySeconds: 0.01, fetchTimeoutMs: 20, sourceTimeoutMs: 30 };
  const shell = createShell(
    instance,
    () => Object.fromEntries(HOST.map((effect) => [EFFECT[effect], host[effect]])) as any,
    backends,
    options,
  );
  /** Has these effects carried out. */
  const want = (...effects: Effect[]) => {
    pending.push(...effects);
    shell.tell(EVENT.tick);
  };
  return {
    shell,
    host,
    told,
    tokens,
    settings,
    script,
    want,
    /** What an event said, each time. */
    of: (event: keyof typeof EVENT) => told.filter(([one]) => one === event).map(([, ...numbers]) => numbers),
    /** Which string a number stands for. */
    text: shell.text,
    freed: () => freed,
    trapped: () => trapped,
  };
};
