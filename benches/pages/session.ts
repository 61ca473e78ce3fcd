// A page that asks for tokens, against whatever goes wrong outside. What it is answered is written down, not judged.
import { createBridge, defineBackend } from "clerk-bridge";
import { clerkScript, stay } from "../../tests/e2e/pages/clerk";
import { expose, follow, onEvent, setting } from "../../tests/e2e/pages/ledger";

/** How a call ended: when, after how long, and with which token, nothing, or which error. */
interface Answer {
  at: number;
  ms: number;
  token: string | null;
  error: string | null;
}

const template = "convex";
const Clerk = await clerkScript(setting.publishableKey);
const own = defineBackend({ kind: "own", template, attach() {}, detach() {} });
const bridge = createBridge({ source: Clerk, backends: { own }, onEvent, ...setting.bridge });
follow(bridge);

const call = async (): Promise<Answer> => {
  const begun = performance.now();
  const [token, error] = await bridge.getToken({ template }).then(
    (token) => [token, null],
    (error) => [null, error.code ?? String(error)],
  );
  return { at: Date.now(), ms: performance.now() - begun, token, error };
};

expose({
  bridge,
  /** So many calls, one after the other, but none is begun after so long. */
  async inTurn(count: number, withinMs = Infinity) {
    const end = performance.now() + withinMs;
    const answers: Answer[] = [];
    while (answers.length < count && performance.now() < end) answers.push(await call());
    return answers;
  },
  /** A call every so often, for so long. */
  async steadily(everyMs: number, forMs: number) {
    const end = performance.now() + forMs;
    const calls: Promise<Answer>[] = [];
    for (; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, everyMs))) calls.push(call());
    return Promise.all(calls);
  },
  atOnce: (count: number) => Promise.all(Array.from({ length: count }, call)),
});

await Clerk.load({ telemetry: false, routerPush: stay, routerReplace: stay });
