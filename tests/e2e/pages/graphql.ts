// Three ways to speak GraphQL behind one face: by the backend itself, with urql, with Apollo, each beside graphql-ws.
// They are set up as an application would: nothing here looks at a token, nor tells one user from the next but `leave`.
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import type { HasuraBackend } from "clerk-bridge/hasura";
import { createClient } from "graphql-ws";

export interface Face {
  ask(query: string, variables?: Record<string, unknown>): Promise<unknown>;
  /** Calls back with each result, and at the end with the reason, if there is one. */
  watch(query: string, see: (data: unknown) => void, end: (error?: unknown) => void): void;
  /** What the cache holds as the answer to a query. */
  peek?(query: string): unknown;
  /** Forgets the user who leaves: what goes into `bridge.onLeave`. */
  leave?(): unknown;
}

type Maker = (backend: HasuraBackend, url: string) => Face;

const plain: Maker = (backend) => {
  const socket = createClient(backend.graphqlWs());
  return {
    ask: (query, variables) => backend.request(query, variables),
    watch: (query, see, end) =>
      void socket.subscribe({ query }, { next: ({ data }) => see(data), error: end, complete: () => end() }),
  };
};

const urql: Maker = (backend, url) => {
  const socket = createClient(backend.graphqlWs());
  const make = () =>
    new Client({
      url,
      preferGetMethod: false,
      exchanges: [
        cacheExchange,
        authExchange(backend.urqlAuth()),
        subscriptionExchange({
          forwardSubscription: ({ query, variables }) => ({
            subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query!, variables }, sink as any) }),
          }),
        }),
        fetchExchange,
      ],
    });
  let client = make();
  return {
    async ask(query, variables = {}) {
      const kind = query.startsWith("mutation") ? "mutation" : "query";
      const { data, error } = await client[kind](query, variables).toPromise();
      if (error) throw error.networkError ?? error;
      return data;
    },
    watch: (query, see, end) =>
      void client
        .subscription(query, {})
        .subscribe(({ data, error }) => (error ? end(error.networkError ?? error) : see(data))),
    peek: (query) => client.readQuery(query, {})?.data ?? null,
    leave: () => void (client = make()),
  };
};

const apollo: Maker = (backend, uri) => {
  const socket = createClient(backend.graphqlWs());
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === "subscription",
      new GraphQLWsLink(socket),
      ApolloLink.from([new ApolloLink(backend.apolloHandler()), new HttpLink({ uri })]),
    ),
  });
  return {
    async ask(query, variables) {
      const document = gql(query);
      const { data } = query.startsWith("mutation")
        ? await client.mutate({ mutation: document, variables })
        : await client.query({ query: document, variables });
      return data;
    },
    watch: (query, see, end) =>
      void client.subscribe({ query: gql(query) }).subscribe({
        next: ({ data, error }) => (error ? end(error) : see(data)),
        error: end,
        complete: () => end(),
      }),
    peek: (query) => client.readQuery({ query: gql(query) }),
    leave: () => client.clearStore(),
  };
};

export const makers: Record<string, Maker> = { plain, urql, apollo };
