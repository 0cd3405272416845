// Which lists there are: what a folder holds, what is found, what is recent or shared.

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { useEffect, useMemo, useSyncExternalStore } from "react";

import type { ItemOrder, ItemWhere } from "./gql/graphql";
import { type Item, isFile } from "./items";
import { type Listed, Listing, type Page, type Reader } from "./listing";
import { FolderChanges, FolderPage, RecentPage, SearchPage, SharedPage, TrashPage } from "./operations";
import { Refused, client } from "./vault";

export interface Connection<Node> {
  readonly edges: readonly { readonly node: Node }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor?: string | null };
}

/** A folder that is not there, or no longer for this person to see. */
export class Lost extends Error {}

export interface Source {
  readonly key: string;
  readonly folderId: string | null;
  readonly reader: Reader;
  readonly orderBy: ItemOrder;
  readonly where: ItemWhere | null;
  readonly isTrash?: boolean;
}

function readerOf<Data, Variables extends object>(
  query: TypedDocumentNode<Data, Variables>,
  variables: (after: string | null) => Variables,
  page: (data: Data) => Page | null,
): Reader {
  return (after, isKnown, tell) => {
    const requestPolicy = isKnown ? "cache-first" : "cache-and-network";
    const answers = client.query(query, variables(after), { requestPolicy });
    return answers.subscribe(({ data, error }) => {
      const [first] = error?.graphQLErrors ?? [];
      if (first) tell(new Refused({ code: String(first.extensions["code"]), message: first.message }));
      else if (data) tell(page(data) ?? new Lost());
    }).unsubscribe;
  };
}

function paged<Node>(connection: Connection<Node>, of: (node: Node) => Item | null): Page {
  const { hasNextPage, endCursor = null } = connection.pageInfo;
  const nodes = connection.edges.map(({ node }) => of(node)).filter((item) => item !== null);
  return { nodes, hasNextPage, endCursor };
}

const itself = (item: Item): Item => item;
const BY_NAME: ItemOrder = { field: "NAME", direction: "ASC" };

export function folderSource(id: string, where: ItemWhere | null, orderBy: ItemOrder): Source {
  const isPlain = orderBy.field === "NAME" && orderBy.direction === "ASC";
  const reader = readerOf(
    FolderPage,
    (after) => ({ id, after, where, orderBy: isPlain ? null : orderBy }),
    ({ folder }) => folder && paged(folder.children, itself),
  );
  return { key: JSON.stringify(["folder", id, where, orderBy]), folderId: id, reader, orderBy, where };
}

export function searchSource(text: string, where: ItemWhere | null): Source {
  const reader = readerOf(
    SearchPage,
    (after) => ({ text, after, where, orderBy: null }),
    ({ search }) => paged(search, itself),
  );
  return { key: JSON.stringify(["search", text, where]), folderId: null, reader, orderBy: BY_NAME, where };
}

export function recentSource(): Source {
  const reader = readerOf(RecentPage, (after) => ({ after }), ({ recent }) => paged(recent, itself));
  return { key: "recent", folderId: null, reader, orderBy: { field: "UPDATED", direction: "DESC" }, where: null };
}

export function sharedSource(): Source {
  const reader = readerOf(
    SharedPage,
    (after) => ({ after }),
    ({ sharedWithMe }) => paged(sharedWithMe, ({ item }) => item ?? null),
  );
  return { key: "shared", folderId: null, reader, orderBy: BY_NAME, where: null };
}

export function trashSource(): Source {
  const reader = readerOf(TrashPage, (after) => ({ after }), ({ trash }) => paged(trash, itself));
  return { key: "trash", folderId: null, reader, orderBy: BY_NAME, where: null, isTrash: true };
}

const names = new Intl.Collator(undefined, { sensitivity: "base" });

export function standsBefore({ field, direction }: ItemOrder): (one: Item, other: Item) => boolean {
  const sign = direction === "DESC" ? -1 : 1;
  return (one, other) => {
    const by = { NAME: 0, SIZE: sizeOf(one) - sizeOf(other), UPDATED: one.updatedAt < other.updatedAt ? -1 : 1 }[field];
    return (by || names.compare(one.name, other.name)) * sign < 0;
  };
}

function sizeOf(item: Item): number {
  return isFile(item) ? item.sizeBytes : 0;
}

/** Whether a new item is one of those that the filter of the page asks for. */
function fits(item: Item, where: ItemWhere | null): boolean {
  const { kind, contentTypePrefix, scanStatus } = where ?? {};
  if (kind && (kind === "FILE") !== isFile(item)) return false;
  if (contentTypePrefix && !(isFile(item) && item.contentType.startsWith(contentTypePrefix))) return false;
  return !scanStatus || (isFile(item) && item.scan.status === scanStatus);
}

export interface Shown extends Listed {
  readonly listing: Listing;
}

/** The list of a source, followed for as long as it is shown. */
export function useListing(source: Source): Shown {
  const listing = useMemo(() => {
    const { reader, orderBy, folderId, where, isTrash = false } = source;
    const isHere = ({ parent }: Item) => !folderId || !parent || parent.id === folderId;
    const keeps = (item: Item) => Boolean(item.trashedAt) === isTrash && isHere(item) && fits(item, where);
    return new Listing(reader, standsBefore(orderBy), keeps);
  }, [source.key]);
  const listed = useSyncExternalStore(listing.subscribe, listing.snapshot);
  useEffect(() => () => listing.stop(), [listing]);
  useEffect(() => (source.folderId ? follow(source.folderId, listing) : undefined), [listing, source.folderId]);
  return { ...listed, listing };
}

function follow(folderId: string, listing: Listing): () => void {
  let isFirst = true;
  return client.subscription(FolderChanges, { folderId }).subscribe(({ data }) => {
    if (!data) return;
    const { kind, item } = data.folderChanged;
    if (kind === "PRESENT" && !isFirst) listing.again(); // the watch was down for a while
    if (kind === "ADDED" || kind === "CHANGED") listing.put(item);
    if (kind === "REMOVED") listing.remove(item.id);
    isFirst = false;
  }).unsubscribe;
}
