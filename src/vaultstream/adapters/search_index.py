"""The search index in PostgreSQL: it proposes items and decides nothing; the table says what they are."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import asyncpg

from vaultstream import dependencies
from vaultstream.adapters import search_statements
from vaultstream.errors import Code, VaultError
from vaultstream.ids import ItemId, UserId
from vaultstream.search import Indexed, Place, Scope, Sought, grams

_CONNECTIONS = 4
_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 15
_STATEMENT_MILLISECONDS = 10_000

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


class SearchUnavailable(VaultError):
    """PostgreSQL cannot be reached or cannot work now; the same call may succeed later."""

    def __init__(self) -> None:
        super().__init__(Code.UNAVAILABLE, "Search cannot be reached. Try again in a moment; all else works.")


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be what is sought, each with its place; `end` is where to go on, None where the index has no more."""

    found: tuple[Place, ...]
    end: Place | None


class SearchIndex:
    """A pool of connections with the application's role."""

    def __init__(self, dsn: str, *, init: Callable[[Any], Awaitable[None]] | None = None) -> None:
        """Takes the application role's DSN; connects when first used, so a vault starts without the server.

        `init` is given each new connection.
        """
        self._pool: Any = asyncpg.create_pool(  # Any: asyncpg publishes no types
            dsn,
            min_size=0,
            max_size=_CONNECTIONS,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            init=init,
            server_settings={
                "application_name": "vaultstream-search",
                "statement_timeout": f"{_STATEMENT_MILLISECONDS}",
                **search_statements.PLANNING,
            },
        )

    async def close(self) -> None:
        """Let what runs end, then disconnect; what has not ended in time is cut off."""
        await self._pool  # a pool that was never used closes only after this
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pool.close(), _COMMAND_SECONDS)

    async def put(self, rows: Sequence[Indexed], *, anew: bool = False) -> None:
        """Keep these rows where the index has none or an older state; `anew` also writes the same state again.

        One statement. Rows have one order by id, so that batches which share rows wait for each other instead of
        deadlocking. Raises SearchUnavailable.
        """
        newest = {row.id: row for row in sorted(rows, key=lambda row: row.stamp)}
        if not newest:
            return
        plain = [_plain(newest[item_id]) for item_id in sorted(newest)]
        async with self._connection() as connection:
            await connection.execute(search_statements.PUT, json.dumps(plain), anew)

    async def remove(self, item_ids: Sequence[ItemId]) -> None:
        """These items are no more. Raises SearchUnavailable."""
        if item_ids:
            async with self._connection() as connection:
                await connection.execute(search_statements.REMOVE, sorted(item_ids))

    async def ids(self, after: str, limit: int, *, owner_id: UserId | None = None) -> list[ItemId]:
        """The next ids of the index, of one owner or of all, in their order. Raises SearchUnavailable."""
        async with self._connection() as connection:
            return [row["id"] for row in await connection.fetch(search_statements.IDS, after, owner_id, limit)]

    async def candidates(
        self, sought: Sought, scope: Scope, after: Place | None, limit: int, *, examined: int
    ) -> Candidates:
        """At most `limit` items that may be what is sought: of the next `examined` that match by themselves, those
        that are in the trash or not, as it is wanted, and the viewer's own or shared with them.

        The index may lag, so whoever shows them looks at the items themselves. Raises SearchUnavailable.
        """
        statement, values = search_statements.candidates(sought, scope, after, limit, examined=examined)
        async with self._connection() as connection:
            rows = await connection.fetch(statement, *values)
        found = tuple(Place(row["lead"], row["name"], row["id"]) for row in rows if row["is_proposed"])
        has_more = len(rows) == limit or (bool(rows) and rows[-1]["nth"] == examined)
        last = rows[-1] if has_more else None
        return Candidates(found, Place(last["lead"], last["name"], last["id"]) if last else None)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:  # Any: asyncpg publishes no types
        dependencies.untraceable()
        try:
            await self._pool  # with no least size this never waits, and does nothing the second time
            async with self._pool.acquire(timeout=_COMMAND_SECONDS) as connection:
                yield connection
        except _TROUBLE as error:
            _log.warning("the search index is unavailable: %s", type(error).__name__)
            raise SearchUnavailable from error


def _plain(row: Indexed) -> dict[str, Any]:  # Any: JSON values
    return asdict(row) | {"grams": grams(row.name), "updated_at": row.updated_at.isoformat()}
