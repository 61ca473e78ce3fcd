// Instant: it exchanges the first token for a session of its own, and knows no organisations.
import { init } from "@instantdb/core";
import { instant } from "clerk-bridge/instant";
import type { Service } from "../types";
import { schema } from "./schema";
import { tasksOf } from "./useTasks";

export interface App {
  readonly appId: string;
  /** Where Instant is, if it is not Instant's own cloud. */
  readonly apiURI?: string | undefined;
}

/** The name of the Clerk client in the app's auth settings. */
const CLIENT_NAME = "clerk";

export function open({ appId, apiURI }: App): Service {
  const place = apiURI && { apiURI, websocketURI: `${apiURI.replace("http", "ws")}/runtime/session` };
  const db = init({ appId, schema, devtool: false, ...place });
  return {
    title: "Instant",
    backend: instant(db, { clientName: CLIENT_NAME }),
    template: null,
    hasOwnSession: true,
    reach: (organization) => (organization ? "Yours, whatever the organisation" : "Yours alone"),
    useTasks: tasksOf(db),
  };
}
