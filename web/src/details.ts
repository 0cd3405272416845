// What is asked of the vault about one file or folder.

import { graphql } from "./gql";

export const Details = graphql(`
  query Details($id: ID!) {
    node(id: $id) {
      ... on File {
        ...ItemRow
        createdAt
        scan { release { by { id displayName } } }
        thumbnail { large: url }
        currentVersion { id number sha256 createdAt createdBy { id displayName } }
      }
      ... on Folder { ...ItemRow createdAt }
    }
  }
`);

export const FileTagsSet = graphql(`
  mutation FileTagsSet($input: FileTagsSetInput!) {
    fileTagsSet(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);

export const Versions = graphql(`
  query Versions($id: ID!) {
    file(id: $id) {
      id
      versions(first: 100) {
        edges {
          node {
            id
            number
            sizeBytes
            createdAt
            label
            createdBy { id displayName }
            scan { status signature reason release { at reason } }
            storage { tier restore restoredUntil restoreExpectedAt }
          }
        }
      }
    }
  }
`);

export const VersionRestore = graphql(`
  mutation VersionRestore($input: VersionRestoreInput!) {
    versionRestore(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);

export const VersionLabel = graphql(`
  mutation VersionLabel($input: VersionLabelInput!) {
    versionLabel(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);

export const VersionDelete = graphql(`
  mutation VersionDelete($input: VersionDeleteInput!) {
    versionDelete(input: $input) { file { ...ItemRow } errors { code message path } }
  }
`);

export const Comments = graphql(`
  query Comments($id: ID!) {
    file(id: $id) {
      id
      comments(first: 100) {
        edges {
          node {
            id
            body
            createdAt
            editedAt
            revision
            resolvedAt
            deletedAt
            author { id displayName }
            mentions { id displayName }
            replyTo { id }
          }
        }
      }
    }
  }
`);

export const CommentAdded = graphql(`
  subscription CommentAdded($id: ID!) {
    commentAdded(fileId: $id) { id }
  }
`);

export const CommentAdd = graphql(`
  mutation CommentAdd($input: CommentAddInput!) {
    commentAdd(input: $input) { comment { id } errors { code message path } }
  }
`);

export const CommentEdit = graphql(`
  mutation CommentEdit($input: CommentEditInput!) {
    commentEdit(input: $input) { comment { id body editedAt revision } errors { code message path } }
  }
`);

export const CommentDelete = graphql(`
  mutation CommentDelete($input: CommentDeleteInput!) {
    commentDelete(input: $input) { comment { id deletedAt } errors { code message path } }
  }
`);

export const CommentResolve = graphql(`
  mutation CommentResolve($input: CommentResolveInput!) {
    commentResolve(input: $input) { comment { id resolvedAt } errors { code message path } }
  }
`);

export const CommentReopen = graphql(`
  mutation CommentReopen($input: CommentReopenInput!) {
    commentReopen(input: $input) { comment { id resolvedAt } errors { code message path } }
  }
`);

export const Sharing = graphql(`
  query Sharing($id: ID!) {
    node(id: $id) {
      ... on File { id shares(first: 100) { ...Shares } links(first: 100) { ...Links } }
      ... on Folder { id shares(first: 100) { ...Shares } links(first: 100) { ...Links } }
    }
  }
  fragment Shares on ShareConnection {
    edges {
      isInherited
      node { id role expiresAt revision grantee { id displayName email } }
    }
  }
  fragment Links on ShareLinkConnection {
    edges { node { id hasPassword expiresAt startsAt maxDownloads downloads viewOnly revokedAt createdAt revision } }
  }
`);

export const ActivityOf = graphql(`
  query ActivityOf($id: ID!, $after: String) {
    node(id: $id) {
      __typename
      ... on File { id history(first: 50, after: $after) { ...History } }
      ... on Folder { id history(first: 50, after: $after) { ...History } }
    }
  }
  fragment History on AuditEventConnection {
    edges { node { ...AuditDeed } }
    pageInfo { hasNextPage endCursor }
  }
`);

export const ShareGrant = graphql(`
  mutation ShareGrant($input: ShareGrantInput!) {
    shareGrant(input: $input) { share { id role } errors { code message path } }
  }
`);

export const ShareUpdate = graphql(`
  mutation ShareUpdate($input: ShareUpdateInput!) {
    shareUpdate(input: $input) { share { id role expiresAt revision } errors { code message path } }
  }
`);

export const LinkUpdate = graphql(`
  mutation LinkUpdate($input: ShareLinkUpdateInput!) {
    shareLinkUpdate(input: $input) { shareLink { id revision } errors { code message path } }
  }
`);

export const ShareRevoke = graphql(`
  mutation ShareRevoke($input: ShareRevokeInput!) {
    shareRevoke(input: $input) { share { id } errors { code message path } }
  }
`);

export const LinkCreate = graphql(`
  mutation LinkCreate($input: ShareLinkCreateInput!) {
    shareLinkCreate(input: $input) { shareLink { id } url errors { code message path } }
  }
`);

export const LinkRevoke = graphql(`
  mutation LinkRevoke($input: ShareLinkRevokeInput!) {
    shareLinkRevoke(input: $input) { shareLink { id revokedAt } errors { code message path } }
  }
`);
