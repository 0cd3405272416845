// GraphQL Yoga with its response cache in Redis.
import { createServer } from "node:http";
import { createRedisCache } from "@envelop/response-cache-redis";
import { useResponseCache } from "@graphql-yoga/plugin-response-cache";
import { createSchema, createYoga } from "graphql-yoga";
import { loaders, port, redis, resolvers, typeDefs } from "./data.mjs";

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: () => ({ load: loaders() }),
  logging: false,
  graphiql: false,
  plugins: [useResponseCache({ session: () => null, ttl: 600_000, cache: createRedisCache({ redis }) })],
});
createServer(yoga).listen(Number(port), "127.0.0.1");
