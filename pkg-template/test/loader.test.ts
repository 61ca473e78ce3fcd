// Where the wasm module comes from: inlined, or said by `loadWasm`; blocked by a policy, missing, and mended.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytes } from "./fake/inlined.js";

const BLOCKED = new WebAssembly.CompileError(
  "WebAssembly.compile(): Refused to compile: 'unsafe-eval' is not an allowed source of script",
);

/** No engine takes the module, neither at once nor in its own time. */
const refuse = (error: unknown) => {
  vi.spyOn(WebAssembly, "Module").mockImplementation(function () {
    throw error;
  });
  return vi.spyOn(WebAssembly, "compile").mockRejectedValue(error);
};

/** A copy of the package of its own, and the shells made in it. */
const copy = async <Name extends "index" | "slim">(name: Name) => {
  vi.resetModules();
  const { shells } = await import("./fake/shell.js");
  const entry = name === "slim" ? await import("../src/slim.js") : await import("../src/index.js");
  const { createTestSource } = await import("../src/testing.js");
  const nobody = vi.fn();
  const client: any = { backendUrl: "", clearAuth: nobody, setAuth() {} };
  const { convex } = await import("../src/convex.js");
  const bridge = entry.createBridge({ source: createTestSource(), backends: { convex: convex(client) } });
  return { bridge, shells, nobody, ...(entry as any) } as {
    bridge: ReturnType<typeof entry.createBridge>;
    shells: typeof shells;
    nobody: typeof nobody;
  } & (Name extends "slim" ? typeof import("../src/slim.js") : object);
};

beforeEach(() => {
  vi.useRealTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("inlined", () => {
  it("i4_a_blocked_module_is_a_state_with_a_hint_and_holds_nobody_back", async () => {
    refuse(BLOCKED);
    const { bridge, nobody } = await copy("index");
    const state = await bridge.ready;
    expect(state).toMatchObject({ status: "unauthenticated", isLoading: false, error: { code: "ERR_WASM_BLOCKED" } });
    expect(state.error!.hint).toContain("'wasm-unsafe-eval'");
    expect(state.error!.cause).toBe(BLOCKED);
    expect(state.backends.convex).toMatchObject({ status: "unauthenticated", error: { code: "ERR_WASM_BLOCKED" } });
    expect(nobody).toHaveBeenCalled();
    await expect(bridge.getToken()).rejects.toBe(state.error);
    bridge.dispose();
  });

  it("i4_firefox_says_it_shorter", async () => {
    refuse(new WebAssembly.CompileError("call to compile() blocked by CSP"));
    const { bridge } = await copy("index");
    expect((await bridge.ready).error!.code).toBe("ERR_WASM_BLOCKED");
    bridge.dispose();
  });

  it("j2_a_failure_is_mended_when_it_passes", async () => {
    vi.useFakeTimers();
    refuse(new Error("out of memory"));
    const { bridge, shells } = await copy("index");
    expect((await bridge.ready).error!.code).toBe("ERR_WASM_LOAD");
    await vi.advanceTimersByTimeAsync(9_999);
    vi.restoreAllMocks();
    expect(shells).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    shells[0]!.say({ status: 1 });
    expect(bridge.getSnapshot().error).toBeNull();
    bridge.dispose();
  });

  it("b10_rejects_in_time_when_the_module_does_not_come", async () => {
    vi.useFakeTimers();
    refuse(new RangeError("too large for the main thread")).mockReturnValue(new Promise(() => {}));
    const { bridge } = await copy("index");
    const late = expect(bridge.getToken()).rejects.toMatchObject({ code: "ERR_TOKEN_TRANSIENT" });
    await vi.advanceTimersByTimeAsync(10_000);
    await late;
    bridge.dispose();
  });

  it("d6_a_callback_may_dispose_when_the_module_is_blocked", async () => {
    vi.useFakeTimers();
    refuse(BLOCKED);
    for (const by of ["listener", "onEvent"] as const) {
      const { createBridge, shells } = (await copy("index")) as any;
      const events = vi.fn(() => void (by === "onEvent" && bridge.dispose()));
      const bridge = createBridge({ onEvent: events });
      const waiting = bridge.getToken();
      waiting.catch(() => {});
      const listener = vi.fn(() => by === "listener" && bridge.dispose());
      bridge.subscribe(listener);
      await bridge.ready;
      await expect(waiting).rejects.toMatchObject({ code: "ERR_WASM_BLOCKED" });
      await vi.advanceTimersByTimeAsync(60_000);
      expect(events).toHaveBeenCalledTimes(1);
      expect(listener).toHaveBeenCalledTimes(by === "listener" ? 1 : 0);
      expect(shells).toHaveLength(0);
    }
  });

  it("an_engine_that_compiles_only_in_its_own_time_is_given_it", async () => {
    refuse(new RangeError("too large for the main thread")).mockRestore();
    const { bridge, shells } = await copy("index");
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    bridge.dispose();
  });

  it("the_module_is_compiled_once_for_all_bridges", async () => {
    const compile = vi.spyOn(WebAssembly, "Module");
    const { bridge, shells, createBridge } = (await copy("index")) as any;
    const other = createBridge();
    await vi.waitFor(() => expect(shells).toHaveLength(2));
    expect(compile).toHaveBeenCalledTimes(1);
    bridge.dispose();
    other.dispose();
  });
});

describe("loadWasm", () => {
  const module = () => new WebAssembly.Module(bytes);
  const served = () => {
    const fetched = vi.fn(async () => new Response(bytes));
    vi.stubGlobal("fetch", fetched);
    return fetched;
  };

  it.each<[string, () => any]>([
    ["a module", module],
    ["a typed array", () => bytes],
    ["a buffer", () => bytes.buffer],
    ["a response", () => new Response(bytes)],
    ["a path", () => (served(), "/clerk_bridge.wasm")],
    ["a URL", () => (served(), new URL("https://app.test/clerk_bridge.wasm"))],
    ["a request", () => (served(), new Request("https://app.test/clerk_bridge.wasm"))],
  ])("takes %s", async (_, source) => {
    const { bridge, shells, loadWasm } = await copy("slim");
    expect(bridge.getSnapshot().isLoading).toBe(true);
    expect(await loadWasm(source())).toBeUndefined();
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    await loadWasm(source());
    bridge.dispose();
  });

  it("may_come_before_the_bridge", async () => {
    const { bridge, loadWasm, createBridge, shells } = await copy("slim");
    await loadWasm(bytes);
    const later = createBridge();
    await vi.waitFor(() => expect(shells).toHaveLength(2));
    bridge.dispose();
    later.dispose();
  });

  it.each<[string, string, () => any]>([
    ["a file that is not there", "ERR_WASM_LOAD", () => new Response("", { status: 404 })],
    ["a page instead of the file", "ERR_WASM_LOAD", () => new Response("<!doctype html>")],
    ["a network that fails", "ERR_WASM_LOAD", () => (vi.stubGlobal("fetch", async () => Promise.reject(new TypeError())), "/x")],
    ["nothing at all", "ERR_WASM_LOAD", () => undefined],
    ["a policy", "ERR_WASM_BLOCKED", () => (vi.spyOn(WebAssembly, "compile").mockRejectedValueOnce(BLOCKED), bytes)],
  ])("rejects for %s, and may be called again", async (_, code, source) => {
    const { bridge, shells, loadWasm } = await copy("slim");
    await expect(loadWasm(source())).rejects.toMatchObject({ code });
    expect((await bridge.ready).error!.code).toBe(code);
    await loadWasm(bytes);
    await vi.waitFor(() => expect(shells).toHaveLength(1));
    bridge.dispose();
  });
});
