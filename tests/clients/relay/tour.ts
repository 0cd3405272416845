// What a Relay program does: pages that grow in the store, fragments fetched again by their node's id, changes merged.
import assert from "node:assert/strict";
import {
  commitMutation,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  getPaginationMetadata,
  getRefetchMetadata,
  getRequest,
  getSelector,
  Network,
  RecordSource,
  Store,
} from "relay-runtime";
import type { GraphQLResponse, GraphQLTaggedNode, OperationType, Variables } from "relay-runtime";
import CHILDREN, { type vault_children$data } from "./__generated__/vault_children.graphql";
import NAME, { type vault_name$data } from "./__generated__/vault_name.graphql";
import FOLDER, { type vaultFolderQuery } from "./__generated__/vaultFolderQuery.graphql";
import RENAME, { type vaultRenameMutation } from "./__generated__/vaultRenameMutation.graphql";
import TREE, { type vaultTreeQuery } from "./__generated__/vaultTreeQuery.graphql";

interface World {
  url: string;
  alice: string;
  folder_id: string;
  file_id: string;
}

const world = JSON.parse(process.argv[2] ?? "") as World;

async function ask(request: { text?: string | null }, variables: Variables): Promise<GraphQLResponse> {
  const response = await fetch(world.url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json",
      Authorization: `Bearer ${world.alice}`,
    },
    body: JSON.stringify({ query: request.text, variables }),
  });
  return (await response.json()) as GraphQLResponse;
}

const environment = new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });

/** Fetch an operation into the store; what its fragments read is kept. */
async function fetched<Operation extends OperationType>(query: GraphQLTaggedNode, variables: Operation["variables"]) {
  environment.retain(createOperationDescriptor(getRequest(query), variables));
  const data = await fetchQuery<Operation>(environment, query, variables).toPromise();
  assert.ok(data);
  return data as Operation["response"];
}

/** What a fragment reads of a record that is in the store, all of it. */
function read<Data>(fragment: GraphQLTaggedNode, reference: unknown): Data {
  const selector = getSelector(fragment as never, reference);
  assert.ok(selector?.kind === "SingularReaderSelector");
  const snapshot = environment.lookup(selector);
  assert.equal(snapshot.isMissingData, false);
  return snapshot.data as unknown as Data;
}

async function folderOf(id: string) {
  const { folder } = await fetched<vaultFolderQuery>(FOLDER, { id, first: 2 });
  assert.ok(folder);
  return folder;
}

async function pages(): Promise<void> {
  const folder = await folderOf(world.folder_id);
  const request = getPaginationMetadata(CHILDREN as never, "the tour").paginationRequest;
  const lengths: number[] = [];
  for (;;) {
    const { children } = read<vault_children$data>(CHILDREN, folder);
    lengths.push(children.edges.length);
    if (!children.pageInfo.hasNextPage) break;
    await fetched(request, { id: world.folder_id, first: 2, after: children.pageInfo.endCursor });
  }
  assert.deepEqual(lengths, [2, 4, 5]);
  const ids = read<vault_children$data>(CHILDREN, folder).children.edges.map(({ node }) => node.id);
  assert.equal(new Set(ids).size, 5);
  assert.ok(ids.includes(world.file_id));
}

async function refetching(): Promise<void> {
  const folder = await folderOf(world.folder_id);
  const before = read<vault_name$data>(NAME, folder);
  const { identifierInfo, refetchableRequest } = getRefetchMetadata(NAME as never, "the tour");
  assert.equal(identifierInfo?.identifierField, "id");
  const elsewhere = await ask(
    { text: "mutation ($input: FolderRenameInput!) { folderRename(input: $input) { errors { code } } }" },
    { input: { folderId: world.folder_id, name: "renamed elsewhere" } },
  );
  assert.deepEqual(elsewhere, { ...elsewhere, data: { folderRename: { errors: [] } } });
  assert.deepEqual(read<vault_name$data>(NAME, folder), before);
  await fetched(refetchableRequest, { id: world.folder_id });
  const after = read<vault_name$data>(NAME, folder);
  assert.deepEqual([after.id, after.name, after.revision], [before.id, "renamed elsewhere", before.revision + 1]);
}

async function merging(): Promise<void> {
  const folder = await folderOf(world.folder_id);
  const input = { folderId: world.folder_id, name: "renamed here" };
  const answer = await new Promise<vaultRenameMutation["response"]>((resolve, reject) => {
    const variables = { input };
    commitMutation<vaultRenameMutation>(environment, { mutation: RENAME, variables, onCompleted: resolve, onError: reject });
  });
  assert.deepEqual(answer.folderRename.errors, []);
  assert.equal(read<vault_name$data>(NAME, folder).name, "renamed here");
}

/** One record for one id, by whatever way it is reached. */
async function identity(): Promise<void> {
  const ids = [world.folder_id, world.file_id];
  const { file, nodes } = await fetched<vaultTreeQuery>(TREE, { id: world.file_id, ids });
  assert.equal(file?.parent?.id, world.folder_id);
  assert.deepEqual(nodes.map((node) => node?.id), ids);
  const source = environment.getStore().getSource();
  assert.ok(source.has(world.folder_id) && source.has(world.file_id));
  assert.equal(source.get(world.folder_id)?.["__typename"], "Folder");
}

async function main(): Promise<void> {
  for (const part of [pages, refetching, merging, identity]) await part();
  console.log(JSON.stringify("done"));
}

void main();
