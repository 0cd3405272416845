// GraphQL's live answers by server-sent events, one request for each watch: for where sockets do not pass.

import { Away, become, persist } from "./reach";
import { token } from "./signin";

export interface Payload {
  readonly query: string;
  readonly variables: object;
}

export interface Listener {
  next(answer: { data?: Record<string, unknown> | null }): void;
  error(reason: unknown): void;
  complete(): void;
}

let refusedToken: string | undefined;

/** Hears of every answer until the stream ends; gives the way to end it. */
export function follow(payload: Payload, listener: Listener): () => void {
  const ending = new AbortController();
  heard(payload, listener, ending.signal).then(
    () => listener.complete(),
    (reason: unknown) => listener.error(reason),
  );
  return () => ending.abort();
}

async function heard(payload: Payload, listener: Listener, signal: AbortSignal): Promise<void> {
  const bearer = await persist(() => token(refusedToken));
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { Accept: "text/event-stream", "Content-Type": "application/json", Authorization: `Bearer ${bearer}` },
    body: JSON.stringify(payload),
    signal,
  });
  refusedToken = answer.status === 401 ? bearer : undefined;
  if (!answer.ok || !answer.body) throw new Away();
  become("here");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^event: next\ndata: (.*)$/.exec(event)?.[1];
      if (data) listener.next(JSON.parse(data));
    }
  }
}
