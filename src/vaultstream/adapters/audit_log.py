"""The audit log in PostgreSQL: events are added once and read back, nothing else."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from vaultstream.errors import Code, VaultError
from vaultstream.events import Decision, Event, EventName

EVENTS_MAX = 1000
MONTHS_AHEAD = 3
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

# PostgreSQL's text cannot hold U+0000. A deed must not stay unrecorded for it, so its picture U+2400 stands there.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

_APPEND = """
INSERT INTO audit.events
    (id, at, name, subject, item_id, version_number, ip, agent, request_id, decision, reason, details)
SELECT id, at, name, subject, item_id, version_number, ip, agent, request_id, decision, reason, details
FROM json_to_recordset($1::json) AS event(
    id text, at timestamptz, name text, subject text, item_id text, version_number bigint, ip text, agent text,
    request_id text, decision text, reason text, details jsonb)
ON CONFLICT (id, at) DO NOTHING
RETURNING tableoid = 'audit.events_default'::regclass AS misplaced
"""
_EVENTS_OF = """
SELECT id, at, name, subject, item_id, version_number, ip, agent, request_id, decision, reason, details
FROM audit.events WHERE item_id = $1 ORDER BY at DESC, id DESC LIMIT $2
"""

_log = logging.getLogger(__name__)


class AuditUnavailable(VaultError):
    """PostgreSQL cannot be reached or cannot work now; the same call may succeed later."""

    def __init__(self) -> None:
        super().__init__(Code.UNAVAILABLE, "The audit log cannot be reached. Try again in a moment.")


class AuditLog:
    """A pool of connections with the application's role, which may add and read but not change."""

    def __init__(self, dsn: str) -> None:
        """Takes the application role's DSN; connects when first used, so a vault starts without the server."""
        self._pool: Any = asyncpg.create_pool(  # Any: asyncpg publishes no types
            dsn,
            min_size=0,
            max_size=_CONNECTIONS,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            server_settings={"application_name": "vaultstream"},
        )
        self._months_tried_on: date | None = None

    async def close(self) -> None:
        """Let what runs end, then disconnect; what has not ended in time is cut off."""
        await self._pool  # a pool that was never used closes only after this
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pool.close(), _COMMAND_SECONDS)

    async def ping(self) -> None:
        """Raises AuditUnavailable unless the server answers."""
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def append(self, events: Sequence[Event]) -> int:
        """Add the events that are not there yet and return how many those were; all are stored on return.

        One statement, so all or none. Events have one order by id, so that batches which share events wait for
        each other instead of deadlocking. Raises AuditUnavailable.
        """
        if not events:
            return 0
        rows = ",".join(event.to_json() for event in sorted(events, key=lambda event: event.id))
        async with self._connection() as connection:
            added = await connection.fetch(_APPEND, _NUL.sub(r"\1\\u2400", f"[{rows}]"))
        if misplaced := sum(row["misplaced"] for row in added):
            _log.error("%d audit events found no partition of their month and are in the default one", misplaced)
        return len(added)

    async def events_of(self, item_id: str, limit: int) -> list[Event]:
        """The newest `limit` (1 to 1000) events of a folder or file, newest first, without their topics."""
        if not 1 <= limit <= EVENTS_MAX:
            raise ValueError(f"limit is 1 to {EVENTS_MAX}")
        async with self._connection() as connection:
            return [_event(row) for row in await connection.fetch(_EVENTS_OF, item_id, limit)]

    async def make_months(self, now: datetime) -> None:
        """Make the partitions of the months ahead; tries once a day, since a try may hold appends up for a moment.

        Raises AuditUnavailable, also while somebody reads the log for long.
        """
        today = now.astimezone(UTC).date()
        if self._months_tried_on == today:
            return
        self._months_tried_on = today
        async with self._connection() as connection:
            for (name,) in await connection.fetch("SELECT audit.make_partitions($1)", MONTHS_AHEAD):
                _log.info("made audit partition %s", name)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:  # Any: asyncpg publishes no types
        try:
            await self._pool  # with no least size this never waits, and does nothing the second time
            async with self._pool.acquire(timeout=_COMMAND_SECONDS) as connection:
                yield connection
        except _TROUBLE as error:
            _log.warning("the audit log is unavailable: %s", type(error).__name__)
            raise AuditUnavailable from error


def _event(row: Any) -> Event:  # Any: asyncpg publishes no types
    values = dict(row)
    values["name"] = EventName(values["name"])
    values["decision"] = Decision(values["decision"])
    values["details"] = json.loads(values["details"])
    return Event(**values)
