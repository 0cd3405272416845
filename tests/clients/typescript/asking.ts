// Asks the vault with typed documents: what comes back has the type that the document has.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import type { TypedDocumentString } from "./gql/graphql.js";

export const asked = new Set<string>();

export class Asker {
  constructor(
    private readonly url: string,
    private readonly token?: string,
  ) {}

  async ask<Result, Variables>(document: TypedDocumentString<Result, Variables>, variables: Variables): Promise<Result> {
    asked.add(nameOf(document));
    const headers = new Headers({ "Content-Type": "application/json", Accept: "application/graphql-response+json" });
    if (this.token !== undefined) headers.set("Authorization", `Bearer ${this.token}`);
    const response = await fetch(this.url, {
      method: "POST",
      headers,
      body: JSON.stringify({ query: document.toString(), variables }),
    });
    const answer = (await response.json()) as { data?: Result; errors?: unknown[] };
    if (answer.data === undefined || answer.errors !== undefined) throw new Error(JSON.stringify(answer));
    return answer.data;
  }

  /** The first `count` results of a subscription; `meanwhile` is done as soon as the first one is there. */
  async watch<Result, Variables extends Record<string, unknown>>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
    count: number,
    meanwhile: () => Promise<unknown>,
  ): Promise<Result[]> {
    asked.add(nameOf(document));
    const client = createClient({
      url: this.url.replace("http", "ws"),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.token}` },
    });
    const seen: Result[] = [];
    for await (const result of client.iterate<Result>({ query: document.toString(), variables })) {
      if (!result.data) throw new Error(JSON.stringify(result));
      seen.push(result.data);
      if (seen.length === 1) await meanwhile();
      if (seen.length === count) break;
    }
    await client.dispose();
    return seen;
  }
}

function nameOf(document: { toString(): string }): string {
  const name = /(?:query|mutation|subscription) (\w+)/.exec(document.toString())?.[1];
  if (name === undefined) throw new Error("an operation without a name");
  return name;
}

/** The object that a mutation made or changed; throws where it answered with errors. */
export function done<Noun>(payload: { errors: ReadonlyArray<{ message: string }> }, noun: Noun): NonNullable<Noun> {
  if (payload.errors.length > 0 || noun === null || noun === undefined) throw new Error(JSON.stringify(payload.errors));
  return noun;
}
