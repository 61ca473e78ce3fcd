// How long after its script begins a page has the wasm module running and the first answer from it.
import { began } from "./began";
import { createBridge } from "clerk-bridge";

const signedOut = { getSession: () => null, subscribe: () => () => {}, getToken: async () => null };
createBridge({ source: signedOut }).ready.then(() => Object.assign(window, { readyMs: performance.now() - began }));
