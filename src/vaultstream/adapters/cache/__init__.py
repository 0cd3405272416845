"""Item collections in Redis and whole answers beside them, never older than an acknowledged write."""

from vaultstream.adapters.cache.answers import Answers
from vaultstream.adapters.cache.cache import Cache
from vaultstream.adapters.cache.foresight import Foresight
from vaultstream.adapters.cache.reads import Reads

__all__ = ["Answers", "Cache", "Foresight", "Reads"]
