// The list and what can be done to it. Changes show at once, and are taken back if the server refuses them.
import type { OptimisticLocalStore } from "convex/browser";
import { useMutation, useQuery } from "convex/react";
import { useMemo } from "react";
import { api, type Task } from "../api";

/** Undefined while it is on its way. */
export const useTaskList = () => useQuery(api.tasks.list);

export function useTaskChanges() {
  const add = useMutation(api.tasks.add);
  const toggle = useMutation(api.tasks.toggle);
  const remove = useMutation(api.tasks.remove);
  return useMemo(
    () => ({
      add: add.withOptimisticUpdate((store, { text }) => edit(store, (tasks) => [...tasks, draft(text)])),
      toggle: toggle.withOptimisticUpdate((store, { id }) =>
        edit(store, (tasks) => tasks.map((task) => (task._id === id ? { ...task, done: !task.done } : task))),
      ),
      remove: remove.withOptimisticUpdate((store, { id }) =>
        edit(store, (tasks) => tasks.filter((task) => task._id !== id)),
      ),
    }),
    [add, toggle, remove],
  );
}

function edit(store: OptimisticLocalStore, change: (tasks: Task[]) => Task[]) {
  const tasks = store.getQuery(api.tasks.list);
  if (tasks) store.setQuery(api.tasks.list, {}, change(tasks));
}

/** Stands in for a task until the server has given it an id. */
const draft = (text: string): Task => ({
  _id: DRAFT as Task["_id"],
  _creationTime: 0,
  text,
  done: false,
  writtenBy: null,
});

const DRAFT = "draft";
export const isDraft = (task: Task) => task._id === DRAFT;
