// What a Relay program asks for: the compiler reads it here, the program runs what the compiler made of it.
import { graphql } from "relay-runtime";

export const CHILDREN = graphql`
  fragment vault_children on Folder
  @argumentDefinitions(first: { type: "Int!" }, after: { type: "String" })
  @refetchable(queryName: "vaultChildrenPageQuery") {
    id
    children(first: $first, after: $after) @connection(key: "vault_children") {
      edges {
        cursor
        node {
          __typename
          id
          name
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

export const NAME = graphql`
  fragment vault_name on Item @refetchable(queryName: "vaultNameQuery") {
    id
    name
    revision
  }
`;

export const FOLDER = graphql`
  query vaultFolderQuery($id: ID!, $first: Int!) {
    folder(id: $id) {
      ...vault_name
      ...vault_children @arguments(first: $first)
    }
  }
`;

export const RENAME = graphql`
  mutation vaultRenameMutation($input: FolderRenameInput!) {
    folderRename(input: $input) {
      folder {
        ...vault_name
      }
      errors {
        code
      }
    }
  }
`;

export const TREE = graphql`
  query vaultTreeQuery($id: ID!, $ids: [ID!]!) {
    file(id: $id) {
      id
      parent {
        id
        name
      }
    }
    nodes(ids: $ids) {
      __typename
      id
      ... on Folder {
        name
      }
    }
  }
`;
