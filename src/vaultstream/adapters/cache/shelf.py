"""What this process made of cached reads: good again for as long as the partition has the token it was read under.

Redis is asked for the token each time, so that nothing here is older than what an entry would give; what is saved is
to fetch, open and take apart the entry.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

_BYTES_MAX = 16 * 2**20
_OWN_BYTES = 512  # what the smallest value takes at least
SECONDS_MAX = 60.0  # bounds what nobody thought of


@dataclass(frozen=True, slots=True)
class Made:
    """A value that nobody can change, the world and token it was read under, and the Unix time at which it may be
    another by itself.
    """

    value: Any  # Any: whatever the reader makes of its items
    world: str
    token: bytes
    until: float


@dataclass(frozen=True, slots=True)
class _Kept:
    made: Made
    size_bytes: int
    ends_at: float


class Shelf:
    """The least recently used go first. A key names what was read, and what was made of it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self.size_bytes = 0

    def find(self, key: Hashable, world: str, now: float) -> Made | None:
        """What was made, if it is of this world and has not run out; its token is for the asker to compare."""
        kept = self._kept.get(key)
        if kept is None or kept.made.world != world or now >= kept.ends_at:
            return None
        self._kept.move_to_end(key)
        return kept.made

    def keep(self, key: Hashable, made: Made, now: float, *, entry_bytes: int) -> None:
        """Keep what was made of an entry of so many bytes."""
        self.drop(key)
        kept = _Kept(made, entry_bytes + _OWN_BYTES, min(made.until, now + SECONDS_MAX))
        self._kept[key] = kept
        self.size_bytes += kept.size_bytes
        while self.size_bytes > _BYTES_MAX:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Hashable) -> None:
        """Let go of it."""
        if (kept := self._kept.pop(key, None)) is not None:
            self.size_bytes -= kept.size_bytes
