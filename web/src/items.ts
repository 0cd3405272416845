// Files and folders as the page knows them.

import type { ItemRowFragment } from "./gql/graphql";

export type Item = ItemRowFragment;
export type FileItem = Extract<Item, { __typename: "File" }>;
export type FolderItem = Extract<Item, { __typename: "Folder" }>;

export function isFile(item: Item): item is FileItem {
  return item.__typename === "File";
}

/** What decides whether the contents of a file or of one of its versions can be had. */
export type Contents = Pick<FileItem, "scan" | "storage">;

/** Whether the scan lets them out; what is released was let out by somebody. */
export function isSafe({ scan }: Contents): boolean {
  return scan.status === "CLEAN" || (scan.status === "UNSCANNABLE" && Boolean(scan.release));
}

export function isReadable(contents: Contents): boolean {
  const { restore } = contents.storage;
  return isSafe(contents) && (restore === "NOT_NEEDED" || restore === "RESTORED");
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
