// What a page holds on to: timers, listeners of the window and the document, channels, locks, wasm memory, heap. It wraps
// the browser's own functions before any script of the page runs, and only counts. What clerk-js holds is not counted.

/** Runs in the page; `window.holdings()` then answers what is held at that moment. */
function instrument() {
  const timers = new Set();
  const listeners = new Map([window, document].map((target) => [target, new Map()]));
  const channels = new Set();
  const locks = new Set();
  const memories = [];

  /** The caller of `wrapper` is a script of Clerk's. */
  const byClerk = (wrapper) => {
    const here = {};
    Error.captureStackTrace(here, wrapper);
    return here.stack.split("\n")[1]?.includes("/@clerk/");
  };
  const wrap = (owner, name, around) => {
    const real = owner[name];
    const wrapper = function (...args) {
      return around.call(this, (...changed) => real.apply(this, changed), args, () => byClerk(wrapper));
    };
    owner[name] = wrapper;
  };

  const setter = (isOnce) => (real, [handler, ...rest], foreign) => {
    if (foreign() || typeof handler !== "function") return real(handler, ...rest);
    const id = real((...args) => {
      if (isOnce) timers.delete(id);
      handler(...args);
    }, ...rest);
    timers.add(id);
    return id;
  };
  wrap(window, "setTimeout", setter(true));
  wrap(window, "setInterval", setter(false));
  for (const name of ["clearTimeout", "clearInterval"]) {
    wrap(window, name, (real, [id]) => {
      timers.delete(id);
      real(id);
    });
  }

  const keyOf = (type, options) => `${type} ${typeof options === "object" ? !!options?.capture : !!options}`;
  wrap(EventTarget.prototype, "addEventListener", function (real, [type, listener, options], foreign) {
    real(type, listener, options);
    const held = listeners.get(this ?? window);
    if (!held || !listener || foreign()) return;
    const key = keyOf(type, options);
    if (!held.has(key)) held.set(key, new Set());
    held.get(key).add(listener);
    const gone = () => held.get(key).delete(listener);
    if (options?.once) real(type, gone, options);
    options?.signal?.addEventListener("abort", gone);
  });
  wrap(EventTarget.prototype, "removeEventListener", function (real, [type, listener, options]) {
    real(type, listener, options);
    listeners.get(this ?? window)?.get(keyOf(type, options))?.delete(listener);
  });

  window.BroadcastChannel = class extends BroadcastChannel {
    constructor(name) {
      super(name);
      if (!byClerk(new.target)) channels.add(this);
    }
    close() {
      channels.delete(this);
      super.close();
    }
  };

  // Asked for, waited for or held: all the time until the promise settles.
  wrap(LockManager.prototype, "request", (real, args, foreign) => {
    const request = real(...args);
    if (foreign()) return request;
    locks.add(request);
    const settled = () => locks.delete(request);
    request.then(settled, settled);
    return request;
  });

  wrap(WebAssembly, "instantiate", async (real, args) => {
    const made = await real(...args);
    const { memory } = (made.instance ?? made).exports;
    if (memory) memories.push(memory);
    return made;
  });

  window.holdings = () => ({
    timers: timers.size,
    listeners: [...listeners.values()].flatMap((held) => [...held.values()]).reduce((sum, { size }) => sum + size, 0),
    channels: channels.size,
    locks: locks.size,
    wasmInstances: memories.length,
    wasmBytes: memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
  });
}

/** From its next load on, every page of this browser profile can tell what it holds. */
export const keepCount = (context) => context.addInitScript(instrument);

/** What the page holds now. */
export const holdings = (page) => page.evaluate(() => window.holdings());

/** Bytes of the page's heap that are in use, once what nobody holds is gone. */
export async function heap(page) {
  const session = await page.context().newCDPSession(page);
  // What finalizers let go of in the first round goes in the second.
  for (let i = 0; i < 2; i++) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

const STRETCHES = 5;

/**
 * Bytes by which the page's heap grows with each of a thousand rounds. `work` does so many rounds as it is told. The heap
 * is looked at five times, and the median counts: code that gets compiled comes in leaps, a leak in every stretch.
 */
export async function growth(page, work, rounds = 1000) {
  const stretch = rounds / STRETCHES;
  const sizes = [await heap(page)];
  while (sizes.length <= STRETCHES) {
    await work(stretch);
    sizes.push(await heap(page));
  }
  const grown = sizes.slice(1).map((size, i) => size - sizes[i]);
  return grown.toSorted((a, b) => a - b)[STRETCHES >> 1] / stretch;
}
