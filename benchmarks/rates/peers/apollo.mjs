// Apollo Server with its response cache in Redis.
import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginCacheControl } from "@apollo/server/plugin/cacheControl";
import responseCache from "@apollo/server-plugin-response-cache";
import { startStandaloneServer } from "@apollo/server/standalone";
import { KeyvAdapter } from "@apollo/utils.keyvadapter";
import KeyvRedis from "@keyv/redis";
import Keyv from "keyv";
import { loaders, port, redisUrl, resolvers, typeDefs } from "./data.mjs";

const cache = new KeyvAdapter(new Keyv(new KeyvRedis(redisUrl)));
const server = new ApolloServer({
  typeDefs,
  resolvers,
  cache,
  includeStacktraceInErrorResponses: false,
  plugins: [ApolloServerPluginCacheControl({ defaultMaxAge: 600 }), responseCache({ cache })],
});
await startStandaloneServer(server, {
  listen: { port: Number(port), host: "127.0.0.1" },
  context: async () => ({ load: loaders() }),
});
