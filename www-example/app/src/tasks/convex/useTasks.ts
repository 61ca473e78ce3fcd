// The list and what can be done to it. Changes show at once, and are taken back if the server refuses them.
import type { OptimisticLocalStore } from "convex/browser";
import { useConvexConnectionState, useMutation, useQuery } from "convex/react";
import { useMemo } from "react";
import type { Caller, Tasks } from "../types";
import { api, type Task } from "./api";

export function useTasks({ orgId }: Caller): Tasks {
  const rows = useQuery(api.tasks.list);
  // Both are of one moment. Until Convex has heard of another organisation, the list is still the last one's.
  const isOurs = useQuery(api.users.whoami)?.orgId === orgId;
  const { isWebSocketConnected } = useConvexConnectionState();
  const addRow = useMutation(api.tasks.add);
  const toggleRow = useMutation(api.tasks.toggle);
  const changes = useMemo(() => {
    const add = addRow.withOptimisticUpdate((store, { text }) => edit(store, (tasks) => [...tasks, draft(text)]));
    const toggle = toggleRow.withOptimisticUpdate((store, { id }) =>
      edit(store, (tasks) => tasks.map((task) => (task._id === id ? { ...task, done: !task.done } : task))),
    );
    return {
      add: (text: string) => add({ text }),
      // Only ever asked for what is not so yet.
      setDone: (id: string) => toggle({ id: id as Task["_id"] }),
    };
  }, [addRow, toggleRow]);
  const tasks = useMemo(() => rows?.map(({ _id, ...row }) => ({ ...row, id: _id, isDraft: _id === DRAFT })), [rows]);
  return { tasks: isOurs ? tasks : undefined, connection: isWebSocketConnected ? "live" : "connecting", ...changes };
}

function edit(store: OptimisticLocalStore, change: (tasks: Task[]) => Task[]) {
  const tasks = store.getQuery(api.tasks.list);
  if (tasks) store.setQuery(api.tasks.list, {}, change(tasks));
}

/** Stands in for a task until the server has given it an id. */
const draft = (text: string): Task => ({ _id: DRAFT, _creationTime: 0, text, done: false, writtenBy: null });

const DRAFT = "draft" as Task["_id"];
