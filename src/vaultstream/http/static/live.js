// What changes while one looks: graphql-transport-ws over one socket that mends itself.

import { pause, persist, reach } from "./reach.js";
import { SignedOut, token } from "./signin.js";

const PING_MS = 15_000;
const SILENT_MS = 40_000; // a socket that says nothing for so long is dead, whatever the browser thinks
const watches = new Map();
let socket = null;
let count = 0;

/** Calls `next` with the data of every event until the function it gives is called. */
export function watch(query, variables, next) {
  const id = String((count += 1));
  watches.set(id, { query, variables, next });
  subscribe(id);
  return () => {
    watches.delete(id);
    say({ type: "complete", id });
  };
}

/** Keeps a socket for as long as somebody is signed in; `again` is called after each time it was down. */
export async function keep(again) {
  let rejected;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const bearer = await persist(() => token(rejected));
      const { wasOpen, code } = await talk(bearer, attempt > 0 && again);
      rejected = code === 4401 ? bearer : undefined;
      if (wasOpen) attempt = 0;
      await pause(attempt);
      if (wasOpen) continue;
      await persist(() => reach("/health"));
      again(); // where sockets never open, each try is at least a look
    } catch (error) {
      if (error instanceof SignedOut) return;
      throw error;
    }
  }
}

function talk(bearer, again) {
  return new Promise((resolve) => {
    const mine = new WebSocket(`${location.origin.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    let heardAt = Date.now();
    let wasOpen = false;
    const finish = (code) => {
      clearInterval(beat);
      if (socket === mine) socket = null;
      mine.close();
      resolve({ wasOpen, code });
    };
    const beat = setInterval(() => {
      if (Date.now() - heardAt > SILENT_MS) finish();
      else if (wasOpen) mine.send('{"type":"ping"}');
    }, PING_MS);
    mine.onopen = () => {
      mine.send(JSON.stringify({ type: "connection_init", payload: { Authorization: `Bearer ${bearer}` } }));
    };
    mine.onclose = ({ code }) => finish(code);
    mine.onmessage = ({ data }) => {
      heardAt = Date.now();
      const message = JSON.parse(data);
      if (message.type === "connection_ack") {
        wasOpen = true;
        socket = mine;
        for (const id of watches.keys()) subscribe(id);
        if (again) again();
      } else hear(message);
    };
  });
}

function hear({ type, id, payload }) {
  if (type === "ping") say({ type: "pong" });
  const watching = watches.get(id);
  if (!watching) return;
  if (type === "next" && payload.data) watching.next(payload.data);
  // A watch that the vault ends, it may give again: what is gone for good is found out by the next look at it.
  if (type === "error" || type === "complete") pause(3).then(() => subscribe(id));
}

function subscribe(id) {
  const watching = watches.get(id);
  if (watching) say({ type: "subscribe", id, payload: { query: watching.query, variables: watching.variables } });
}

function say(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}
