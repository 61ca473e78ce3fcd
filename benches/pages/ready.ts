// How long after its script begins a page has the wasm module running and the first answer from it.
import { ready } from "./module";
import { createBridge } from "clerk-bridge";

const signedOut = { getSession: () => null, subscribe: () => () => {}, getToken: async () => null };
ready(createBridge({ source: signedOut }).ready);
