"""Connections to a PostgreSQL, with the application's role; what passes by itself is told apart."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from vaultstream import dependencies
from vaultstream.errors import VaultError

_CONNECTIONS = 4
_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 15

# What a later attempt may mend: the wire, a server that stops, starts, is full or has become a standby, a lock.
_TROUBLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,  # what asyncpg raises when the wire breaks in the middle of an answer
)

_log = logging.getLogger(__name__)

Init = Callable[[Any], Awaitable[None]]  # Any: asyncpg publishes no types


class Pool:
    """A few connections to one server."""

    def __init__(
        self,
        name: str,
        dsn: str,
        unavailable: type[VaultError],
        *,
        init: Init | None = None,
        settings: Mapping[str, str] | None = None,
        patience_seconds: float | None = None,
    ) -> None:
        """Connects when first used, so a vault starts without the server. `init` is given each new connection.

        `name` is what the log calls the server, `settings` are the server's for each connection, and `unavailable` is
        raised, without arguments, for whatever a later attempt may mend. `patience_seconds` is how long a connection
        may take to be had, and to be given back by whoever gave up.
        """
        self._name = name
        self._unavailable: Callable[[], VaultError] = unavailable
        self._patience_seconds = _COMMAND_SECONDS if patience_seconds is None else patience_seconds
        self._pool: Any = asyncpg.create_pool(  # Any: asyncpg publishes no types
            dsn,
            min_size=0,
            max_size=_CONNECTIONS,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            init=init,
            server_settings={
                "application_name": "vaultstream",
                "idle_in_transaction_session_timeout": f"{_COMMAND_SECONDS}s",  # whoever is cut off holds up nobody
                **(settings or {}),
            },
        )

    async def close(self) -> None:
        """Let what runs end, then disconnect; what has not ended in time is cut off."""
        await self._pool  # a pool that was never used closes only after this
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pool.close(), _COMMAND_SECONDS)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:  # Any: asyncpg publishes no types
        """One connection, for a while. Raises what this pool calls unavailable."""
        dependencies.untraceable()
        try:
            await self._pool  # with no least size this never waits, and does nothing the second time
            async with self._pool.acquire(timeout=self._patience_seconds) as connection:
                yield connection
        except (*_TROUBLE, asyncpg.InterfaceError) as error:
            # The end of a transaction says InterfaceError of a wire that broke in it, and of our own bugs alone.
            if isinstance(error, asyncpg.InterfaceError) and not isinstance(error.__context__, _TROUBLE):
                raise
            _log.warning("%s is unavailable: %s", self._name, type(error).__name__)
            raise self._unavailable() from error
