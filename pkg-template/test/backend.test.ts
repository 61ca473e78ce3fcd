// The runner: one callback for each step, one answer for each step, and signals that end with the session.
import { describe, expect, it, vi } from "vitest";
import { createRunner } from "../src/backend.js";
import { BridgeError, defineBackend } from "../src/index.js";
import { adapterOf } from "../src/backend.js";
import { EVENT } from "../src/shell/numbers.js";
import type { AttachContext, BackendDefinition } from "../src/types.js";

const HOLD = 0;
const ATTACH = 1;
const UPDATE = 2;
const DETACH = 3;
const NOBODY = 4;
const REVOKE = 5;
const NAMES = { [EVENT.stepDone]: "done", [EVENT.stepFailed]: "failed", [EVENT.rejected]: "rejected" } as Record<EVENT, string>;

/** Strings go as they are, not by number. */
const text = (string: any) => string ?? null;

const rig = (definition: Partial<BackendDefinition> & Record<string, unknown> = {}) => {
  const told: unknown[][] = [];
  const owed: unknown[][] = [];
  let theirs = false;
  const tell = (event: EVENT, ...args: unknown[]) =>
    void (event === EVENT.owes ? owed.push([told.length, ...args]) : told.push([NAMES[event], ...args]));
  const contexts: AttachContext[] = [];
  const adapter = adapterOf(
    defineBackend({ kind: "x", attach: (_, context) => void contexts.push(context), detach() {}, ...definition }),
  )!;
  const runner = createRunner([adapter], { tell, text, owns: (_, user) => (user ? user === "owner" : theirs) });
  const run = (step: number, command: number, token: string | null = "t", user = "u", reason = 0, orgId: string | null = null) =>
    (runner.run as any)(0, step, command, command === HOLD || command === DETACH ? reason : token, user, "s_" + user, orgId);
  return { runner, run, told, contexts, owed, come: () => (theirs = true) };
};

describe("steps", () => {
  it("each_is_answered_once", async () => {
    const calls: unknown[] = [];
    const { run, told } = rig({
      attach: (token, { userId, sessionId, orgId }) => void calls.push(["attach", token, userId, sessionId, orgId]),
      update: async (token) => void calls.push(["update", token]),
      detach: (reason) => void calls.push(["detach", reason]),
    });
    await run(1, HOLD);
    await run(2, ATTACH, "one");
    await run(3, UPDATE, "two");
    await run(4, DETACH, null, "", 1);
    await run(5, NOBODY);
    expect(calls).toEqual([
      ["attach", "one", "u", "s_u", null],
      ["update", "two"],
      ["detach", "user-switched"],
    ]);
    expect(told).toEqual([1, 2, 3, 4, 5].map((step) => ["done", step]));
  });

  it("h6_a_hold_says_whether_somebody_left", async () => {
    const held: boolean[] = [];
    const { run } = rig({ hold: (somebodyLeft: boolean) => void held.push(somebodyLeft) });
    await run(1, HOLD);
    await run(2, HOLD, null, "", 1);
    expect(held).toEqual([false, true]);
  });

  it("d5_what_a_detach_leaves_is_told_before_its_end_and_revoked_when_asked", async () => {
    const revoke = vi.fn();
    const { run, told, owed } = rig({ detach: async () => "session", revoke });
    await run(1, DETACH);
    await run(2, REVOKE, "session");
    expect(owed).toEqual([[0, 0, "session"]]);
    expect(revoke.mock.calls).toEqual([["session"]]);
    expect(told).toEqual([1, 2].map((step) => ["done", step]));
  });

  it("d5_a_detach_that_resolves_with_something_leaves_nothing_where_nothing_can_be_revoked", async () => {
    const { run, owed } = rig({ detach: async () => "whatever" });
    await run(1, DETACH);
    expect(owed).toEqual([]);
  });

  it("d4_an_attach_says_whether_the_data_is_known_to_be_the_users", async () => {
    const { run, contexts } = rig();
    await run(1, ATTACH, "t", "u");
    await run(2, ATTACH, "t", "owner");
    expect(contexts.map(({ owned }) => owned)).toEqual([false, true]);
  });

  it("d4_h22_a_detach_can_ask_whether_another_user_came_meanwhile", async () => {
    const said: boolean[] = [];
    const r = rig({
      detach(_: unknown, isTheirs: () => boolean) {
        said.push(isTheirs());
        r.come();
        said.push(isTheirs());
      },
    } as any);
    await r.run(1, DETACH);
    expect(said).toEqual([false, true]);
  });

  it("update_is_attach_where_there_is_none", async () => {
    const attach = vi.fn();
    const { run } = rig({ attach });
    await run(1, UPDATE, "two");
    expect(attach).toHaveBeenCalledWith("two", expect.anything());
  });

  it("callbacks_keep_their_this", async () => {
    class Own {
      kind = "own";
      tokens: string[] = [];
      attach(token: string) {
        this.tokens.push(token);
      }
      detach() {
        this.tokens = [];
      }
    }
    const own = new Own();
    await createRunner([adapterOf(defineBackend(own))!], { tell() {}, text, owns: () => false }).run(0, 1, ATTACH, ...(["t", "u", "s", null] as any[]));
    expect(own.tokens).toEqual(["t"]);
  });

  it("d3_a_detach_that_fails_or_hangs_says_why_nobody_else_is_attached", async () => {
    const error = new Error("disk");
    const hint = "The last user's data could not be cleared.";
    const failing = rig({ detach: () => Promise.reject(error) });
    await failing.run(1, DETACH);
    expect(failing.told).toEqual([["failed", 1, 0]]);
    expect(failing.runner.causes[0]).toMatchObject({ hint, cause: error });
    const hanging = rig({ detach: () => new Promise(() => {}) });
    void hanging.run(1, DETACH);
    expect(hanging.runner.causes).toEqual([hint]);
    const fine = rig({});
    await fine.run(1, DETACH);
    expect(fine.runner.causes).toEqual([undefined]);
  });

  it.each<[string, number, unknown]>([
    ["a passing failure", 0, new Error("network")],
    ["a passing failure", 0, undefined],
    ["a refusal", 1, new BridgeError("ERR_BACKEND_REJECTED")],
    ["a configuration", 2, new BridgeError("ERR_BACKEND_CONFIG", "Add the claim.")],
  ])("a throw is %s (%s)", async (_, why, error) => {
    const { run, runner, told } = rig({
      attach() {
        throw error;
      },
    });
    await run(1, ATTACH);
    expect(told).toEqual([["failed", 1, why]]);
    expect(runner.causes[0]).toBe(error);
  });
});

describe("rejected", () => {
  it("fails_the_step_while_it_runs", async () => {
    let finish!: () => void;
    const { run, told, contexts } = rig({
      attach: (_, context) => {
        contexts.push(context);
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
    });
    const step = run(1, ATTACH);
    contexts[0]!.rejected({ retry: false, message: "no such audience" });
    finish();
    await step;
    expect(told).toEqual([["failed", 1, 2]]);
  });

  it("names_the_last_step_afterwards_and_keeps_the_message", async () => {
    const { run, runner, told, contexts } = rig();
    await run(1, ATTACH);
    await run(2, UPDATE);
    contexts[0]!.rejected({ retry: true, message: "expired" });
    expect(told).toEqual([["done", 1], ["done", 2], ["rejected", 2, 1]]);
    expect(runner.causes[0]).toBe("expired");
  });

  it("d1_says_nothing_for_a_session_that_is_over", async () => {
    const { run, told, contexts } = rig();
    await run(1, ATTACH, "a", "user_a");
    await run(2, DETACH, null, "");
    contexts[0]!.rejected({ retry: true });
    await run(3, ATTACH, "b", "user_b");
    contexts[0]!.rejected({ retry: true });
    expect(told).toEqual([1, 2, 3].map((step) => ["done", step]));
  });
});

describe("signal", () => {
  it("j3_is_one_for_a_whole_session", async () => {
    const { run, contexts } = rig();
    await run(1, ATTACH);
    await run(2, UPDATE);
    expect(contexts[1]!.signal).toBe(contexts[0]!.signal);
  });

  it.each<[string, (r: ReturnType<typeof rig>) => unknown]>([
    ["the shell aborts the step", ({ runner }) => runner.abort(1)],
    ["the backend is detached", ({ run }) => run(2, DETACH, null, "")],
    ["another user is attached", ({ run }) => run(2, ATTACH, "b", "user_b")],
    ["another organisation is attached", ({ run }) => run(2, ATTACH, "b", "u", 0, "org")],
    ["the shell dies", ({ runner }) => runner.stop()],
  ])("aborts when %s", async (_, end) => {
    const r = rig();
    await r.run(1, ATTACH);
    const { signal } = r.contexts[0]!;
    expect(signal.aborted).toBe(false);
    await end(r);
    expect(signal.aborted).toBe(true);
  });

  it("the_same_session_coming_back_has_a_fresh_one", async () => {
    const { run, runner, contexts } = rig();
    await run(1, ATTACH);
    runner.abort(1);
    await run(2, ATTACH);
    expect(contexts[1]!.signal.aborted).toBe(false);
  });
});
