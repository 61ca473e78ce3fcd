// The list as Instant keeps it: changes show at once, and wait on this device while the server is away.
import { id, type InstantCoreDatabase } from "@instantdb/core";
import { createConnection } from "../connection";
import type { Task, Tasks } from "../types";
import { useLive } from "../useLive";
import type { schema } from "./schema";

const LIST = { tasks: { $: { order: { serverCreatedAt: "asc" } } } } as const;

export function tasksOf(db: InstantCoreDatabase<typeof schema>) {
  const connection = createConnection();
  db.subscribeConnectionStatus((status) => connection.set(status === "authenticated"));

  const watch = (next: (tasks: Task[]) => void, fail: (error: unknown) => void) =>
    db.subscribeQuery(LIST, ({ data, error }) => (error ? fail(error) : next(data.tasks)));

  const changes = {
    async add(text: string) {
      const user = await db.getAuth();
      if (user) await db.transact(db.tx.tasks[id()]!.create({ text, done: false, owner: user.id }));
    },
    setDone: (task: string, done: boolean) => db.transact(db.tx.tasks[task]!.update({ done })),
  };

  return (): Tasks => ({ tasks: useLive(watch), connection: connection.use(), ...changes });
}
