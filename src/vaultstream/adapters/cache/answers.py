"""Whole answers of this process, each good for as long as every collection that it was made of has the same token.

The bytes stay here, and Redis is asked for the tokens each time, in one round trip: an answer is no older than one
that would be made anew. What has a moment of its own (a share that ends, an address that is signed anew) ends with it.
"""

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from vaultstream.adapters.cache.cache import Cache, token_key
from vaultstream.dependencies import Dependencies
from vaultstream.metrics import CACHE_LOOKUPS

if TYPE_CHECKING:  # an adapter is blind to the others: it is given the meters, and counts
    from vaultstream.adapters.meters import Meters

_BYTES_MAX = 64 * 2**20
_ANSWER_BYTES_MAX = 256 * 1024
_PARTITIONS_MAX = 100  # an answer of more of them costs more to prove than it is likely to save
_SECONDS_MAX = 60.0  # bounds what nobody thought of


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[_T]):
    """What was kept of an answer, and how long it may be believed."""

    content: _T
    size_bytes: int
    world: str
    until: float


class Answers(Generic[_T]):
    """The least recently used go first. A key names all that decides what its asker is told."""

    def __init__(self, cache: Cache, meters: "Meters") -> None:
        self._cache = cache
        self._meters = meters
        self._kept: OrderedDict[Hashable, Kept[_T]] = OrderedDict()
        self._bytes = 0

    def at_hand(self, key: Hashable) -> Kept[_T] | None:
        """As `find`, but None wherever that would have to wait, or had to say that there is nothing good."""
        kept, world = self._kept.get(key), self._cache.settled
        if kept is None or world is None or world.name != kept.world or time.time() >= kept.until:
            return None
        return kept

    async def find(self, key: Hashable) -> Kept[_T] | None:
        """A kept answer that is good if its tokens are still those at its keys; None where nothing is to be believed.
        Whoever looks there then says what came of it.
        """
        kept = self._kept.get(key)
        if kept is None:
            self._count("miss")
            return None
        world = await self._cache.world()
        if world is None:
            self._count("bypass")
            return None
        if world.name != kept.world or time.time() >= kept.until:
            self.stale(key)
            return None
        return kept

    def proved(self, key: Hashable, kept: Kept[_T]) -> bool:
        """Whether it was the server of its world that had the tokens; then it is as good as new."""
        if not self._cache.is_behind(kept.world):
            self.stale(key)
            return False
        self._count("hit")
        if key in self._kept:
            self._kept.move_to_end(key)
        return True

    def stale(self, key: Hashable) -> None:
        """It is not good any more."""
        self._count("stale")
        self._forget(key)

    def _forget(self, key: Hashable) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self._bytes -= kept.size_bytes

    def keep(
        self, key: Hashable, seen: Dependencies, size_bytes: int, made: Callable[[tuple[str, ...], list[bytes]], _T]
    ) -> None:
        """Keep what is `made` of the keys that prove the answer and of what they hold, if it can be told whether it is
        good.
        """
        if not seen.is_traceable or seen.world is None or size_bytes > _ANSWER_BYTES_MAX:
            return
        if len(seen.tokens) > _PARTITIONS_MAX:
            return
        life = random.uniform(_SECONDS_MAX / 2, _SECONDS_MAX)  # noqa: S311  # no secret: what was kept together ends apart
        content = made(tuple(map(token_key, seen.tokens)), list(seen.tokens.values()))
        self._forget(key)
        self._kept[key] = Kept(content, size_bytes, seen.world, min(seen.until, time.time() + life))
        self._bytes += size_bytes
        while self._bytes > _BYTES_MAX:
            self._forget(next(iter(self._kept)))

    def _count(self, outcome: str) -> None:
        self._meters.count(CACHE_LOOKUPS, "response", outcome)
