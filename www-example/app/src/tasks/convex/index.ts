// Convex: the task list of the deployment in `convex/`.
import { convex } from "clerk-bridge/convex";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { createElement } from "react";
import type { Service } from "../types";
import { useTasks } from "./useTasks";

export function open(url: string): Service & { client: ConvexReactClient } {
  const client = new ConvexReactClient(url);
  return {
    title: "Convex",
    client,
    backend: convex(client),
    template: undefined,
    reach: (organization) => (organization ? `Shared in ${organization}` : "Yours alone"),
    useTasks,
    Provider: ({ children }) => createElement(ConvexProvider, { client }, children),
  };
}
