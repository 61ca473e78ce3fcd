// A page that calls plain APIs with `fetch`.
import { createBridge } from "clerk-bridge";
import { http } from "clerk-bridge/http";
import { clerkScript, stay } from "./clerk";
import { expose, follow, note, onEvent, setting, track } from "./ledger";

/** What a scenario may ask beyond the common. */
const { api: options } = setting as {
  /** Options of the backend. */
  api?: { origins?: string[]; template?: string | null; header?: string; scheme?: string };
};

const Clerk = await clerkScript(setting.publishableKey);
const api = http({ origins: [location.origin], ...options });
const bridge = createBridge({ source: Clerk, backends: { api }, onEvent, ...setting.bridge });
follow(bridge);

/** The ways in which an application says what it calls. */
const forms: Record<string, (url: string, init?: RequestInit) => [RequestInfo | URL, RequestInit?]> = {
  string: (url, init) => [url, init],
  URL: (url, init) => [new URL(url, location.href), init],
  Request: (url, init) => [new Request(url, init)],
  "Request with options": (url, init) => [new Request(url), init],
};

const read = async (name: string, answer: Promise<Response>) => {
  const response = await answer;
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  note(name, { status: response.status, body: isJson ? await response.json() : await response.text() });
};

const call = (name: string, url: string, init?: RequestInit, form = "string") =>
  track(name, read(name, api.fetch(...forms[form]!(url, init))));

expose({ bridge, api, call });

await Clerk.load({ telemetry: false, routerPush: stay, routerReplace: stay });
