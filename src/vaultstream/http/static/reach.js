// Whether the vault can be reached, and when to try again. Everything that waits for it waits here.

const BUSY = new Set([429, 502, 503, 504]);
const ANSWER_MS = 30_000;
const sleepers = new Set();
const listeners = new Set();
let state = "here"; // or "away", or "ended": the sign-in is over

/** No answer, or one that says: later. */
export class Away extends Error {}

/** Tells `listener` the state, now and whenever it changes. */
export function onState(listener) {
  listeners.add(listener);
  listener(state);
}

/** Moves to a state; an ended sign-in stays ended until the page is loaded anew. */
export function become(next) {
  if (state === next || state === "ended") return;
  state = next;
  for (const listener of listeners) listener(state);
  if (state === "here") wake();
}

/** `fetch`, with a time limit, that throws Away for all that is worth another try. */
export async function reach(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { ...options, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    throw new Away();
  }
  if (BUSY.has(answer.status)) throw new Away();
  return answer;
}

/** What `send` gives, once it gives anything: it is called again for as long as it throws Away. */
export async function persist(send) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const result = await send();
      become("here");
      return result;
    } catch (error) {
      if (!(error instanceof Away)) throw error;
      become("away");
      await pause(attempt);
    }
  }
}

/** Waits longer from one attempt to the next, never at the same pace as others; being back online ends it. */
export function pause(attempt, signal) {
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

function wake() {
  for (const done of [...sleepers]) done();
}

addEventListener("online", wake);
