"""Vaults that see Redis through a wire of their own, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from faults import Answer, Call, Faults, Forward, faulty
from wires import Wire

from vaultstream.adapters import vault as vault_module
from vaultstream.adapters.cache import Cache
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.records import Records
from vaultstream.adapters.vault import Vault, opened
from vaultstream.pipelined import Pipelined
from vaultstream.settings import Secret, Settings


@contextmanager
def patient() -> Iterator[None]:
    """Vaults that are opened meanwhile wait for Redis as long as a busy machine may need: for tests that count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vault_module, "_REDIS_SECONDS", 20.0)
        yield


def redis_wire(settings: Settings) -> Wire:
    """A wire before the settings' own Redis."""
    return Wire("127.0.0.1", int(_address(settings).partition(":")[2]))


def through(settings: Settings, wire: Wire) -> Settings:
    """The same vault, with Redis at the other end of the wire."""
    own = settings.redis_url.reveal()
    return replace(settings, redis_url=Secret(own.replace(_address(settings), f"127.0.0.1:{wire.port}")))


def _address(settings: Settings) -> str:
    return settings.redis_url.reveal().rpartition("@")[2].partition("/")[0]


@asynccontextmanager
async def wired(settings: Settings) -> AsyncIterator[tuple[Wire, Vault]]:
    """A process's own vault, and the wire to its Redis."""
    async with redis_wire(settings) as wire, opened(through(settings, wire)) as vault:
        yield wire, vault


@asynccontextmanager
async def counting(vault: Vault, settings: Settings) -> AsyncIterator[tuple[Faults, Vault]]:
    """The vault with its table behind a proxy that counts what is asked of it."""
    async with faulty(settings, "dynamodb") as (faults, client):
        yield faults, replace(vault, records=Records(client, settings.table))


def uncached(vault: Vault) -> Vault:
    """A vault that reads all from the table: nobody listens where its Redis should be. It is for reading only."""
    nowhere = Pipelined.from_url("redis://127.0.0.1:9", timeout_seconds=1)
    return replace(vault, cache=Cache(nowhere, vault.records, "x", Meters()))


@asynccontextmanager
async def several(settings: Settings, count: int) -> AsyncIterator[list[tuple[Wire, Vault]]]:
    """So many processes' vaults over one world, each with its own wire to Redis."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(wired(settings)) for _ in range(count)]


class Late:
    """A fault: the server does at once what it was asked, and its answer waits until it is let go."""

    def __init__(self) -> None:
        self.has_answered = asyncio.Event()
        self._gate = asyncio.Event()

    def let_go(self) -> None:
        """The answer goes on its way."""
        self._gate.set()

    async def __call__(self, call: Call, forward: Forward) -> Answer:
        given = await forward(call)
        self.has_answered.set()
        await self._gate.wait()
        return given
