// What the page asks of the vault: every GraphQL operation it has, and how one is sent.

import { Away, persist, reach } from "./reach.js";
import { end, token } from "./signin.js";

const FILE = /* GraphQL */ `fragment Row on File {
  id name sizeBytes contentType updatedAt
  currentVersion { id } scan { status signature reason } thumbnail { status reason url(size: 128) }
  capabilities { canDownload canEdit }
}`;

export const VIEWER = /* GraphQL */ `query Viewer {
  viewer { id displayName email rootFolder { id } storage { quotaBytes leftBytes } }
}`;

export const FOLDER = /* GraphQL */ `query Folder($id: ID!, $after: String) {
  folder(id: $id) {
    id name ancestors { id name } capabilities { canEdit }
    children(first: 100, after: $after) {
      edges { node { __typename id name updatedAt ...Row } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
${FILE}`;

export const CREATE_FOLDER = /* GraphQL */ `mutation CreateFolder($input: FolderCreateInput!) {
  folderCreate(input: $input) { folder { id } errors { code message path } }
}`;

export const BEGIN_UPLOAD = /* GraphQL */ `mutation BeginUpload($input: UploadBeginInput!) {
  uploadBegin(input: $input) { upload { id url status offsetBytes } errors { code message path } }
}`;

export const ABORT_UPLOAD = /* GraphQL */ `mutation AbortUpload($input: UploadAbortInput!) {
  uploadAbort(input: $input) { errors { code message path } }
}`;

export const DOWNLOAD = /* GraphQL */ `mutation Download($input: DownloadCreateInput!) {
  downloadCreate(input: $input) { url errors { code message path } }
}`;

export const RETRY_SCAN = /* GraphQL */ `mutation RetryScan($input: ScanRetryInput!) {
  scanRetry(input: $input) { errors { code message path } }
}`;

export const RETRY_THUMBNAIL = /* GraphQL */ `mutation RetryThumbnail($input: ThumbnailRetryInput!) {
  thumbnailRetry(input: $input) { errors { code message path } }
}`;

export const STATUSES = /* GraphQL */ `subscription Statuses($folderId: ID!) {
  fileStatus(folderId: $folderId) { file { __typename ...Row } }
}
${FILE}`;

/** The vault said no; the message tells a person what to do. */
export class Refused extends Error {
  constructor({ code, message, extensions }) {
    super(message);
    this.code = code ?? extensions?.code;
  }
}

/** The data of an operation, however long the vault is away meanwhile. Throws Refused or SignedOut. */
export function ask(query, variables = {}) {
  return persist(() => send({ query, variables }));
}

/** The payload of a mutation that is safe to send again; throws Refused for its first error. */
export async function make(query, input) {
  const [payload] = Object.values(await ask(query, { input }));
  if (payload.errors.length) throw new Refused(payload.errors[0]);
  return payload;
}

async function send(operation, rejected) {
  const bearer = await token(rejected);
  const answer = await reach("/graphql", {
    method: "POST",
    headers: {
      Authorization: `Bearer ${bearer}`,
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json",
    },
    body: JSON.stringify(operation),
  });
  const { data, errors = [] } = await answer.json().catch(() => {
    throw new Away();
  });
  const code = errors[0]?.extensions?.code;
  if (code === "UNAUTHENTICATED") return rejected ? end() : send(operation, bearer);
  if (code === "UNAVAILABLE") throw new Away();
  if (errors.length) throw new Refused(errors[0]);
  return data;
}
