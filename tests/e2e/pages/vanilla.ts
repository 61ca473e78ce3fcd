// A page without a framework: the Clerk object, createBridge, one of Convex' clients.
import { createBridge } from "clerk-bridge";
import { convex } from "clerk-bridge/convex";
import { clerkScript, stay } from "./clerk";
import { makers } from "./clients";
import { expose, follow, note, onEvent, seen, setting, track } from "./ledger";

const Clerk = await clerkScript(setting.publishableKey);
const load = () => Clerk.load({ telemetry: false, routerPush: stay, routerReplace: stay });

if (setting.warm) {
  await load();
  await Clerk.session.getToken({ template: setting.warm });
}

const face = makers[setting.client!]!(location.origin, setting.clientOptions);
const bridge = createBridge({ source: Clerk, backends: { convex: convex(face.client) }, onEvent, ...setting.bridge });
follow(bridge);
for (const path of setting.watch!) face.watch(path, (value) => note(path, value));

expose({
  bridge,
  client: face.client,
  add: (text: string) => track(text, face.mutate("tasks:add", { text })),
  ask: (path: string) => track(path, face.query!(path).then((value) => note(path, value))),
});

if (!setting.warm) await load().catch((error: Error) => (seen.calls["Clerk.load"] = error.message));
