"use strict";

const part = (id) => document.getElementById(id);
const token = part("token"), query = part("query"), variables = part("variables");
const answer = part("answer"), state = part("status"), types = part("type"), fields = part("fields");
let running = null;

// The token stays in this tab only, and goes when it is closed.
token.value = sessionStorage.getItem("vaultstream.token") ?? "";
token.addEventListener("change", () => {
  sessionStorage.setItem("vaultstream.token", token.value);
  loadSchema();
});

function ask(body, accept, signal) {
  return fetch(location.pathname, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: accept, Authorization: `Bearer ${token.value.trim()}` },
    body: JSON.stringify(body),
    signal,
  });
}

const pretty = (value) => JSON.stringify(value, null, 2);

async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  part("stop").disabled = false;
  answer.textContent = "";
  const began = performance.now();
  try {
    const body = { query: query.value, variables: JSON.parse(variables.value || "{}") };
    const response = await ask(body, "application/graphql-response+json, text/event-stream;q=0.9", mine.signal);
    if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) await follow(response);
    else answer.textContent = pretty(await response.json());
    state.textContent = `${response.status}, ${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    if (error.name !== "AbortError") state.textContent = String(error);
  } finally {
    if (running === mine) part("stop").disabled = true;
  }
}

// Every `next` event is an answer of its own; the newest stands on top.
async function follow(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", count = 0; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (text + value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.match(/^data: (.*)$/m)?.[1];
      if (!event.startsWith("event: next") || !data) continue;
      state.textContent = `${++count} so far`;
      answer.textContent = `${pretty(JSON.parse(data))}\n\n${answer.textContent}`;
    }
  }
}

const INTROSPECTION = `{ __schema { types { name kind description
  fields { name description type { ...T } args { name type { ...T } } }
  inputFields { name description type { ...T } }
  enumValues { name description } } } }
fragment T on __Type { name kind ofType { name kind ofType { name kind ofType { name } } } }`;

function typeName(type) {
  if (type.kind === "NON_NULL") return `${typeName(type.ofType)}!`;
  return type.kind === "LIST" ? `[${typeName(type.ofType)}]` : type.name;
}

async function loadSchema() {
  if (!token.value) return;
  const response = await ask({ query: INTROSPECTION }, "application/graphql-response+json");
  const found = (await response.json()).data?.__schema.types.filter((type) => !type.name.startsWith("__")) ?? [];
  types.replaceChildren(...found.map((type) => new Option(type.name)));
  types.onchange = () => show(found.find((type) => type.name === types.value));
  types.value = "Query";
  types.onchange();
}

function show(type) {
  const entries = type?.fields ?? type?.inputFields ?? type?.enumValues ?? [];
  fields.replaceChildren(
    ...entries.flatMap((entry) => {
      const term = document.createElement("dt");
      const args = entry.args?.length ? `(${entry.args.map((arg) => `${arg.name}: ${typeName(arg.type)}`).join(", ")})` : "";
      term.textContent = entry.name + args + (entry.type ? `: ${typeName(entry.type)}` : "");
      const words = document.createElement("dd");
      words.textContent = entry.description ?? "";
      return [term, words];
    }),
  );
}

part("run").addEventListener("click", run);
part("stop").addEventListener("click", () => running?.abort());
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
});
loadSchema();
