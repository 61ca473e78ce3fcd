// The backends of the page, each with its client in a chunk of its own. All load at once, beside Clerk; one that cannot be
// loaded is left out and takes no other with it.
import { createContext, use } from "react";
import { addresses } from "./services";
import type { Service } from "./tasks/types";

const { convex, instant, triplit, hasura } = addresses;

/** Undefined: it has no address. */
const openers: Record<string, () => Promise<Service | undefined>> = {
  convex: async () => (convex ? (await import("./tasks/convex")).open(convex) : undefined),
  instant: async () => (instant ? (await import("./tasks/instant")).open(instant) : undefined),
  triplit: async () => {
    const url = await triplit();
    return url ? (await import("./tasks/triplit")).open(url) : undefined;
  },
  hasura: async () => (hasura ? (await import("./tasks/hasura")).open(hasura) : undefined),
};

export type Services = Readonly<Record<string, Service>>;

export const ServicesContext = createContext<Services>({});

export const useServices = () => use(ServicesContext);

async function openAll(): Promise<Services> {
  const opened = Object.entries(openers).map(async ([name, open]) => {
    try {
      return [name, await open()] as const;
    } catch (error) {
      console.error(`${name} could not be loaded.`, error);
      return [name, undefined] as const;
    }
  });
  return Object.fromEntries((await Promise.all(opened)).filter((it): it is [string, Service] => !!it[1]));
}

let opening: Promise<Services> | undefined;

/** Opened once, when first asked for. */
export const openServices = () => (opening ??= openAll());
