// Who calls, as the verified token says. Nothing about the caller may come from a function's arguments.
import type { Auth } from "convex/server";
import { ConvexError } from "convex/values";

export interface Caller {
  userId: string;
  orgId: string | null;
  name: string | null;
}

/** The caller, or null when signed out. `org_id` is a claim of the JWT template "convex". */
export async function callerOf(auth: Auth): Promise<Caller | null> {
  const identity = await auth.getUserIdentity();
  if (!identity) return null;
  const orgId = identity["org_id"];
  return {
    userId: identity.subject,
    orgId: typeof orgId === "string" && orgId !== "" ? orgId : null,
    name: identity.name ?? null,
  };
}

/** The caller; signed out is an error. */
export async function someone(auth: Auth): Promise<Caller> {
  const caller = await callerOf(auth);
  if (!caller) throw new ConvexError({ code: "signed_out", message: "Sign in to change tasks." });
  return caller;
}

/** Whose tasks the caller works with: the active organisation's, else their own. */
export const scopeOf = (caller: Caller): string => caller.orgId ?? caller.userId;
