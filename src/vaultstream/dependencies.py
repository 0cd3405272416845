"""What an answer was made of: the collections it saw, each by its token, and the moment at which it changes by itself.

Whoever reads tells the recording that is under way, if any. What was read past the cache has no token, so that an
answer made of it can be told from none that is still good: it is `untraceable`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


class NotAtHand(Exception):  # no failure: whoever asks so goes on to wait
    """Raised to who will not wait, where something would have to be read."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Tokens of collections, by partition, that were read after an answer was begun, and before all else for it."""

    world: str
    tokens: Mapping[str, bytes | None]


_current: ContextVar["Dependencies | None"] = ContextVar("dependencies", default=None)


@dataclass(slots=True)
class Dependencies:
    """Filled while an answer is made. `world` is what the cache was when it was read; `until` is Unix time."""

    world: str | None = None
    tokens: dict[str, bytes] = field(default_factory=dict)
    until: float = float("inf")
    is_traceable: bool = True
    foreseen: Foreseen | None = None
    has_read: bool = False
    is_waiting: bool = True  # for what is not at hand

    def foresee(self, told: Foreseen) -> None:
        """Keep what was told, unless it comes too late."""
        if not self.has_read:
            self.foreseen = told

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
    """What is being answered depends on what has no token, and is read now."""
    read_now()
    if (current := _current.get()) is not None:
        current.is_traceable = False


def foreseen() -> Foreseen | None:
    """What may be believed without asking again."""
    current = _current.get()
    return None if current is None else current.foreseen


def read_now() -> None:
    """Something is read now. What was foreseen is older, and is not believed from here on: who may see what is read
    has to be decided by what is as new. Raises NotAtHand to who will not wait.
    """
    if (current := _current.get()) is not None:
        if not current.is_waiting:
            raise NotAtHand
        current.has_read, current.foreseen = True, None


def may_wait() -> bool:
    """Whether what is not at hand is to be waited for."""
    current = _current.get()
    return current is None or current.is_waiting


class Unwaiting:
    """What would have to be read meanwhile raises NotAtHand; nothing may be awaited that takes a turn of the loop.

    A class, since what ends in a StopIteration costs a generator's context three exceptions.
    """

    __slots__ = ("_before", "_current")

    def __init__(self) -> None:
        """Raises RuntimeError outside a recording, where nothing is foreseen."""
        current = _current.get()
        if current is None:
            raise RuntimeError("nothing is foreseen outside a recording")
        self._current = current
        self._before = current.is_waiting

    def __enter__(self) -> None:
        self._current.is_waiting = False

    def __exit__(self, *_: object) -> None:
        self._current.is_waiting = self._before
