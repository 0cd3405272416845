// What is asked of the vault to show files and folders.

import { graphql } from "./gql";

export const ItemRow = graphql(`
  fragment ItemRow on Item {
    __typename
    id
    name
    updatedAt
    trashedAt
    revision
    parent { id }
    owner { id displayName }
    capabilities { canDownload canComment canEdit canShare canDelete }
    ... on File {
      sizeBytes
      contentType
      tags
      currentVersion { id number }
      scan { status signature reason release { at reason } }
      thumbnail { status reason url(size: 256) }
      storage { tier restore restoredUntil restoreExpectedAt }
    }
  }
`);

export const Viewer = graphql(`
  query Viewer {
    viewer {
      id
      displayName
      email
      isAuditor
      rootFolder { id }
      storage { quotaBytes leftBytes liveBytes versionBytes trashBytes reservedBytes }
    }
  }
`);

export const FolderHead = graphql(`
  query FolderHead($id: ID!) {
    folder(id: $id) {
      id
      name
      owner { id displayName }
      ancestors { id name }
      capabilities { canDownload canEdit canShare }
    }
  }
`);

export const FolderPage = graphql(`
  query FolderPage($id: ID!, $after: String, $where: ItemWhere, $orderBy: ItemOrder) {
    folder(id: $id) {
      id
      children(first: 100, after: $after, where: $where, orderBy: $orderBy) {
        edges { node { ...ItemRow } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`);

export const SearchPage = graphql(`
  query SearchPage($text: String!, $after: String, $where: ItemWhere, $orderBy: ItemOrder) {
    search(text: $text, first: 50, after: $after, where: $where, orderBy: $orderBy) {
      edges { node { ...ItemRow } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const RecentPage = graphql(`
  query RecentPage($after: String) {
    recent(first: 50, after: $after) {
      edges { node { ...ItemRow } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const SharedPage = graphql(`
  query SharedPage($after: String) {
    sharedWithMe(first: 50, after: $after) {
      edges { node { id role expiresAt item { ...ItemRow } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const TrashPage = graphql(`
  query TrashPage($after: String) {
    trash(first: 50, after: $after) {
      edges { node { ...ItemRow } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const FolderChanges = graphql(`
  subscription FolderChanges($folderId: ID!) {
    folderChanged(folderId: $folderId) {
      kind
      item { ...ItemRow }
    }
  }
`);

export const FolderCreate = graphql(`
  mutation FolderCreate($input: FolderCreateInput!) {
    folderCreate(input: $input) { folder { ...ItemRow } errors { code message path } }
  }
`);

export const DownloadCreate = graphql(`
  mutation DownloadCreate($input: DownloadCreateInput!) {
    downloadCreate(input: $input) { url errors { code message path } }
  }
`);

export const ZipCreate = graphql(`
  mutation ZipCreate($input: ZipCreateInput!) {
    zipCreate(input: $input) { url errors { code message path } }
  }
`);

export const ScanRetry = graphql(`
  mutation ScanRetry($input: ScanRetryInput!) {
    scanRetry(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);

export const ThumbnailRetry = graphql(`
  mutation ThumbnailRetry($input: ThumbnailRetryInput!) {
    thumbnailRetry(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);

export const UploadBegin = graphql(`
  mutation UploadBegin($input: UploadBeginInput!) {
    uploadBegin(input: $input) { upload { id url status offsetBytes } errors { code message path } }
  }
`);

export const UploadAbort = graphql(`
  mutation UploadAbort($input: UploadAbortInput!) {
    uploadAbort(input: $input) { upload { id status } errors { code message path } }
  }
`);
