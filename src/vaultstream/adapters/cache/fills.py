"""Entries that the cache lacks: read from the table once, by whoever is first, and left in Redis for all."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from vaultstream import dependencies
from vaultstream.adapters.cache import entries
from vaultstream.adapters.cache.cache import Cache, World, new_token, token_key
from vaultstream.adapters.cache.entries import Value

TTL_SECONDS = 300
_ABSENT_SECONDS = 30  # who asks for what was never there can ask for ever other things
_TOKEN_SECONDS = 3 * TTL_SECONDS
_ENTRY_BYTES_MAX = 256 * 1024
_LEASE_MS = 1000
_POLL_SECONDS = 0.02
_POLLS = 15


@dataclass(frozen=True, slots=True)
class Unit:
    """What one entry holds: a part of one partition."""

    partition: str
    name: str


@dataclass(frozen=True, slots=True)
class _Miss:
    """A unit that has no good entry, and the token under which to make one."""

    unit: Unit
    token: bytes
    is_leased: bool = False  # nobody else is about to make it


Read = Callable[[list[Unit]], Awaitable[list[Value]]]


class Fills:
    """Made for each use: it holds nothing."""

    __slots__ = ("_cache", "_now")

    def __init__(self, cache: Cache, now: Callable[[], datetime]) -> None:
        self._cache = cache
        self._now = now

    async def filled(
        self, world: World, missing: dict[Unit, bytes | None], read: Read
    ) -> dict[Unit, tuple[bytes, bytes]] | None:
        """The token and the plain entry of each, read from the table and left for others; None where Redis does not
        answer, and then nothing was read.
        """
        misses = await self._tokens(world, missing)
        if misses is None:
            return None
        if len(misses) == 1:
            (miss,) = misses
            share = self._cache.flights.share
            plain = [await share(miss.unit.name, miss.token, lambda: self._flown(world, miss, read))]
        else:
            with dependencies.unrecorded():
                values = await read([miss.unit for miss in misses])
            plain = [self._kept(world, miss, value) for miss, value in zip(misses, values, strict=True)]
        return {miss.unit: (miss.token, one) for miss, one in zip(misses, plain, strict=True)}

    async def _tokens(self, world: World, missing: dict[Unit, bytes | None]) -> list[_Miss] | None:
        """A token for each, set before the table is read; None where Redis does not answer. One that is set here
        comes with the lease to make the entry.
        """
        new = {unit.partition: (new_token(), unit.name) for unit, token in missing.items() if token is None}
        commands = [
            command
            for partition, (token, name) in new.items()
            for command in (
                ("SET", token_key(partition), token, "NX", "GET", "EX", _TOKEN_SECONDS),
                _leasing(name, token),
            )
        ]
        answers = await self._cache.link.ask(world.server, *commands) if commands else []
        if answers is None:
            return None
        before = dict(zip(new, answers[::2], strict=True))  # set by another meanwhile
        tokens = {partition: before[partition] or token for partition, (token, _) in new.items()}
        return [
            _Miss(
                unit, tokens[unit.partition] if token is None else token, token is None and not before[unit.partition]
            )
            for unit, token in missing.items()
        ]

    async def _flown(self, world: World, miss: _Miss, read: Read) -> bytes:
        """One read of the table for all who want this entry now, in this process and in the others."""
        with dependencies.unrecorded():
            if not miss.is_leased and (made := await self._made_elsewhere(world, miss)) is not None:
                return made
            (value,) = await read([miss.unit])
            return self._kept(world, miss, value)

    async def _made_elsewhere(self, world: World, miss: _Miss) -> bytes | None:
        """Wait a little for whoever has the lease; None where that is us, or nothing comes of it."""
        name, keys = miss.unit.name, (token_key(miss.unit.partition), miss.unit.name)
        leased = await self._cache.link.ask(world.server, _leasing(name, miss.token))
        if leased is None or leased[0] is not None:
            return None
        for _ in range(_POLLS):
            await asyncio.sleep(_POLL_SECONDS)
            answers = await self._cache.link.ask(world.server, ("MGET", *keys))
            if answers is None or answers[0][0] != miss.token:
                return None
            entry = answers[0][1]
            if entry and (plain := self._cache.seal.opened(name, world.name, miss.token, entry)) is not None:
                return plain
        return None

    def _kept(self, world: World, miss: _Miss, value: Value) -> bytes:
        """Store the entry under the token seen before the read, which is no longer there if it was written to since."""
        plain = entries.written(value, self._now())
        name, leave = miss.unit.name, ("DEL", _lease(miss.unit.name, miss.token))
        if len(plain) > _ENTRY_BYTES_MAX:
            self._cache.link.tell(leave)
            return plain
        seconds = random.randint(TTL_SECONDS * 4 // 5, TTL_SECONDS) if value else _ABSENT_SECONDS  # noqa: S311
        sealed = self._cache.seal.closed(name, world.name, miss.token, plain)
        self._cache.link.tell(("SET", name, sealed, "EX", seconds), leave)
        return plain


def _lease(name: str, token: bytes) -> str:
    return f"l:{name}:{token.hex()}"


def _leasing(name: str, token: bytes) -> tuple[str | bytes | int, ...]:
    return ("SET", _lease(name, token), 1, "NX", "PX", _LEASE_MS)
