// Triplit: a database in the page that syncs over one socket.
import { TriplitClient } from "@triplit/client";
import { triplit } from "clerk-bridge/triplit";
import type { Service } from "../types";
import { schema } from "./schema";
import { tasksOf } from "./useTasks";

export function open(serverUrl: string): Service {
  // In memory: with IndexedDB the windows of a browser would write to one store, each with a copy of its own.
  const client = new TriplitClient({ serverUrl, schema, storage: "memory", autoConnect: false, logLevel: "error" });
  return {
    title: "Triplit",
    backend: triplit(client),
    template: null,
    reach: (organization) => (organization ? `Shared in ${organization}` : "Yours alone"),
    useTasks: tasksOf(client),
  };
}
