// The list as Hasura tells it: one subscription, and a request for each change.
import type { HasuraBackend } from "clerk-bridge/hasura";
import type { Client } from "graphql-ws";
import type { Connection } from "../connection";
import type { Caller, Tasks } from "../types";
import { useLive } from "../useLive";
import { documents, type List, type Row } from "./documents";

export function tasksOf(backend: HasuraBackend, socket: Client, useConnection: () => Connection) {
  const watch = (next: (rows: readonly Row[]) => void, fail: (error: unknown) => void) =>
    socket.subscribe<List>(
      { query: documents.list },
      {
        next: ({ data, errors }) => (data ? next(data.tasks) : fail(errors?.[0])),
        error: fail,
        complete() {},
      },
    );

  const changes = {
    add: (text: string) => backend.request(documents.add, { text }),
    setDone: (id: string, done: boolean) => backend.request(documents.setDone, { id, done }),
  };

  return ({ orgId }: Caller): Tasks => {
    const rows = useLive(watch);
    // Until the socket has been opened anew, the list is still the last organisation's.
    const isOurs = rows?.every(({ org }) => (org || null) === orgId);
    return { tasks: isOurs ? rows : undefined, connection: useConnection(), ...changes };
  };
}
