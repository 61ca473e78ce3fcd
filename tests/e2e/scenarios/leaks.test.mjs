// What remains after a thousand of something: rotations, bridges, mounts. Each first runs for a while unmeasured, until
// everything has happened once.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { until } from "../harness/cloud.mjs";
import { heap, leftBy } from "../harness/heap.mjs";
import { holdings, keepCount, modules } from "../harness/holdings.mjs";
import { scene } from "../harness/scene.mjs";

const user = "user_ada";
const before = ({ context }) => keepCount(context);
const WARM_UP = 500;
const ROUNDS = 1000;
/** Between the leeway and the end of tokens that live for a minute. */
const ROTATION_MS = 50_000;
/** Bytes of a bridge that lives: the budget. */
const BUDGET = 64 * 1024;

/** One closure for each round would be 28 bytes, one listener a native. */
async function assertLeavesNothing(page, work) {
  const { values, natives } = await leftBy(page, work, ROUNDS);
  assert.ok(values < 8, `each round leaves ${values} bytes`);
  assert.ok(natives < 0.5, `each round leaves ${natives} objects of the browser`);
}

/** Waits until the page holds this again; a browser lets go of a lock in its own time. */
async function assertHolds(page, wanted) {
  let held;
  const look = async () => isDeepStrictEqual((held = await holdings(page)), wanted);
  await until("it is let go of", look).catch(() => assert.deepEqual(held, wanted));
}

describe("leaks", { concurrency: 2 }, () => {
  scene("j3 a thousand rotations, with real clients",
    {
      page: "rotations",
      async before({ context }) {
        await context.clock.install();
        await keepCount(context);
      },
    },
    async (scene) => {
      const { page } = scene;
      await scene.sees(() => window.rotations?.own === 0);
      const rotate = (count) => page.clock.runFor(count * ROTATION_MS);
      const rotated = () => page.evaluate(() => Math.min(...Object.values(window.rotations)));
      await rotate(WARM_UP);
      const [{ timers, ...held }, memory, done] = [await holdings(page), await modules(page), await rotated()];

      await assertLeavesNothing(page, rotate);
      assert.ok((await rotated()) - done >= ROUNDS);
      assert.deepEqual(await modules(page), memory);
      const { timers: timersNow, ...heldNow } = await holdings(page);
      assert.deepEqual(heldNow, held);
      // A real client may be between two of its own.
      assert.ok(timersNow <= timers + 2, `${timersNow} timers, and ${timers} before`);
    });

  scene("d6_j3 a thousand bridges, let go at any moment", { user, page: "lifetimes", before }, async (scene) => {
    const { page } = scene;
    await scene.sees(() => window.isLoaded);
    const none = await holdings(page);
    const live = async (count) => {
      await page.evaluate((count) => window.bridges(count), count);
      await assertHolds(page, none);
    };
    await live(WARM_UP);
    const memory = await modules(page);
    assert.equal(memory.instances, 1);

    await assertLeavesNothing(page, live);
    assert.deepEqual(await modules(page), memory);
  });

  scene("i2_j3 a thousand mounts of one provider, over one Convex client",
    { user, page: "lifetimes", setting: { lasting: true }, before }, async (scene) => {
      const { page } = scene;
      await scene.sees(() => window.isLoaded);
      const live = async (count) => {
        await page.evaluate((count) => window.mounts(count, "same"), count);
        await scene.sees(() => window.holdings().locks === 0);
      };
      await live(WARM_UP);
      const [held, memory] = [await holdings(page), await modules(page)];

      await assertLeavesNothing(page, live);
      assert.deepEqual(await modules(page), memory);
      await assertHolds(page, held);
    });

  scene("i2_j3 a thousand providers, each another", { user, page: "lifetimes", before }, async (scene) => {
    const { page } = scene;
    await scene.sees(() => window.isLoaded);
    const none = await holdings(page);
    // They outlive their unmount for a second.
    const AT_ONCE = 250;
    const live = async (count) => {
      for (let left = count; left > 0; left -= AT_ONCE) {
        await page.evaluate((count) => window.mounts(count), AT_ONCE);
        await assertHolds(page, none);
      }
    };
    await live(WARM_UP);
    const memory = await modules(page);

    await assertLeavesNothing(page, live);
    const { instances, bytes } = await modules(page);
    assert.equal(instances, 1);
    // How many of them there are at once, and so the most that is taken, is a matter of speed. Each takes 2.5 kB.
    assert.ok(bytes - memory.bytes < ROUNDS * 1000, `${bytes} bytes of memory, and ${memory.bytes} before`);
  });

  scene("j3 a hundred bridges side by side: one module, and each within its budget", { user, page: "lifetimes", before },
    async (scene) => {
      const { page } = scene;
      await scene.sees(() => window.isLoaded);
      const none = await holdings(page);
      const meet = () => page.evaluate(() => window.meet(100));
      const part = () => page.evaluate(() => window.part());
      await meet();
      await part();
      await assertHolds(page, none);
      const apart = await heap(page);
      await meet();
      assert.equal((await holdings(page)).channels, 100);
      const { instances, bytes } = await modules(page);
      assert.equal(instances, 1);
      // With the whole memory of the module that they share.
      const each = ((await heap(page)).all - apart.all + bytes) / 100;
      assert.ok(each < BUDGET, `${each} bytes for each bridge`);
      await part();
      await assertHolds(page, none);
    });
});
