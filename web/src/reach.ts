// Whether the vault can be reached, and when to try again. Everything that waits for it waits here.

const BUSY = new Set([502, 503, 504]);
const ANSWER_MS = 30_000;
const sleepers = new Set<() => void>();
const listeners = new Set<() => void>();

export type Reach = "here" | "away" | "ended"; // ended: the sign-in is over
let state: Reach = "here";

/** No answer, or one that says: later. `isBusy` where it is there and asks for patience. */
export class Away extends Error {
  constructor(readonly isBusy = false) {
    super("The vault does not answer.");
  }
}

export function reachState(): Reach {
  return state;
}

/** Calls `listener` whenever the state changes; gives the way to stop that. */
export function onReach(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Moves to a state; an ended sign-in stays ended until the page is loaded anew. */
export function become(next: Reach): void {
  if (state === next || state === "ended") return;
  state = next;
  for (const listener of listeners) listener();
  if (state === "here") wake();
}

/** `fetch`, with a time limit, that throws Away for all that is worth another try. */
export async function reach(url: RequestInfo | URL, options: RequestInit = {}): Promise<Response> {
  const limit = AbortSignal.timeout(ANSWER_MS);
  const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
  let answer: Response;
  try {
    answer = await fetch(url, { ...options, cache: "no-store", signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Away();
  }
  if (BUSY.has(answer.status)) throw new Away();
  if (answer.status === 429 && answer.headers.has("Retry-After")) throw new Away(true);
  return answer;
}

/** What `send` gives, once it gives anything: it is called again for as long as it throws Away. */
export async function persist<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const result = await send();
      become("here");
      return result;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      if (!error.isBusy) become("away");
      await pause(attempt);
    }
  }
}

/** Waits longer from one attempt to the next, never at the same pace as others; being back ends it. */
export function pause(attempt: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      sleepers.delete(done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(15_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2));
    sleepers.add(done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

function wake(): void {
  for (const done of [...sleepers]) done();
}

addEventListener("online", wake);
