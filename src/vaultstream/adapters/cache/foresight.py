"""Which collections a question is likely to read: their tokens are asked for together with what is asked first anyway.

A wrong guess costs some bytes, and never more: what is not believed by a token is read as if nothing had been foreseen.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager

from vaultstream.adapters.cache.cache import Cache, token_key
from vaultstream.dependencies import Dependencies, Foreseen

_QUESTIONS_MAX = 8192
_PARTITIONS_MAX = 32


class Foresight:
    """Knows what the last answer to each question was made of; those not asked for longest go first."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._known: OrderedDict[int, tuple[str, ...]] = OrderedDict()  # by a hash: two that share one guess worse

    @contextmanager
    def of(self, question: Hashable, named: Collection[str], seen: Dependencies) -> Iterator[None]:
        """Ask for what the last answer to this question read, and for the partitions that this one names; then keep
        what was `seen` of others.
        """
        name = hash(question)
        self._ask([*named, *self._known.pop(name, ())][:_PARTITIONS_MAX], seen)
        yield
        self._known[name] = tuple(each for each in seen.tokens if each not in named)[:_PARTITIONS_MAX]
        if len(self._known) > _QUESTIONS_MAX:
            self._known.popitem(last=False)

    def _ask(self, partitions: list[str], seen: Dependencies) -> None:
        world = self._cache.settled
        if world is None or not partitions:
            return

        def told(tokens: list[bytes | None]) -> None:
            seen.foresee(Foreseen(world.name, dict(zip(partitions, tokens, strict=True))))

        self._cache.link.hear(world.server, ("MGET", *map(token_key, partitions)), told)
