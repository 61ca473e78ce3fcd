// What a page holds on to: timers, listeners of the window and the document, channels, locks, memory of wasm modules. It
// wraps the browser's own functions before any script of the page runs, and only counts. What clerk-js holds is left out.

/** Runs in the page; `window.holdings()` and `window.modules()` then answer what there is at that moment. */
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
  });
  window.modules = () => ({
    instances: memories.length,
    bytes: memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0),
  });
}

/** From its next load on, every page of this browser profile can tell what it holds. */
export const keepCount = (context) => context.addInitScript(instrument);

/** How many timers, listeners, channels and locks the page holds now. */
export const holdings = (page) => page.evaluate(() => window.holdings());

/** How many wasm modules run in the page, and the bytes of their memory. */
export const modules = (page) => page.evaluate(() => window.modules());
