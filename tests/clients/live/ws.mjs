// Follows subscriptions over one socket: ws.mjs {"url", "token", "subscriptions": {name: {query, variables}}}
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const told = JSON.parse(process.argv[2]);
const client = createClient({
  url: told.url.replace("http", "ws"),
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${told.token}` },
});
const say = (line) => console.log(JSON.stringify(line));

async function follow(name, request) {
  try {
    for await (const { data, errors } of client.iterate(request)) {
      say({ name, data, ended: errors?.[0].extensions.code });
    }
  } catch (errors) {
    say({ name, ended: errors[0].extensions.code });
  }
}

await Promise.all(Object.entries(told.subscriptions).map(([name, request]) => follow(name, request)));
await client.dispose();
