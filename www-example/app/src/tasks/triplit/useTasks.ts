// The list as Triplit keeps it: read and written in the page's own database, which syncs when it can.
import type { TriplitClient } from "@triplit/client";
import { useCallback } from "react";
import { createConnection } from "../connection";
import type { Caller, Task, Tasks } from "../types";
import { useLive } from "../useLive";
import type { schema } from "./schema";

/** Sorts by time, as the list does. */
const newId = () => Date.now().toString(36) + crypto.randomUUID().slice(0, 8);

export function tasksOf(client: TriplitClient<typeof schema>) {
  const connection = createConnection();
  client.onConnectionStatusChange((status) => connection.set(status === "OPEN"), true);

  const listOf = (org: string) => client.query("tasks").Where("org", "=", org).Order("id", "ASC");
  const setDone = (id: string, done: boolean) => client.update("tasks", id, { done });

  return ({ userId, orgId }: Caller): Tasks => {
    const org = orgId ?? "";
    const watch = useCallback(
      (next: (tasks: Task[]) => void, fail: (error: unknown) => void) =>
        client.subscribeWithStatus(listOf(org), ({ results, error, fetching }) => {
          if (error) fail(error);
          else if (results && !fetching) next(results.map(({ owner, ...task }) => ({ ...task, writtenBy: owner })));
        }),
      [org],
    );
    return {
      tasks: useLive(watch),
      connection: connection.use(),
      add: (text) => client.insert("tasks", { id: newId(), text, owner: userId, org }),
      setDone,
    };
  };
}
