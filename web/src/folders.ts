// Folders by name, and whole folders on their way in.

import { graphql } from "./gql";
import { isFile, type Item } from "./items";
import { FolderCreate } from "./operations";
import { Refused, ask, make, newKey } from "./vault";

const Named = graphql(`
  query Named($id: ID!, $prefix: String!, $after: String) {
    folder(id: $id) {
      id
      children(first: 100, after: $after, where: { namePrefix: $prefix }) {
        edges { node { ...ItemRow } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

/** The id of the file of this name in a folder; null where there is none. */
export async function fileNamed(folderId: string, name: string): Promise<string | null> {
  const item = await named(folderId, name);
  return item && isFile(item) ? item.id : null;
}

/** The folder of this name in another: the one that is there, or a new one. Throws Refused. */
export async function folderNamed(parentId: string, name: string): Promise<string> {
  try {
    const { folder } = await make(FolderCreate, { input: { parentId, name, idempotencyKey: newKey() } });
    return folder?.id ?? parentId;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "NAME_TAKEN") throw error;
    const item = await named(parentId, name);
    if (!item || isFile(item)) throw error;
    return item.id;
  }
}

async function named(folderId: string, name: string): Promise<Item | null> {
  const wanted = name.toLocaleLowerCase();
  for (let after: string | null = null; ; ) {
    const { folder }: { folder?: Awaited<ReturnType<typeof page>>["folder"] } = await page(folderId, name, after);
    const found = folder?.children.edges.find(({ node }) => node.name.toLocaleLowerCase() === wanted)?.node;
    if (found || !folder?.children.pageInfo.hasNextPage) return found ?? null;
    after = folder.children.pageInfo.endCursor ?? null;
  }
}

function page(id: string, prefix: string, after: string | null) {
  return ask(Named, { id, prefix, after });
}

/** Brings all that was dropped, folders with what is in them; `bring` gets each file and the folder it goes to. */
export async function unpack(
  dropped: readonly FileSystemEntry[],
  folderId: string,
  bring: (file: File, folderId: string) => void,
): Promise<void> {
  for (const entry of dropped) {
    if (isFileEntry(entry)) bring(await new Promise<File>((yes, no) => entry.file(yes, no)), folderId);
    else if (isFolderEntry(entry)) await unpack(await all(entry), await folderNamed(folderId, entry.name), bring);
  }
}

function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolderEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

async function all(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((yes, no) => reader.readEntries(yes, no));
    if (some.length === 0) return found;
    found.push(...some);
  }
}

/** Brings files that were chosen as a whole folder, each with its path in it. */
export async function bringTree(
  files: readonly File[],
  folderId: string,
  bring: (file: File, folderId: string) => void,
): Promise<void> {
  const known = new Map<string, Promise<string>>([["", Promise.resolve(folderId)]]);
  const place = (path: string): Promise<string> => {
    const there = known.get(path);
    if (there) return there;
    const cut = path.lastIndexOf("/");
    const made = place(cut < 0 ? "" : path.slice(0, cut)).then((above) => folderNamed(above, path.slice(cut + 1)));
    known.set(path, made);
    return made;
  };
  for (const file of files) {
    const path = file.webkitRelativePath;
    bring(file, await place(path.slice(0, Math.max(0, path.lastIndexOf("/")))));
  }
}
