// Mercurius as its documentation has it fastest: compiled queries (jit) and its own loaders.
import Fastify from "fastify";
import mercurius from "mercurius";
import { batches, port, resolvers, typeDefs } from "./data.mjs";

const by = (kind, key) => async (queries) => batches[kind](queries.map(({ obj }) => obj[key]));
const listed = (kind, keys) => async (queries) => {
  const wanted = queries.map(({ obj, params }) => obj[keys].slice(0, params.first));
  const found = await batches[kind](wanted.flat());
  let at = 0;
  return wanted.map((ids) => ({ edges: ids.map(() => ({ node: found[at++] })) }));
};
const children = async (queries) => {
  const wanted = queries.map(({ obj, params }) => obj.children.slice(0, params.first));
  const found = await batches.file(wanted.flat().map(({ id }) => id));
  let at = 0;
  return wanted.map((shown, number) => ({
    edges: shown.map(({ cursor }) => ({ cursor, node: found[at++] })),
    pageInfo: queries[number].obj.pageInfo,
  }));
};

const app = Fastify();
app.register(mercurius, {
  schema: typeDefs,
  jit: 1,
  resolvers: {
    Query: {
      folder: async (_, { id }) => (await batches.folder([id]))[0],
      file: async (_, { id }) => (await batches.file([id]))[0],
    },
    Mutation: resolvers.Mutation,
    Item: { resolveType: (item) => item.__typename },
    Node: { resolveType: (item) => item.__typename },
  },
  loaders: {
    Folder: { children },
    File: {
      owner: by("user", "ownerId"),
      currentVersion: by("version", "versionId"),
      versions: listed("version", "versionIds"),
      comments: listed("comment", "commentIds"),
      shares: listed("share", "shareIds"),
    },
    Comment: { author: by("user", "authorId") },
    Share: { grantee: by("user", "granteeId") },
  },
});
await app.listen({ port: Number(port), host: "127.0.0.1" });
