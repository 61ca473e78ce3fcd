// The shared list. A caller sees and changes the tasks of their own scope only.
import { ConvexError, type GenericId, v } from "convex/values";
import { mutation, query } from "./builders";
import { callerOf, type Caller, scopeOf, someone } from "./caller";

export interface Task {
  _id: GenericId<"tasks">;
  _creationTime: number;
  text: string;
  done: boolean;
  writtenBy: string | null;
}

/** The task, if it is in the caller's scope; nobody is told of others. */
function inScope<T extends { scope: string }>(task: T | null, caller: Caller): T {
  if (task?.scope !== scopeOf(caller)) throw new ConvexError({ code: "not_found", message: "No such task." });
  return task;
}

export const list = query({
  args: {},
  handler: async (ctx): Promise<Task[]> => {
    const caller = await callerOf(ctx.auth);
    if (!caller) return [];
    const tasks = ctx.db.query("tasks").withIndex("by_scope", (range) => range.eq("scope", scopeOf(caller)));
    return (await tasks.take(500)).map(({ scope: _, ...task }) => task);
  },
});

export const add = mutation({
  args: { text: v.string() },
  handler: async (ctx, { text }): Promise<GenericId<"tasks">> => {
    const caller = await someone(ctx.auth);
    const words = text.trim().slice(0, 200);
    if (!words) throw new ConvexError({ code: "empty", message: "A task needs some words." });
    return ctx.db.insert("tasks", { scope: scopeOf(caller), text: words, done: false, writtenBy: caller.userId });
  },
});

export const toggle = mutation({
  args: { id: v.id("tasks") },
  handler: async (ctx, { id }): Promise<boolean> => {
    const caller = await someone(ctx.auth);
    const done = !inScope(await ctx.db.get(id), caller).done;
    await ctx.db.patch(id, { done });
    return done;
  },
});
