// Files and folders as the page knows them.

import type { ItemRowFragment } from "./gql/graphql";

export type Item = ItemRowFragment;
export type FileItem = Extract<Item, { __typename: "File" }>;
export type FolderItem = Extract<Item, { __typename: "Folder" }>;

export function isFile(item: Item): item is FileItem {
  return item.__typename === "File";
}

export type Kind = "folder" | "image" | "video" | "audio" | "pdf" | "archive" | "sheet" | "text" | "file";

const KINDS: readonly (readonly [RegExp, Kind])[] = [
  [/^image\//, "image"],
  [/^video\//, "video"],
  [/^audio\//, "audio"],
  [/^application\/pdf/, "pdf"],
  [/zip|compressed|gzip|x-tar/, "archive"],
  [/spreadsheet|excel|csv/, "sheet"],
  [/^text\/|json|xml|javascript|word|opendocument\.text/, "text"],
];

export function kindOf(item: Item): Kind {
  if (!isFile(item)) return "folder";
  return KINDS.find(([pattern]) => pattern.test(item.contentType))?.[1] ?? "file";
}
