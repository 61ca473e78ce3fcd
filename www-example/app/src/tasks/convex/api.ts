// The deployment's functions, typed by the sources in `convex/`. Only types are imported from there.
import { type ApiFromModules, anyApi } from "convex/server";
import type * as tasks from "../../../convex/tasks";
import type * as users from "../../../convex/users";

export type { Caller } from "../../../convex/caller";
export type { Task } from "../../../convex/tasks";

export const api = anyApi as unknown as ApiFromModules<{ tasks: typeof tasks; users: typeof users }>;
