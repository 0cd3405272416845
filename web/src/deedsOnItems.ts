// What is done to files and folders, one or many: each has its own outcome, and what can be taken back can be.

import { tell, toasts, messageOf } from "./deeds";
import { graphql } from "./gql";
import { type Item, isFile } from "./items";
import { another } from "./names";
import { Refused, make, newKey } from "./vault";
import { say } from "./words";

const COPIES_MAX = 50; // more of one name is nothing that somebody means

const FileRename = graphql(`
  mutation FileRename($input: FileRenameInput!) {
    fileRename(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);
const FolderRename = graphql(`
  mutation FolderRename($input: FolderRenameInput!) {
    folderRename(input: $input) { folder { ...ItemRow } errors { code message path } }
  }
`);
const FileMove = graphql(`
  mutation FileMove($input: FileMoveInput!) {
    fileMove(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);
const FolderMove = graphql(`
  mutation FolderMove($input: FolderMoveInput!) {
    folderMove(input: $input) { folder { ...ItemRow } errors { code message path } }
  }
`);
const FileCopy = graphql(`
  mutation FileCopy($input: FileCopyInput!) {
    fileCopy(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);
const FileTrash = graphql(`
  mutation FileTrash($input: FileTrashInput!) {
    fileTrash(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);
const FolderTrash = graphql(`
  mutation FolderTrash($input: FolderTrashInput!) {
    folderTrash(input: $input) { folder { ...ItemRow } errors { code message path } }
  }
`);
const FileRestore = graphql(`
  mutation FileRestore($input: FileRestoreInput!) {
    fileRestore(input: $input) { file { ...ItemRow } place errors { code message path } }
  }
`);
const FolderRestore = graphql(`
  mutation FolderRestore($input: FolderRestoreInput!) {
    folderRestore(input: $input) { folder { ...ItemRow } place errors { code message path } }
  }
`);
const FilePurge = graphql(`
  mutation FilePurge($input: FilePurgeInput!) {
    filePurge(input: $input) { fileId errors { code message path } }
  }
`);
const FolderPurge = graphql(`
  mutation FolderPurge($input: FolderPurgeInput!) {
    folderPurge(input: $input) { folderId errors { code message path } }
  }
`);

export function rename(item: Item, name: string) {
  return isFile(item)
    ? make(FileRename, { input: { fileId: item.id, name, ifVersion: item.revision } })
    : make(FolderRename, { input: { folderId: item.id, name, ifVersion: item.revision } });
}

function move(item: Item, parentId: string) {
  return isFile(item)
    ? make(FileMove, { input: { fileId: item.id, parentId } })
    : make(FolderMove, { input: { folderId: item.id, parentId } });
}

/** Another of the same, beside it: under the first of its numbered names that is free. Throws Refused. */
export async function copy(item: Item, changed: (gone: readonly Item[]) => void): Promise<void> {
  const parentId = item.parent?.id ?? "";
  for (let name = another(item.name), tries = 1; ; name = another(name), tries++) {
    try {
      await make(FileCopy, { input: { fileId: item.id, parentId, name, idempotencyKey: newKey() } });
    } catch (error) {
      if (!(error instanceof Refused && error.code === "NAME_TAKEN") || tries === COPIES_MAX) throw error;
      continue;
    }
    changed([]);
    return tell(say.copiedAs(name));
  }
}

function trash(item: Item) {
  return isFile(item)
    ? make(FileTrash, { input: { fileId: item.id } })
    : make(FolderTrash, { input: { folderId: item.id } });
}

function restore(item: Item) {
  return isFile(item)
    ? make(FileRestore, { input: { fileId: item.id } })
    : make(FolderRestore, { input: { folderId: item.id } });
}

function purge(item: Item) {
  return isFile(item)
    ? make(FilePurge, { input: { fileId: item.id } })
    : make(FolderPurge, { input: { folderId: item.id } });
}

/** Those to which it could be done; each of the others is told of with the reason. */
async function each(items: readonly Item[], act: (item: Item) => Promise<unknown>): Promise<Item[]> {
  const done: Item[] = [];
  for (const item of items) {
    try {
      await act(item);
      done.push(item);
    } catch (error) {
      const title = `${item.name}: ${messageOf(error)}`;
      toasts.add({ title, type: "error", priority: "high", timeout: 12_000 });
    }
  }
  return done;
}

export async function trashAll(items: readonly Item[], changed: (gone: readonly Item[]) => void): Promise<void> {
  const done = await each(items, trash);
  changed(done);
  const undo = () => void each(done, restore).then(() => changed([]));
  if (done.length) tell(say.trashed(done.length), { label: say.undo, run: undo });
}

export async function moveAll(
  items: readonly Item[],
  parentId: string,
  changed: (gone: readonly Item[]) => void,
): Promise<void> {
  const done = await each(items, (item) => move(item, parentId));
  changed(done);
  const back = (item: Item) => (item.parent ? move(item, item.parent.id) : Promise.resolve());
  const undo = () => void each(done, back).then(() => changed([]));
  if (done.length) tell(say.moved(done.length), { label: say.undo, run: undo });
}

export async function restoreAll(items: readonly Item[], changed: (gone: readonly Item[]) => void): Promise<void> {
  const done = await each(items, restore);
  changed(done);
  if (done.length) tell(say.restored(done.length));
}

export async function purgeAll(items: readonly Item[], changed: (gone: readonly Item[]) => void): Promise<void> {
  const done = await each(items, purge);
  changed(done);
  if (done.length) tell(say.purged(done.length));
}
