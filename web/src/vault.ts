// The way to the vault: one GraphQL client with a normalised cache, and one socket for all that is watched.

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { createClient as createSocket } from "graphql-ws";
import { createClient, fetchExchange, subscriptionExchange } from "urql";

import { cacheOptions } from "./cache";
import { become, pause, persist, reach } from "./reach";
import { SignedOut, end, hasSockets, onRenewal, token } from "./signin";
import { follow } from "./stream";

export interface UserError {
  readonly code: string;
  readonly message: string;
  readonly path?: readonly string[] | null;
}

/** The vault said no; the message tells a person what to do. */
export class Refused extends Error {
  readonly code: string;
  readonly path: readonly string[];

  constructor({ code, message, path }: UserError) {
    super(message);
    this.code = code;
    this.path = path ?? [];
  }
}

/** `fetch` with a token that lasts, however long the vault is away meanwhile. Throws SignedOut. */
export const faithfully: typeof fetch = (url, options) =>
  persist(async () => {
    let rejected: string | undefined;
    for (;;) {
      const bearer = await token(rejected);
      const headers = new Headers(options?.headers);
      headers.set("Authorization", `Bearer ${bearer}`);
      const answer = await reach(url, { ...options, headers });
      if (answer.status !== 401) return answer;
      if (rejected) end();
      rejected = bearer;
    }
  });

let refusedToken: string | undefined;
const socket = createSocket({
  url: () => `${location.origin.replace("http", "ws")}/graphql`,
  connectionParams: async () => {
    const bearer = await persist(() => token(refusedToken));
    return { Authorization: `Bearer ${bearer}` };
  },
  keepAlive: 15_000,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: async (retries) => {
    await pause(retries);
    await persist(() => reach("/health")); // where sockets never open, this still tells whether the vault is back
  },
  on: {
    connected: () => become("here"),
    closed: (event) => {
      refusedToken = undefined;
      if (event instanceof CloseEvent && event.code === 4401) token().then((now) => (refusedToken = now), () => {});
    },
  },
});
onRenewal(() => socket.terminate()); // it comes back at once, and every watch with it, under the new token

export const client = createClient({
  url: "/graphql",
  preferGetMethod: false,
  requestPolicy: "cache-and-network",
  fetch: faithfully,
  exchanges: [
    cacheExchange(cacheOptions),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = "", variables }) => ({
        subscribe: (sink) => ({ unsubscribe: keepWatching({ query, variables }, sink.next) }),
      }),
    }),
  ],
});

type Sink = (value: { data?: Record<string, unknown> }) => void;

/** A watch that the vault or the line ends is begun again: what is gone for good is found out by the next look. */
function keepWatching(operation: { query: string; variables?: object }, next: Sink): () => void {
  let stop = () => {};
  let isOver = false;
  const payload = { query: operation.query, variables: { ...operation.variables } };
  const listen = async () => ((await hasSockets()) ? socket.subscribe.bind(socket) : follow);
  const begin = (attempt: number) => {
    const again = () => {
      if (!isOver) void pause(attempt + 2).then(() => !isOver && begin(Math.min(attempt + 1, 4)));
    };
    void listen().then((subscribe) => {
      if (isOver) return;
      stop = subscribe(payload, {
        next: ({ data }: { data?: Record<string, unknown> | null }) => data && next({ data }),
        error: again,
        complete: again,
      });
    }, again);
  };
  begin(0);
  return () => {
    isOver = true;
    stop();
  };
}

/** The data of a query as the vault has it now. Throws Refused or SignedOut. */
export async function ask<Data, Variables extends object>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { data, error } = await client.query(query, variables, { requestPolicy: "network-only" }).toPromise();
  return whole(data, error);
}

type Answer = Record<string, { readonly errors: readonly UserError[] }>;
type Payload<Data> = Exclude<Data[keyof Data], string | undefined>;

/** What a mutation gave; throws Refused for the first of its errors. It is sent again after a cut: give it a key. */
export async function make<Data extends object, Variables extends object>(
  mutation: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Payload<Data>> {
  const { data, error } = await client.mutation(mutation, variables).toPromise();
  const given = Object.entries(whole(data, error)).find(([name]) => name !== "__typename")?.[1] as Payload<Data>;
  const [first] = (given as Answer[string]).errors;
  if (first) throw new Refused(first);
  return given;
}

interface Failure {
  readonly networkError?: Error;
  readonly graphQLErrors: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

function whole<Data>(data: Data | undefined, error: Failure | undefined): Data {
  if (error?.networkError instanceof SignedOut) throw error.networkError;
  const [first] = error?.graphQLErrors ?? [];
  if (first) throw new Refused({ code: String(first.extensions["code"]), message: first.message });
  if (error || !data) throw error?.networkError ?? new Error("There was no answer.");
  return data;
}

/** A key by which the vault knows a mutation that it is sent twice. */
export function newKey(): string {
  return crypto.randomUUID();
}
