// The same with the slim entry, whose module is a file of its own.
import { ready } from "./module";
import { createBridge, loadWasm } from "clerk-bridge/slim";

loadWasm("/clerk_bridge.wasm");
const signedOut = { getSession: () => null, subscribe: () => () => {}, getToken: async () => null };
ready(createBridge({ source: signedOut }).ready);
