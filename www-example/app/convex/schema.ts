// The one table of the example: tasks, each in the scope of an organisation or of one user.
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  tasks: defineTable({
    /** An organisation's id, or a user's. */
    scope: v.string(),
    text: v.string(),
    done: v.boolean(),
    writtenBy: v.string(),
  }).index("by_scope", ["scope"]),
});
