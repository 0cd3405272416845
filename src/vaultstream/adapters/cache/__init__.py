"""Item collections in Redis, never older than an acknowledged write."""

from vaultstream.adapters.cache.cache import Cache
from vaultstream.adapters.cache.reads import Reads

__all__ = ["Cache", "Reads"]
