// The Triplit adapter in many tabs, which share what Triplit keeps on the device.
import { describe, expect, it, vi } from "vitest";
import { adapt, closing, contextFor, createDevice, rig } from "./fake/triplit-rig.js";
import { jwt } from "./fake/triplit-server.js";

describe("e5_what_tabs_share_on_the_device", () => {
  /** Web Locks of one name, as far as the adapter asks for them. */
  const locks = () => {
    const held = new Set<object>();
    const waiting: Array<{ shared: boolean; grant(): void }> = [];
    const next = () => {
      const [first] = waiting;
      if (!first || (first.shared ? [...held].some((one) => !(one as any).shared) : held.size)) return;
      waiting.shift()!.grant();
      next();
    };
    const request = (_: string, { mode, signal }: any, work: () => unknown) =>
      new Promise((resolve, reject) => {
        const shared = mode === "shared";
        const one = {
          shared,
          grant() {
            held.add(one);
            const release = () => {
              held.delete(one);
              next();
            };
            const working = Promise.resolve().then(work);
            working.then(release, release);
            working.then(resolve, reject);
          },
        };
        waiting.push(one);
        signal?.addEventListener("abort", () => {
          const at = waiting.indexOf(one);
          if (at >= 0) reject(waiting.splice(at, 1) && signal.reason);
        });
        next();
      });
    Object.defineProperty(navigator, "locks", { value: { request }, configurable: true });
    closing.push(() => delete (navigator as any).locks);
    return { held };
  };

  const tab = async () => {
    const it = rig();
    await it.adapter.attach(jwt("user_a"), contextFor("user_a").context);
    return { ...it, clear: vi.spyOn(it.client, "clear") };
  };

  it("is_cleared_once_the_other_tabs_have_let_go", async () => {
    locks();
    const [one, other] = [await tab(), await tab()];
    const leaving = one.adapter.detach("signed-out");
    await vi.waitFor(() => expect(one.client.connectionStatus).not.toBe("OPEN"));
    await new Promise((resume) => setTimeout(resume, 50));
    expect(one.clear).not.toHaveBeenCalled();
    const after = other.adapter.detach("signed-out");
    await Promise.all([leaving, after]);
    expect(one.clear).toHaveBeenCalledOnce();
    expect(other.clear).toHaveBeenCalledOnce();
  });

  it("is_cleared_all_the_same_when_one_does_not_let_go", async () => {
    locks();
    const [one] = [await tab(), await tab()];
    await one.adapter.detach("signed-out");
    expect(one.clear).toHaveBeenCalledOnce();
  });

  describe.each([
    ["at once", () => true, 0],
    ["while this tab waited", vi.fn<() => boolean>(() => true).mockReturnValueOnce(false), 1],
  ])("d4_h22_where_the_next_user_came_in_another_tab_%s", (_, isTheirs, waits) => {
    it("only_this_tabs_copy_goes", async () => {
      const { held } = locks();
      const { disk, open } = createDevice();
      const it = rig(undefined, { storage: open() });
      const { client, adapter } = it;
      const rows = async () => {
        const all: string[] = [];
        for await (const [key] of disk.scan({ prefix: [] })) all.push(key.join());
        return all.filter((key) => key.includes("unsent")).length;
      };
      await adapter.attach(jwt("user_a"), contextFor("user_a").context);
      await client.insert("tasks", { id: "unsent", owner: "user_b", text: "x" });
      await vi.waitFor(() => expect(it.shown()).toEqual(["unsent"]));
      const before = await rows();
      expect(before).toBeGreaterThan(0);
      await (adapter as any).detach("user-switched", isTheirs);
      expect(client.connectionStatus).not.toBe("OPEN");
      expect(await it.kept()).toEqual([]);
      await vi.waitFor(() => expect(it.shown()).toEqual([]));
      expect(await rows()).toBe(before);
      expect(held.size).toBe(0);
      if (waits) expect(isTheirs).toHaveBeenCalledTimes(2);
      // The next clearing is a whole one again.
      await adapter.detach("user-switched");
      expect(await rows()).toBe(0);
    });
  });

  it.each([
    ["shared_by_all_tabs_was_cleared_by_the_tab_of_who_came", class {}, 0],
    ["of_this_tab_alone_is_cleared", undefined, 1],
  ])("d4_h22_a_worker_%s", async (_, SharedWorker, times) => {
    vi.stubGlobal("SharedWorker", SharedWorker);
    const methods = ["clear", "connect", "disconnect", "startSession", "endSession", "onConnectionStatusChange"];
    const client: any = Object.fromEntries(methods.map((name) => [name, vi.fn()]));
    await (adapt(client).adapter as any).detach("user-switched", () => true);
    expect(client.endSession).toHaveBeenCalledOnce();
    expect(client.clear).toHaveBeenCalledTimes(times);
  });

  it("d6_is_nobodys_once_the_bridge_is_gone", async () => {
    const { held } = locks();
    const one = await tab();
    expect(held.size).toBe(1);
    one.adapter.close!();
    await vi.waitFor(() => expect(held.size).toBe(0));
  });
});
