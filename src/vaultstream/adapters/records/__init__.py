"""The one DynamoDB table: nouns in, nouns out, and one conditional transaction for every change."""

from vaultstream.adapters.records.records import Records

__all__ = ["Records"]
