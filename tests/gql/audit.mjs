// Runs the audits of npm `graphql-http` against a URL and prints their results as JSON.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { serverAudits } = require("graphql-http");
const [url, token] = process.argv.slice(2);

function fetchFn(input, init = {}) {
  const headers = { Authorization: `Bearer ${token}`, ...init.headers };
  return fetch(input, { ...init, headers });
}

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason = null } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
