// The four clients of Convex behind one face: watch a query, make a call. Nothing here knows of tokens.
import { BaseConvexClient, ConvexClient, ConvexHttpClient } from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { makeFunctionReference } from "convex/server";

const mutation = (path: string) => makeFunctionReference<"mutation">(path);
const query = (path: string) => makeFunctionReference<"query">(path);

export interface Face {
  readonly client: object;
  watch(path: string, see: (value: unknown) => void): void;
  mutate(path: string, args: Record<string, unknown>): Promise<unknown>;
  query?(path: string): Promise<unknown>;
}

type Maker = (url: string, options?: object) => Face;

const react: Maker = (url, options) => {
  const client = new ConvexReactClient(url, { unsavedChangesWarning: false, ...options });
  return {
    client,
    watch(path, see) {
      const watch = client.watchQuery(query(path), {});
      watch.onUpdate(() => see(watch.localQueryResult()));
    },
    mutate: (path, args) => client.mutation(mutation(path), args),
  };
};

const convex: Maker = (url, options) => {
  const client = new ConvexClient(url, { unsavedChangesWarning: false, ...options });
  return {
    client,
    watch: (path, see) => void client.onUpdate(query(path), {}, see),
    mutate: (path, args) => client.mutation(mutation(path), args),
  };
};

const base: Maker = (url, options) => {
  const watched = new Map<string, (value: unknown) => void>();
  const look = () => watched.forEach((see, path) => see(client.localQueryResult(path, {})));
  const client: BaseConvexClient = new BaseConvexClient(url, look, { unsavedChangesWarning: false, ...options });
  return {
    client,
    watch(path, see) {
      watched.set(path, see);
      client.subscribe(path, {});
    },
    mutate: (path, args) => client.mutation(path, args as any),
  };
};

const http: Maker = (url, options) => {
  const client = new ConvexHttpClient(url, options);
  return {
    client,
    watch: () => {},
    mutate: (path, args) => client.mutation(mutation(path), args),
    query: (path) => client.query(query(path), {}),
  };
};

export const makers: Record<string, Maker> = { react, convex, base, http };
