// A Hasura backend under a link that a test speaks through, the real client of graphql-ws, and a stand-in server.
import { createClient } from "graphql-ws";
import { vi } from "vitest";
import { hasura } from "../../src/hasura.js";
import { createHasura } from "./hasura.js";
import { createLink } from "./link.js";

export const socketRig = (options: object = {}, own: object = {}) => {
  const server = createHasura();
  const backend = hasura({ url: "https://app.hasura.test/v1/graphql", ...options });
  const open = (more: object = {}) =>
    createClient(backend.graphqlWs({ webSocketImpl: server.WebSocket, ...own, ...more }) as any);
  const client = open();
  /** The users that rows are streamed for, and how the subscription ended. */
  const subscribe = (using = client) => {
    const rows: unknown[] = [];
    const ended = vi.fn();
    const end = using.subscribe(
      { query: "subscription { me }" },
      {
        next: ({ data }: any) => rows.push(data.me),
        error: (error: any) => ended(error.code ?? error),
        complete: () => ended("complete"),
      },
    );
    return { rows, ended, end };
  };
  return { server, backend, client, open, subscribe, ...createLink(backend) };
};

/** Everything that needs no time has happened; with fake timers. */
export const settled = () => vi.advanceTimersByTimeAsync(0);
