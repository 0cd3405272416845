// What the peers read: the same things as the vault, a JSON document each in the same Redis, by loaders that batch.
import { readFileSync } from "node:fs";
import DataLoader from "dataloader";
import { Redis } from "ioredis";

export const [, , port, redisUrl] = process.argv;
export const redis = new Redis(redisUrl);
export const typeDefs = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");

const documents = (kind) => async (ids) => {
  const found = await redis.mget(ids.map((id) => `peer:${kind}:${id}`));
  return found.map((text) => (text === null ? null : JSON.parse(text)));
};
const KINDS = ["folder", "file", "user", "version", "comment", "share"];
export const batches = Object.fromEntries(KINDS.map((kind) => [kind, documents(kind)]));
export const loaders = () => Object.fromEntries(KINDS.map((kind) => [kind, new DataLoader(batches[kind])]));

export async function setTags({ fileId, tags }) {
  const [file] = await batches.file([fileId]);
  if (file === null) return { file: null, errors: [{ message: "There is no such file." }] };
  const changed = { ...file, tags };
  await redis.set(`peer:file:${fileId}`, JSON.stringify(changed));
  return { file: changed, errors: [] };
}

// Resolvers for servers that have DataLoaders in their context.
const edges = (items) => ({ edges: items.map((node) => ({ node })) });
export const resolvers = {
  Item: { __resolveType: (item) => item.__typename },
  Node: { __resolveType: (item) => item.__typename },
  Query: {
    folder: (_, { id }, { load }) => load.folder.load(id),
    file: (_, { id }, { load }) => load.file.load(id),
  },
  Mutation: { fileTagsSet: (_, { input }) => setTags(input) },
  Folder: {
    children: async (folder, { first }, { load }) => {
      const shown = folder.children.slice(0, first);
      const nodes = await load.file.loadMany(shown.map(({ id }) => id));
      return { edges: shown.map(({ cursor }, at) => ({ cursor, node: nodes[at] })), pageInfo: folder.pageInfo };
    },
  },
  File: {
    owner: (file, _, { load }) => load.user.load(file.ownerId),
    currentVersion: (file, _, { load }) => load.version.load(file.versionId),
    versions: async (file, { first }, { load }) => edges(await load.version.loadMany(file.versionIds.slice(0, first))),
    comments: async (file, { first }, { load }) => edges(await load.comment.loadMany(file.commentIds.slice(0, first))),
    shares: async (file, { first }, { load }) => edges(await load.share.loadMany(file.shareIds.slice(0, first))),
  },
  Comment: { author: (comment, _, { load }) => load.user.load(comment.authorId) },
  Share: { grantee: (share, _, { load }) => load.user.load(share.granteeId) },
};
