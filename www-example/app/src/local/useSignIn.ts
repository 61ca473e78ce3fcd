// Signing in with the real clerk-js, against the stand-in.
import { useClerk } from "@clerk/react";
import { useMemo } from "react";
import { post } from "./control";

export function useSignIn() {
  const clerk = useClerk();
  return useMemo(() => {
    const client = () => {
      if (!clerk.client) throw new Error("Clerk has not loaded. Clear the faults and load the page again.");
      return clerk.client;
    };
    const activate = (session: string | null) => clerk.setActive({ session });
    return {
      /** With a ticket of the control endpoint; somebody who is signed in here already needs none. */
      async asUser(userId: string) {
        const open = client().sessions.find((session) => session.user?.id === userId && session.status === "active");
        if (open) return activate(open.id);
        const { ticket } = await post<{ ticket: string }>("ticket", { userId });
        const { createdSessionId } = await client().signIn.create({ strategy: "ticket", ticket });
        await activate(createdSessionId);
      },
      async withPassword(identifier: string, password: string) {
        const { createdSessionId } = await client().signIn.create({ strategy: "password", identifier, password });
        await activate(createdSessionId);
      },
    };
  }, [clerk]);
}
