// What is asked of the vault about the tokens of programs.

import { graphql } from "./gql";

export const AccessTokens = graphql(`
  query AccessTokens($after: String) {
    accessTokens(first: 50, after: $after) {
      edges { node { id name scopes isBound createdAt expiresAt lastUsedAt revokedAt folder { id name } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const AccessTokenCreate = graphql(`
  mutation AccessTokenCreate($input: AccessTokenCreateInput!) {
    accessTokenCreate(input: $input) { accessToken { id } secret errors { code message path } }
  }
`);

export const AccessTokenRevoke = graphql(`
  mutation AccessTokenRevoke($input: AccessTokenRevokeInput!) {
    accessTokenRevoke(input: $input) { accessToken { id revokedAt } errors { code message path } }
  }
`);
