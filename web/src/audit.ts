// What the audit log says, and how it is told: deeds in words, people and things by the names that one may know.

import { save } from "./deeds";
import { graphql } from "./gql";
import type { AuditDeedFragment } from "./gql/graphql";
import { parsed, textField } from "./json";
import { Refused, ask, faithfully } from "./vault";
import { say } from "./words";

export type Deed = AuditDeedFragment & { readonly who: string; readonly what: string };

export const AuditDeed = graphql(`
  fragment AuditDeed on AuditEvent {
    id
    seq
    at
    action
    actor
    itemId
    versionNumber
    decision
    reason
    details
  }
`);

export const AuditEvents = graphql(`
  query AuditEvents($after: String, $where: AuditWhere) {
    auditEvents(first: 50, after: $after, where: $where) {
      edges { node { ...AuditDeed ip agent requestId hash } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const AuditCheckpoint = graphql(`
  query AuditCheckpoint {
    auditCheckpoint { seq at line publicKey }
  }
`);

export const ExposureReport = graphql(`
  query ExposureReport($itemId: ID!, $since: DateTime!, $until: DateTime) {
    exposureReport(itemId: $itemId, since: $since, until: $until) {
      completeSince
      completeUntil
      isTruncated
      couldRead { actor way role viewOnly since until user { id displayName } }
      didRead { actor kind times firstAt lastAt user { id displayName } }
    }
  }
`);

const Names = graphql(`
  query Names($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      id
      ... on User { displayName }
      ... on Item { name }
    }
  }
`);

/** A page of events, each with who did it and what it was done to, as far as `me` may know. */
export async function named<Node extends AuditDeedFragment, Rest extends { readonly edges: readonly { node: Node }[] }>(
  me: string,
  page: Rest,
): Promise<Omit<Rest, "edges"> & { edges: { node: Node & Deed }[] }> {
  const nodes = page.edges.map(({ node }) => node);
  const ids = [...new Set(nodes.flatMap(({ actor, itemId }) => [actor, itemId ?? ""]))].filter((id) => NAMED.test(id));
  const { nodes: found } = ids.length ? await ask(Names, { ids }) : { nodes: [] };
  const names = new Map(
    found.flatMap((it) => {
      if (it?.__typename === "User") return [[it.id, it.displayName]];
      return it?.__typename === "File" || it?.__typename === "Folder" ? [[it.id, it.name]] : [];
    }),
  );
  const whoOf = (actor: string) => (actor === me ? say.you : (names.get(actor) ?? actorOf(actor)));
  const edges = nodes.map((node) => ({
    node: { ...node, who: whoOf(node.actor), what: names.get(node.itemId ?? "") ?? node.itemId ?? "" },
  }));
  return { ...page, edges };
}

const NAMED = /^(user|file|folder)_/;

export function actorOf(actor: string): string {
  if (actor.startsWith("worker:") || actor === "operator") return say.theVault;
  return actor.startsWith("link_") ? say.byLink : say.somebody;
}

export function deedOf(action: string): string {
  return Object.entries(say.deeds).find(([name]) => name === action)?.[1] ?? action;
}

/** What it was before, and what it is since; "" where a deed is no such change. */
export function change({ details }: Deed): string {
  const known = parsed(details);
  const [before, after] = [textField(known, "before"), textField(known, "after")];
  return before && after && before !== after ? say.changed(before, after) : "";
}

/** Whether a checkpoint was signed by this key: ECDSA on P-256 over the very text that its line holds. */
export async function isSigned({ line, publicKey }: { line: string; publicKey: string }): Promise<boolean> {
  const [, text = "", signature = ""] = /^\{"checkpoint":(\{.*\}),"signature":"([\w+/=]*)"\}$/.exec(line.trim()) ?? [];
  const spki = bytesOf(publicKey.replaceAll(/-----[^-]*-----|\s/g, ""));
  const key = await crypto.subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  const digest = { name: "ECDSA", hash: "SHA-256" };
  return crypto.subtle.verify(digest, key, plainOf(bytesOf(signature)), new TextEncoder().encode(text));
}

export type Form = "ndjson" | "csv";

const NEWLINE = 10;

/** The log as a file of the reader's; `onPart` hears how much of it is there, in percent. */
export async function exported(form: Form, onPart: (percent: number) => void): Promise<void> {
  const answer = await faithfully(`/audit/export?format=${form}`);
  if (!answer.ok || !answer.body) {
    throw new Refused({ code: "", message: textField(parsed(await answer.text()), "detail") ?? say.wentWrong });
  }
  const until = Number(answer.headers.get("X-Audit-Until"));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let rows = 0;
  const reader = answer.body.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    parts.push(step.value);
    rows += step.value.reduce((count, byte) => count + Number(byte === NEWLINE), 0);
    onPart(Math.min(100, Math.round((100 * rows) / Math.max(1, until))));
  }
  const url = URL.createObjectURL(new Blob(parts, { type: answer.headers.get("Content-Type") ?? "" }));
  save(url, `audit-${until}.${form}`);
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // when the browser has it
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

/** A signature as browsers take it, two numbers of 32 bytes, from one in DER. */
function plainOf(der: Uint8Array): Uint8Array<ArrayBuffer> {
  const plain = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const stop = at + 2 + (der[at + 1] ?? 0);
    const number = der.subarray(Math.max(at + 2, stop - 32), stop); // without the zero that keeps it positive
    plain.set(number, end - number.length);
    at = stop;
  }
  return plain;
}
