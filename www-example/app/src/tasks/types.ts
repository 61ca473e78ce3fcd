// What the page asks of a backend. Each of the folders beside this file answers it with that backend's own client; what
// those have in common ends here.
import type { Backend } from "clerk-bridge";
import type { ComponentType, ReactNode } from "react";

export interface Task {
  readonly id: string;
  readonly text: string;
  readonly done: boolean;
  /** Clerk's id, where the backend tells it. */
  readonly writtenBy?: string | null;
  /** Shown already, but not yet known to the server. */
  readonly isDraft?: boolean;
}

export interface Tasks {
  /** Undefined while they are on their way. */
  readonly tasks: readonly Task[] | undefined;
  readonly connection: "live" | "connecting";
  add(text: string): Promise<unknown>;
  setDone(id: string, done: boolean): Promise<unknown>;
}

/** Whose list it is. */
export interface Caller {
  readonly userId: string;
  readonly orgId: string | null;
}

/** A backend of the page, with its client. */
export interface Service {
  readonly title: string;
  /** For the bridge. */
  readonly backend: Backend;
  /** The JWT template of its tokens; null: the session token; undefined: what the session token says. */
  readonly template: string | null | undefined;
  /** One token begins a session of its own, which needs no other. */
  readonly hasOwnSession?: boolean;
  /** Who sees the list, in words. */
  readonly reach: (organization: string | null) => string;
  /** A hook. It is used only while the backend has accepted the caller. */
  readonly useTasks: (caller: Caller) => Tasks;
  /** What has to stand above the hook. */
  readonly Provider?: ComponentType<{ children: ReactNode }>;
}
