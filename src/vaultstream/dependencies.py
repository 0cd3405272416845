"""What an answer was made of: the collections it saw, each by its token, and the moment at which it changes by itself.

Whoever reads tells the recording that is under way, if any. What was read past the cache has no token, so that an
answer made of it can be told from none that is still good: it is `untraceable`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

_current: ContextVar["Dependencies | None"] = ContextVar("dependencies", default=None)


@dataclass(slots=True)
class Dependencies:
    """Filled while an answer is made. `world` is what the cache was when it was read; `until` is Unix time."""

    world: str | None = None
    tokens: dict[str, bytes] = field(default_factory=dict)
    until: float = float("inf")
    is_traceable: bool = True

    def saw(self, world: str, partition: str, token: bytes) -> None:
        """A collection was read under this token. Seen twice under different ones, it changed in between."""
        known = self.tokens.setdefault(partition, token)
        if known != token or self.world not in {None, world}:
            self.is_traceable = False
        self.world = world


@contextmanager
def recorded() -> Iterator[Dependencies]:
    """Record what is read meanwhile, also by tasks that are begun meanwhile."""
    seen = Dependencies()
    token = _current.set(seen)
    try:
        yield seen
    finally:
        _current.reset(token)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Record nothing of what is read meanwhile: whoever reads for the cache tells of it by its tokens."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def saw(world: str, partition: str, token: bytes) -> None:
    """A collection was read from the cache, or for it."""
    if (current := _current.get()) is not None:
        current.saw(world, partition, token)


def changes_at(moment: float) -> None:
    """What is being answered will be another at this Unix time."""
    if (current := _current.get()) is not None:
        current.until = min(current.until, moment)


def untraceable() -> None:
    """What is being answered depends on what has no token."""
    if (current := _current.get()) is not None:
        current.is_traceable = False
