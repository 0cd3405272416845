// Follows subscriptions, each over a stream of its own: sse.mjs {"url", "token", "subscriptions": {name: {query, variables}}}
import { createClient } from "graphql-sse";

const told = JSON.parse(process.argv[2]);
const client = createClient({ url: told.url, headers: { Authorization: `Bearer ${told.token}` } });
const say = (line) => console.log(JSON.stringify(line));

async function follow(name, request) {
  for await (const { data, errors } of client.iterate(request)) {
    say({ name, data, ended: errors?.[0].extensions.code });
  }
}

await Promise.all(Object.entries(told.subscriptions).map(([name, request]) => follow(name, request)));
client.dispose();
