// The same with the slim entry, whose module is a file of its own.
import { began } from "./began";
import { createBridge, loadWasm } from "clerk-bridge/slim";

loadWasm("/clerk_bridge.wasm");
const signedOut = { getSession: () => null, subscribe: () => () => {}, getToken: async () => null };
createBridge({ source: signedOut }).ready.then(() => Object.assign(window, { readyMs: performance.now() - began }));
