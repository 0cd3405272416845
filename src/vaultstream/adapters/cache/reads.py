"""The table's strongly consistent reads, by way of the cache: the same answers, and never older ones.

Without Redis, and wherever the cache may not be believed, each is the table's own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from vaultstream import dependencies, table
from vaultstream.adapters.cache import entries
from vaultstream.adapters.cache.cache import Cache, World, token_key
from vaultstream.adapters.cache.entries import Value
from vaultstream.adapters.cache.fills import Fills, Read, Unit
from vaultstream.adapters.cache.shelf import Made
from vaultstream.metrics import CACHE_LOOKUPS

if TYPE_CHECKING:
    from vaultstream.adapters.records import Records
    from vaultstream.adapters.records.attributes import Item

_T = TypeVar("_T")
Into = Callable[["Item"], _T]
Rows = tuple[tuple[str, _T], ...]


class Reads:
    """Made for each use: it holds nothing.

    `into` says what is made of each item. That is kept with the item, so `into` is a function of a module, which looks
    at nothing else and gives what nobody can change.
    """

    __slots__ = ("_cache", "_now", "_records")

    def __init__(self, records: "Records", cache: Cache, now: Callable[[], datetime]) -> None:
        self._records = records
        self._cache = cache
        self._now = now

    async def item(self, key: table.Key, into: Into[_T]) -> _T | None:
        """What is under one key."""

        async def read(_: list[Unit]) -> list[Value]:
            return [await self._records.item(key)]

        (found,) = await self._load([self._item_unit(key)], read, into)
        made: _T | None = found
        return made

    async def items(self, keys: Sequence[table.Key], into: Into[_T]) -> list[_T | None]:
        """What is under these keys, in their order; None where there is nothing."""
        if not keys:
            return []
        units = {self._item_unit(key): key for key in keys}

        async def read(wanted: list[Unit]) -> list[Value]:
            return list(await self._records.items([units[unit] for unit in wanted]))

        found = dict(zip(units.values(), await self._load(list(units), read, into), strict=True))
        return [found[key] for key in keys]

    async def collection(
        self,
        pk: str,
        into: Into[_T],
        *,
        after: str | None = None,
        until: str | None = None,
        limit: int,
        forward: bool = True,
    ) -> Rows[_T]:
        """As `Records.collection`: each sort key, and what is under it."""

        async def read(_: list[Unit]) -> list[Value]:
            return [await self._records.collection(pk, after=after, until=until, limit=limit, forward=forward)]

        unit = self._unit(pk, "collection", after, until, limit, forward)
        (found,) = await self._load([unit], read, into)
        rows: Rows[_T] = found
        return rows

    async def between(
        self, pk: str, into: Into[_T], low: str, high: str, *, after: str | None, limit: int, forward: bool = True
    ) -> Rows[_T]:
        """As `Records.between`: each sort key, and what is under it."""

        async def read(_: list[Unit]) -> list[Value]:
            return [await self._records.between(pk, low, high, after=after, limit=limit, forward=forward)]

        unit = self._unit(pk, "between", low, high, after, limit, forward)
        (found,) = await self._load([unit], read, into)
        rows: Rows[_T] = found
        return rows

    def _item_unit(self, key: table.Key) -> Unit:
        return self._unit(key.pk, "item", key.sk)

    def _unit(self, partition: str, *shape: str | int | None) -> Unit:
        return Unit(partition, self._cache.entry_name(partition, shape))

    async def _load(self, units: list[Unit], read: Read, into: Into[Any]) -> list[Any]:  # Any: what `into` gives
        if (known := self._foreseen(units, into)) is not None:
            return known
        dependencies.read_now()
        world = await self._cache.world()
        look = await self._looked(world, units, into) if world is not None else None
        if look is None:
            self._count("bypass", len(units))
            return [_made(value, into) for value in await read(units)]
        self._count("hit", len(look.found))
        self._count("hit", look.at_hand, layer="shelf")
        self._count("miss", len(units) - look.at_hand, layer="shelf")
        self._count("stale", look.stale)
        self._count("miss", len(look.missing) - look.stale)
        if look.missing:
            filled = await Fills(self._cache, self._now).filled(look.world, look.missing, read)
            if filled is None:
                values = dict(zip(look.missing, await read(list(look.missing)), strict=True))
                look.found |= {unit: _made(value, into) for unit, value in values.items()}
            else:
                look.found |= {unit: self._taken(look, unit, *one) for unit, one in filled.items()}
        return [look.found[unit] for unit in units]

    def _foreseen(self, units: list[Unit], into: Into[Any]) -> list[Any] | None:  # Any: as above
        """All of it, from here alone, where Redis told the tokens before anybody asked."""
        told = dependencies.foreseen()
        if told is None:
            return None
        now, found = self._now().timestamp(), []
        for unit in units:
            made = self._cache.shelf.find((unit, into), told.world, now)
            if made is None or made.token != told.tokens.get(unit.partition):
                return None
            found.append(_seen(unit, made))
        self._count("hit", len(units))
        self._count("hit", len(units), layer="shelf")
        return found

    async def _looked(self, world: World, units: list[Unit], into: Into[Any]) -> "_Look | None":  # Any: as above
        """What the cache has of these; None where Redis does not answer. Mostly one round trip, and only for tokens."""
        look, asked = _Look(world, into), units
        while asked:
            now = self._now().timestamp()
            here = [self._cache.shelf.find((unit, into), world.name, now) for unit in asked]
            keys = [key for unit, made in zip(asked, here, strict=True) for key in _keys(unit, made)]
            answers = await self._cache.link.ask(world.server, ("MGET", *keys))
            if answers is None:
                return None
            told = iter(answers[0])
            asked = [unit for unit, made in zip(asked, here, strict=True) if not self._placed(look, unit, made, told)]
        return look

    def _placed(self, look: "_Look", unit: Unit, made: Made | None, told: Iterator[bytes | None]) -> bool:
        """Put what is known of a unit in its place; False where its value here is over, and its entry may be not."""
        token = next(told)
        entry = next(told) if made is None else None
        if made is not None and made.token == token:
            look.found[unit] = _seen(unit, made)
            look.at_hand += 1
            return True
        if made is not None and token is not None:
            self._cache.shelf.drop((unit, look.into))
            return False
        plain = (
            self._cache.seal.opened(unit.name, look.world.name, token, entry) if token is not None and entry else None
        )
        if token is None or plain is None:
            look.missing[unit] = token
            look.stale += entry is not None
        else:
            look.found[unit] = self._taken(look, unit, token, plain)
        return True

    def _count(self, outcome: str, times: int, *, layer: str = "collection") -> None:
        if times:
            self._cache.meters.count(CACHE_LOOKUPS, layer, outcome, by=times)

    def _taken(self, look: "_Look", unit: Unit, token: bytes, plain: bytes) -> Any:  # Any: as above
        now = self._now()
        until, value = entries.read(plain, now)
        made = Made(_made(value, look.into), look.world.name, token, until)
        self._cache.shelf.keep((unit, look.into), made, now.timestamp(), entry_bytes=len(plain))
        return _seen(unit, made)


@dataclass(slots=True)
class _Look:
    """What the cache has of some units, and the token of those that it lacks; `stale` of them have an entry all the
    same, and `at_hand` of those that it has were on the shelf.
    """

    world: World
    into: Into[Any]  # Any: it may give anything
    found: dict[Unit, Any] = field(default_factory=dict)  # Any: what `into` gave
    missing: dict[Unit, bytes | None] = field(default_factory=dict)
    stale: int = 0
    at_hand: int = 0


def _seen(unit: Unit, made: Made) -> Any:  # Any: as above
    dependencies.saw(made.world, unit.partition, made.token)
    dependencies.changes_at(made.until)
    return made.value


def _keys(unit: Unit, made: Made | None) -> tuple[str, ...]:
    token = token_key(unit.partition)
    return (token, unit.name) if made is None else (token,)


def _made(value: Value, into: Into[Any]) -> Any:  # Any: as above
    if isinstance(value, list):
        return tuple((item[table.SK], into(item)) for item in value)
    return None if value is None else into(value)
