// Asks every operation of the contract once, as its documents were typed; prints the names of those that it asked.
import assert from "node:assert/strict";
import { Asker, asked, done } from "./asking.js";
import * as gql from "./gql/graphql.js";

interface World {
  url: string;
  alice: string;
  bob: string;
  folder_id: string;
  file_id: string;
}

const world = JSON.parse(process.argv[2] ?? "") as World;
const alice = new Asker(world.url, world.alice);
const bob = new Asker(world.url, world.bob);
const guest = new Asker(world.url);
const inFolder = world.folder_id;

async function newFolder(name: string): Promise<gql.ItemCoreFragment> {
  const made = (await alice.ask(gql.FolderCreateDocument, { input: { parentId: inFolder, name } })).folderCreate;
  return done(made, made.folder);
}

async function folders(): Promise<void> {
  const made = await newFolder("first");
  const taken = (await alice.ask(gql.FolderCreateDocument, { input: { parentId: inFolder, name: "First" } })).folderCreate;
  assert.equal(taken.folder, null);
  const problem = taken.errors[0];
  assert.ok(problem?.__typename === "ConflictError" && problem.code === "NAME_TAKEN");
  const input = { folderId: made.id, name: "renamed", ifVersion: made.revision };
  const renamed = (await alice.ask(gql.FolderRenameDocument, { input })).folderRename;
  assert.equal(done(renamed, renamed.folder).name, "renamed");
  const stale = (await alice.ask(gql.FolderRenameDocument, { input })).folderRename;
  assert.deepEqual(stale.errors.map((error) => error.code), ["STALE"]);
  const other = await newFolder("other");
  const moved = (await alice.ask(gql.FolderMoveDocument, { input: { folderId: made.id, parentId: other.id } })).folderMove;
  assert.equal(done(moved, moved.folder).parent?.id, other.id);
  const trashed = (await alice.ask(gql.FolderTrashDocument, { input: { folderId: other.id } })).folderTrash;
  assert.notEqual(done(trashed, trashed.folder).trashedAt, null);
  const inTrash = (await alice.ask(gql.TrashDocument, { first: 10 })).trash.edges.map(({ node }) => node.id);
  assert.ok(inTrash.includes(other.id));
  const back = (await alice.ask(gql.FolderRestoreDocument, { input: { folderId: other.id } })).folderRestore;
  assert.equal(back.place, "ORIGINAL" satisfies gql.RestorePlace);
  await alice.ask(gql.FolderTrashDocument, { input: { folderId: other.id } });
  const gone = (await alice.ask(gql.FolderPurgeDocument, { input: { folderId: other.id } })).folderPurge;
  assert.equal(done(gone, gone.folderId), other.id);
}

async function pages(): Promise<void> {
  const { viewer } = await alice.ask(gql.ViewerDocument, {});
  assert.equal(viewer.email, "alice@example.com");
  const taken = viewer.storage;
  assert.ok(taken);
  const { leftBytes, liveBytes, reservedBytes, trashBytes, versionBytes } = taken;
  assert.equal(leftBytes + liveBytes + reservedBytes + trashBytes + versionBytes, taken.quotaBytes);
  for (const name of ["a", "b", "c"]) await newFolder(`page ${name}`);
  const names: string[] = [];
  let after: string | null = null;
  do {
    const variables: gql.FolderPageQueryVariables = { id: inFolder, first: 2, after, where: { kind: "FOLDER" } };
    const page: gql.FolderPageQuery = await alice.ask(gql.FolderPageDocument, variables);
    const children = page.folder?.children;
    assert.ok(children && page.folder?.capabilities.canShare);
    names.push(...children.edges.map(({ node }) => node.name));
    after = children.pageInfo.hasNextPage ? (children.pageInfo.endCursor ?? null) : null;
  } while (after !== null);
  assert.deepEqual(names, [...names].sort());
  assert.ok(names.length >= 3);
  const { node, nodes } = await alice.ask(gql.NodesDocument, { id: inFolder, ids: [world.file_id, "nothing"] });
  assert.equal(node?.__typename, "Folder");
  assert.deepEqual(nodes, [{ __typename: "File", id: world.file_id }, null]);
}

async function files(): Promise<void> {
  const { file } = await alice.ask(gql.FileDetailsDocument, { id: world.file_id });
  assert.deepEqual(file?.versions.edges.map(({ node }) => node.number), [2, 1]);
  assert.equal(file.scan.status, "CLEAN" satisfies gql.ScanStatus);
  const copied = (await alice.ask(gql.FileCopyDocument, { input: { fileId: file.id, parentId: inFolder, name: "copy.txt" } })).fileCopy;
  const copy = done(copied, copied.file);
  const renamed = (await alice.ask(gql.FileRenameDocument, { input: { fileId: copy.id, name: "other.txt" } })).fileRename;
  assert.equal(done(renamed, renamed.file).name, "other.txt");
  const target = await newFolder("for files");
  const moved = (await alice.ask(gql.FileMoveDocument, { input: { fileId: copy.id, parentId: target.id } })).fileMove;
  assert.equal(done(moved, moved.file).parent?.id, target.id);
  const tagged = (await alice.ask(gql.FileTagsSetDocument, { input: { fileId: copy.id, tags: ["Red", "blue"] } })).fileTagsSet;
  assert.deepEqual(done(tagged, tagged.file).tags.slice().sort(), ["blue", "red"]);
  const link = (await alice.ask(gql.DownloadCreateDocument, { input: { fileId: file.id } })).downloadCreate;
  assert.equal(await (await fetch(new URL(done(link, link.url)))).text(), "second words");
  await alice.ask(gql.FileTrashDocument, { input: { fileId: copy.id } });
  const back = (await alice.ask(gql.FileRestoreDocument, { input: { fileId: copy.id, onConflict: "KEEP_BOTH" } })).fileRestore;
  assert.equal(back.place, "ORIGINAL");
  await alice.ask(gql.FileTrashDocument, { input: { fileId: copy.id } });
  const gone = (await alice.ask(gql.FilePurgeDocument, { input: { fileId: copy.id } })).filePurge;
  assert.equal(done(gone, gone.fileId), copy.id);
  const recent = (await alice.ask(gql.RecentDocument, { first: 5 })).recent.edges;
  assert.ok(recent.every(({ node }) => node.id !== copy.id));
  for (const retried of [
    (await alice.ask(gql.ScanRetryDocument, { input: { fileId: "file_none" } })).scanRetry,
    (await alice.ask(gql.ThumbnailRetryDocument, { input: { fileId: "file_none" } })).thumbnailRetry,
  ]) {
    assert.deepEqual([retried.file, retried.errors[0]?.code], [null, "NOT_FOUND"]);
  }
}

async function versions(): Promise<void> {
  const fileId = world.file_id;
  const labelled = (await alice.ask(gql.VersionLabelDocument, { input: { fileId, versionNumber: 2, label: "good" } })).versionLabel;
  assert.equal(done(labelled, labelled.file).currentVersion.label, "good");
  const restored = (await alice.ask(gql.VersionRestoreDocument, { input: { fileId, versionNumber: 1 } })).versionRestore;
  assert.equal(done(restored, restored.file).currentVersion.number, 3);
  const deleted = (await alice.ask(gql.VersionDeleteDocument, { input: { fileId, versionNumber: 1 } })).versionDelete;
  assert.equal(done(deleted, deleted.file).currentVersion.number, 3);
}

async function uploads(): Promise<void> {
  const input: gql.UploadBeginInput = { folderId: inFolder, name: "up.txt", sizeBytes: 5, contentType: "text/plain" };
  const begun = (await alice.ask(gql.UploadBeginDocument, { input })).uploadBegin;
  const upload = done(begun, begun.upload);
  assert.equal(upload.status, "RECEIVING");
  const end = async () => {
    const aborted = (await alice.ask(gql.UploadAbortDocument, { input: { uploadId: upload.id } })).uploadAbort;
    assert.equal(done(aborted, aborted.upload).status, "ABORTED");
  };
  const seen = await alice.watch(gql.WatchUploadDocument, { uploadId: upload.id }, 2, end);
  assert.deepEqual(seen.map(({ uploadProgress }) => uploadProgress.status), ["RECEIVING", "ABORTED"]);
}

async function sharesAndLinks(): Promise<void> {
  const shared = await newFolder("shared");
  const given = (await alice.ask(gql.ShareGrantDocument, { input: { itemId: shared.id, email: "bob@example.com", role: "VIEWER" } })).shareGrant;
  const share = done(given, given.share);
  const updated = (await alice.ask(gql.ShareUpdateDocument, { input: { shareId: share.id, role: "EDITOR" } })).shareUpdate;
  assert.equal(done(updated, updated.share).role, "EDITOR");
  const { folder } = await alice.ask(gql.SharesDocument, { id: shared.id });
  assert.deepEqual(folder?.shares.edges.map(({ node, isInherited }) => [node.id, isInherited]), [[share.id, false]]);
  const withBob = await bob.ask(gql.SharedWithMeDocument, { first: 20 });
  assert.ok(withBob.sharedWithMe.edges.length <= 20);
  const { access } = await alice.ask(gql.AccessDocument, { itemId: shared.id, userId: share.grantee.id });
  assert.deepEqual(access?.deeds.find(({ deed }) => deed === "EDIT")?.allowed, true);
  const revoked = (await alice.ask(gql.ShareRevokeDocument, { input: { shareId: share.id } })).shareRevoke;
  assert.deepEqual(revoked.errors, []);
  const made = (await alice.ask(gql.ShareLinkCreateDocument, { input: { itemId: inFolder } })).shareLinkCreate;
  const link = done(made, made.shareLink);
  const behind = await guest.ask(gql.BehindLinkDocument, { token: done(made, made.token) });
  assert.ok(behind.shareLink?.children?.edges.some(({ node }) => node.name === "report.txt"));
  const links = await alice.ask(gql.LinksDocument, { id: inFolder });
  assert.ok(links.folder?.links.edges.some(({ node }) => node.id === link.id));
  const narrowed = (await alice.ask(gql.ShareLinkUpdateDocument, { input: { shareLinkId: link.id, maxDownloads: 1 } })).shareLinkUpdate;
  assert.deepEqual([done(narrowed, narrowed.shareLink).maxDownloads, narrowed.shareLink?.hasPassword], [1, false]);
  const ended = (await alice.ask(gql.ShareLinkRevokeDocument, { input: { shareLinkId: link.id } })).shareLinkRevoke;
  assert.notEqual(done(ended, ended.shareLink).revokedAt, null);
  assert.equal((await guest.ask(gql.BehindLinkDocument, { token: done(made, made.token) })).shareLink, null);
}

async function comments(): Promise<void> {
  const fileId = world.file_id;
  const added = (await alice.ask(gql.CommentAddDocument, { input: { fileId, body: "one" } })).commentAdd;
  const first = done(added, added.comment);
  const edited = (await alice.ask(gql.CommentEditDocument, { input: { commentId: first.id, body: "two" } })).commentEdit;
  assert.equal(done(edited, edited.comment).body, "two");
  const settled = (await alice.ask(gql.CommentResolveDocument, { input: { commentId: first.id } })).commentResolve;
  assert.notEqual(done(settled, settled.comment).resolvedAt, null);
  const open = (await alice.ask(gql.CommentReopenDocument, { input: { commentId: first.id } })).commentReopen;
  assert.equal(done(open, open.comment).resolvedAt, null);
  const say = () => alice.ask(gql.CommentAddDocument, { input: { fileId, body: "three", replyToId: first.id } });
  const seen = await alice.watch(gql.WatchCommentsDocument, { fileId }, 2, say);
  assert.deepEqual(seen.map(({ commentAdded }) => commentAdded.body), ["two", "three"]);
  const { file } = await alice.ask(gql.CommentsDocument, { id: fileId, first: 10 });
  assert.deepEqual(file?.comments.edges.map(({ node }) => node.replyTo?.id), [undefined, first.id]);
  const deleted = (await alice.ask(gql.CommentDeleteDocument, { input: { commentId: first.id } })).commentDelete;
  assert.equal(done(deleted, deleted.comment).body, "");
}

async function programs(): Promise<void> {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const input: gql.AccessTokenCreateInput = { name: "tour", scopes: ["READ"], folderId: inFolder, expiresAt };
  const made = (await alice.ask(gql.AccessTokenCreateDocument, { input })).accessTokenCreate;
  const program = new Asker(world.url, done(made, made.secret));
  const { folder } = await program.ask(gql.FolderPageDocument, { id: inFolder, first: 1 });
  assert.deepEqual([folder?.capabilities.canRead, folder?.capabilities.canEdit], [true, false]);
  const { accessTokens, rateLimit } = await alice.ask(gql.AccessTokensDocument, { first: 1 });
  assert.equal(accessTokens.edges[0]?.node.id, done(made, made.accessToken).id);
  assert.ok(rateLimit.remaining <= rateLimit.limit);
  const revoke = { input: { accessTokenId: done(made, made.accessToken).id } };
  const ended = (await alice.ask(gql.AccessTokenRevokeDocument, revoke)).accessTokenRevoke;
  assert.notEqual(done(ended, ended.accessToken).revokedAt, null);
  await assert.rejects(program.ask(gql.ViewerDocument, {}), /UNAUTHENTICATED/);
  const { search } = await alice.ask(gql.SearchDocument, { text: "report", first: 5, where: { kind: "FILE" } });
  assert.ok(search.edges.every(({ node }) => node.name.includes("report")));
  const zipped = (await alice.ask(gql.ZipCreateDocument, { input: { itemIds: [inFolder] } })).zipCreate;
  const zip = new Uint8Array(await (await fetch(new URL(done(zipped, zipped.url)))).arrayBuffer());
  assert.deepEqual([...zip.slice(0, 2)], [...Buffer.from("PK")]);
}

async function watching(): Promise<void> {
  const seen = await alice.watch(gql.WatchFolderDocument, { folderId: inFolder }, 2, () => newFolder("while watching"));
  assert.deepEqual(seen.map(({ folderChanged }) => folderChanged.kind), ["PRESENT", "ADDED"]);
  const [now] = await alice.watch(gql.WatchFileDocument, { fileId: world.file_id }, 1, async () => undefined);
  assert.equal(now?.fileStatus.file.id, world.file_id);
}

async function keeping(): Promise<void> {
  const fileId = world.file_id;
  const { storageCost: cost } = await alice.ask(gql.StorageCostDocument, { itemId: fileId, months: 12 });
  assert.deepEqual([cost.fileCount, cost.isWhole], [1, true]);
  assert.ok(cost.life.costLines.some(({ line }) => line === ("REQUESTS" satisfies gql.CostLine)));
  const restored = (await alice.ask(gql.StorageRestoreDocument, { input: { fileId } })).storageRestore;
  assert.deepEqual([restored.version, restored.errors[0]?.code], [null, "CONFLICT"]);
  const input = { fileId, reason: "it is ours" };
  const released = (await alice.ask(gql.QuarantineReleaseDocument, { input })).quarantineRelease;
  assert.deepEqual([released.file, released.errors[0]?.code], [null, "CONFLICT"]);
  const hastened = (await alice.ask(gql.ThumbnailHastenDocument, { input: { fileId } })).thumbnailHasten;
  assert.equal(done(hastened, hastened.file).id, fileId);
}

async function auditing(): Promise<void> {
  const page = await alice.ask(gql.AuditEventsDocument, { first: 5, where: { decision: "ALLOWED" } });
  assert.ok(page.auditEvents.edges.every(({ node }) => node.decision === "ALLOWED"));
  const { exposure } = await alice.ask(gql.ExposureDocument, { fileId: world.file_id });
  assert.ok(exposure && exposure.readers.length <= 100);
  const past = { itemId: world.file_id, since: "2020-01-01T00:00:00Z" };
  const { exposureReport } = await alice.ask(gql.ExposureReportDocument, past);
  assert.ok(exposureReport?.couldRead.some(({ way }) => way === ("OWNER" satisfies gql.ExposureWay)));
  await assert.rejects(bob.ask(gql.AuditEventsDocument, { first: 5 }), /FORBIDDEN/);
}

for (const part of [folders, pages, files, keeping, versions, uploads, sharesAndLinks, comments, programs, watching, auditing]) await part();
console.log(JSON.stringify([...asked]));
