"""The cache of one process: what Redis holds of a collection, if it may be believed, and the end of it when written to.

Each partition of the table has a token in Redis. An entry is good only under the token that stood there before the
table was read for it; whoever writes takes the token away, and no token ever comes back.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from vaultstream import table
from vaultstream.adapters.cache.link import Link
from vaultstream.adapters.cache.seal import Seal
from vaultstream.adapters.cache.shelf import Shelf
from vaultstream.adapters.cache.trust import Trust
from vaultstream.metrics import CACHE_BREAKER_STATE, CACHE_SHELF_BYTES
from vaultstream.pipelined import Pipelined

if TYPE_CHECKING:  # an adapter is blind to the others: it is given them
    from vaultstream.adapters.meters import Meters
    from vaultstream.adapters.records import Records

_TOKENS = "v:"
_TOKEN_BYTES = 12
_NAMES_MAX = 8192


@dataclass(frozen=True, slots=True)
class World:
    """What an entry must have been read in to be believed: an epoch, and one run of one Redis server."""

    epoch: str
    server: str
    name: str  # both as one text


def token_key(partition: str) -> str:
    """Where a partition's token is. The braces keep it and its entries in one slot of a cluster."""
    return f"{_TOKENS}{{{partition}}}"


def _token_keys(partitions: Iterable[str]) -> list[str]:
    return [token_key(partition) for partition in sorted(set(partitions)) if partition.startswith(table.CACHED)]


def new_token() -> bytes:
    """Never used before, and not to be guessed."""
    return secrets.token_bytes(_TOKEN_BYTES)


class Cache:
    """Held by the vault for the life of the process."""

    def __init__(self, redis: Pipelined, records: "Records", secret: str, meters: "Meters") -> None:
        self.link = Link(redis)
        self.seal = Seal(secret)
        self.entry_name = lru_cache(_NAMES_MAX)(self._entry_name)
        self.meters = meters
        meters.watch(CACHE_BREAKER_STATE, lambda: self.link.breaker.state)
        self.trust = Trust(records, self._is_reachable)
        self.flights = Flights()
        self._world: World | None = None  # that was believed last
        self.shelf = Shelf()
        meters.watch(CACHE_SHELF_BYTES, lambda: self.shelf.size_bytes)

    @property
    def settled(self) -> World | None:
        """What may be believed now, if that is known without asking anybody."""
        known, server, epoch = self._world, self.link.known, self.trust.fresh
        return known if known is not None and known.server == server and known.epoch == epoch else None

    async def world(self) -> World | None:
        """What may be believed now; None where nothing may."""
        server = self.link.known or await self.link.server()
        epoch = (self.trust.fresh or await self.trust.epoch()) if server else None
        if not epoch or not server:
            return None
        if self._world is None or self._world.epoch != epoch or self._world.server != server:
            self._world = World(epoch, server, f"{epoch} {server}")
        return self._world

    def _entry_name(self, partition: str, shape: tuple[str | int | None, ...]) -> str:
        """The key of the entry that holds this part of a partition."""
        if not partition.startswith(table.CACHED):
            raise ValueError("nobody would hear of a change of what is not named as cached")
        return self.seal.name(partition, orjson.dumps(shape))

    async def ping(self) -> None:
        """Raise ConnectionError where nothing of the cache may be believed now."""
        if await self.world() is None:
            raise ConnectionError("the cache is not believed")

    async def invalidate(self, partitions: Iterable[str]) -> None:
        """Return once nobody, in any process, can read from the cache what these partitions were before.

        Raises UNAVAILABLE where neither Redis nor the table can be told.
        """
        keys = _token_keys(partitions)
        if keys and (self.trust.is_shut_here or not await self.link.done("DEL", *keys)):
            await self.trust.shut()

    async def forget(self, partitions: Iterable[str]) -> None:
        """The same where Redis can be told, and nothing where it cannot: for what nobody was told has happened."""
        if (keys := _token_keys(partitions)) and not self.trust.is_shut_here:
            await self.link.done("DEL", *keys)

    def is_behind(self, world: str) -> bool:
        """Whether what Redis just answered came from the server of that world; afterwards is soon enough to ask, for
        a connection that was opened meanwhile is not yet known to lead there.
        """
        return self._world is not None and self._world.name == world and self.link.leads_to(self._world.server)

    async def _is_reachable(self) -> bool:
        return await self.link.done("PING")

    async def close(self) -> None:
        """End what is under way; the client is its opener's to close."""
        await self.flights.close()
        await self.trust.close()


class Flights:
    """Reads of the table that are under way, each shared by all who found the same token."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, bytes], asyncio.Task[bytes]] = {}

    async def share(self, name: str, token: bytes, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """What `read` gives; whoever joins one under way saw its token, so that nothing was written since it began."""
        flight = self._under_way.get((name, token))
        if flight is None:
            flight = asyncio.create_task(_awaited(read))
            self._under_way[name, token] = flight
            flight.add_done_callback(lambda _: self._under_way.pop((name, token)))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """End them all."""
        flights = list(self._under_way.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


async def _awaited(read: Callable[[], Awaitable[bytes]]) -> bytes:
    return await read()
