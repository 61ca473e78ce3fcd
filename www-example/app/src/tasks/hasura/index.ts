// Hasura: mutations over HTTP, and one socket for what is live.
import { hasura } from "clerk-bridge/hasura";
import { createClient } from "graphql-ws";
import { createConnection } from "../connection";
import type { Service } from "../types";
import { tasksOf } from "./useTasks";

export function open(url: string): Service {
  const connection = createConnection();
  const backend = hasura({ url });
  const on = {
    connected: () => connection.set(true),
    // Ended in good order it is being renewed, for a newer token.
    closed: ({ code }: CloseEvent) => code === 1000 || connection.set(false),
  };
  const socket = createClient(backend.graphqlWs({ on }));
  return {
    title: "Hasura",
    backend,
    template: "hasura",
    reach: (organization) => (organization ? `Yours, in ${organization}` : "Yours alone"),
    useTasks: tasksOf(backend, socket, connection.use),
  };
}
