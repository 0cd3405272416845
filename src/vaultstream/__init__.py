"""VaultStream: an encrypted file vault with a typed GraphQL API."""
