"""The audit log in PostgreSQL: events are added once and read back, nothing else."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from vaultstream import audit_query
from vaultstream.adapters.audit_pool import AuditUnavailable, audit_pool
from vaultstream.adapters.audit_replica import Replica
from vaultstream.audit_chain import EMPTY, HASH, Head, Row, canonical, linked, parsed, row_of
from vaultstream.audit_query import COLUMNS, AuditWhere, Downloads, Place, Reading, ReadingKind, select
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.exposure_facts import TELLING
from vaultstream.postgres import Init

EVENTS_MAX = 1000
MONTHS_AHEAD = 3
_DROP_SECONDS = 600  # a month is read twice before it goes

# One writer at a time: only so has each row its number and is linked to the row before it. The lock is a statement of
# its own, since a statement sees what was committed before it began.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('vaultstream.audit.chain', 0))"
_HEAD = "SELECT seq, hash FROM audit.events ORDER BY seq DESC LIMIT 1"
_KNOWN = """
SELECT now() AS now, array(SELECT id FROM audit.events WHERE id = ANY($1) AND at BETWEEN $2 AND $3) AS ids
"""
_APPEND = f"""
INSERT INTO audit.events ({COLUMNS})
SELECT seq, decode(hash, 'hex'), id, at, name, subject, item_id, version_number, ip, agent, request_id, decision,
    reason, details, received_at
FROM json_to_recordset($1::json) AS event(
    seq bigint, hash text, id text, at timestamptz, name text, subject text, item_id text, version_number bigint,
    ip text, agent text, request_id text, decision text, reason text, details jsonb, received_at timestamptz)
RETURNING tableoid = 'audit.events_default'::regclass AS misplaced
"""  # noqa: S608  # the columns are written above
_ROWS = f"SELECT {COLUMNS} FROM audit.events WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3"  # noqa: S608
_NAMED = f"SELECT {COLUMNS} FROM audit.events WHERE name = $1 ORDER BY seq"  # noqa: S608
_EVENTS_OF = f"SELECT {COLUMNS} FROM audit.events WHERE item_id = $1 ORDER BY at DESC, seq DESC LIMIT $2"  # noqa: S608

_ROW = f"SELECT {COLUMNS} FROM audit.events WHERE id = $1"  # noqa: S608
_SUBJECTS = """
SELECT DISTINCT subject FROM audit.events
WHERE at >= coalesce($1, '-infinity'::timestamptz) AND at < coalesce($2, 'infinity'::timestamptz) LIMIT $3
"""
_MISPLACED = "SELECT count(*) FROM audit.events_default"
_LAST_CHECKPOINT = "SELECT seq, at, line FROM audit.checkpoints ORDER BY seq DESC LIMIT 1"
_CHECKPOINTS = "SELECT seq, at, line FROM audit.checkpoints WHERE seq > $1 AND seq < $2 ORDER BY seq LIMIT $3"
_ADD_CHECKPOINT = "INSERT INTO audit.checkpoints (seq, at, line) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_HOLD = "INSERT INTO audit.holds (month, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint as it is kept: its row, its time, and its signed line."""

    seq: int
    at: datetime
    line: str


class AuditLog:
    """What the application's role may do: add and read, but not change. Pages are read from a replica where one is."""

    def __init__(
        self,
        dsn: str,
        *,
        replica_dsn: str = "",
        init: Init | None = None,
        told: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Takes the application role's DSNs; connects when first used, so a vault starts without the servers.

        `told` hears now and then by how many seconds the replica may be behind.
        """
        self._primary = audit_pool("the audit log", dsn, init)
        self.replica = Replica(replica_dsn, self._primary, init=init, told=told) if replica_dsn else None
        self._months_tried_on: date | None = None

    async def close(self) -> None:
        """Let what runs end, then disconnect; what has not ended in time is cut off."""
        await self._primary.close()
        if self.replica is not None:
            await self.replica.pool.close()

    async def ping(self) -> None:
        """Raises AuditUnavailable unless the server answers."""
        async with self._primary.connection() as connection:
            await connection.execute("SELECT 1")

    async def append(self, events: Sequence[Event]) -> int:
        """Link the events that are not there yet to the chain, in their order, and return how many those were.

        One transaction, so all or none; all are stored on return. Raises AuditUnavailable.
        """
        if not events:
            return 0
        async with self._primary.connection() as connection, connection.transaction():
            await connection.execute(_LOCK)
            added = await _append(connection, events)
        if misplaced := sum(row["misplaced"] for row in added):
            _log.error("%d audit events found no partition of their month and are in the default one", misplaced)
        return len(added)

    async def head(self) -> Head:
        """The chain's last row. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            return await _head(connection)

    async def last_checkpoint(self) -> KeptCheckpoint | None:
        """The newest checkpoint. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            row = await connection.fetchrow(_LAST_CHECKPOINT)
        return None if row is None else KeptCheckpoint(**row)

    async def add_checkpoint(self, seq: int, at: datetime, line: str) -> None:
        """Keep a signed checkpoint beside the rows; one of the same row stays as it is. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            await connection.execute(_ADD_CHECKPOINT, seq, at, line)

    async def checkpoints(self, *, after: int, before: int, limit: int) -> list[KeptCheckpoint]:
        """At most `limit` checkpoints of rows between these numbers, in their order. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            return [KeptCheckpoint(**row) for row in await connection.fetch(_CHECKPOINTS, after, before, limit)]

    async def rows(self, *, after: int, until: int, limit: int) -> list[Row]:
        """At most `limit` rows of the chain after one number and up to another, in order. Raises AuditUnavailable."""
        found = await self._read(_ROWS, after, until, limit)
        if self.replica is not None and len(found) < limit and (not found or found[-1]["seq"] < until):
            found = await self._read_primary(_ROWS, after, until, limit)  # the rest may be on its way to the replica
        return [row_of(row) for row in found]

    async def find(self, where: AuditWhere, after: Place | None, limit: int) -> list[Row]:
        """At most `limit` events, the newest first. Raises AuditUnavailable, or INVALID for a bad SQL/JSON path."""
        sql, values = select(where, after, limit)
        try:
            return [row_of(row) for row in await self._read(sql, *values)]
        except (asyncpg.PostgresSyntaxError, asyncpg.DataError) as error:
            raise VaultError(Code.INVALID, f"This cannot be looked for: {error}.", path=("where",)) from None

    async def row(self, event_id: str) -> Row | None:
        """One event by its id. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            row = await connection.fetchrow(_ROW, event_id)
        return None if row is None else row_of(row)

    async def subjects(self, since: datetime | None, until: datetime | None, limit: int) -> list[str]:
        """At most `limit` of those who did something between two moments. Raises AuditUnavailable."""
        return [row["subject"] for row in await self._read(_SUBJECTS, since, until, limit)]

    async def named(self, name: EventName) -> list[Event]:
        """Every event of this name, for those of which there are few. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            return [row_of(row).event for row in await connection.fetch(_NAMED, name.value)]

    async def misplaced(self) -> int:
        """How many rows found no partition of their month. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            count: int = await connection.fetchval(_MISPLACED)
        return count

    async def events_of(self, item_id: str, limit: int) -> list[Event]:
        """The newest `limit` (1 to 1000) events of a folder or file, newest first, without their topics."""
        if not 1 <= limit <= EVENTS_MAX:
            raise ValueError(f"limit is 1 to {EVENTS_MAX}")
        async with self._primary.connection() as connection:
            return [row_of(row).event for row in await connection.fetch(_EVENTS_OF, item_id, limit)]

    async def downloads_of(self, item_id: str, version_number: int, limit: int) -> list[Downloads]:
        """Who began to download a version, the first of them first; pictures of it do not count."""
        async with self._primary.connection() as connection:
            return [
                Downloads(**row)
                for row in await connection.fetch(audit_query.DOWNLOADS, item_id, version_number, limit)
            ]

    async def around(self, item_ids: Sequence[str], since: datetime, until: datetime, limit: int) -> list[Event]:
        """What tells of the access to some items around a time, in its order; more than `limit` where it is more."""
        async with self._primary.connection() as connection:
            found = await connection.fetch(audit_query.AROUND, item_ids, sorted(TELLING), since, until, limit + 1)
        return [row.event for row in sorted(map(row_of, found), key=lambda row: (row.event.at, row.seq))]

    async def readings(self, item_id: str, since: datetime, until: datetime, limit: int) -> list[Reading]:
        """At most `limit` of those who read an item in a time, the first of them first. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            found = await connection.fetch(audit_query.READINGS, item_id, since, until, limit)
        return [Reading(**{**row, "kind": ReadingKind(row["kind"])}) for row in found]

    async def begun_at(self) -> datetime | None:
        """The time of the log's first event. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            begun: datetime | None = await connection.fetchval("SELECT min(at) FROM audit.events")
        return begun

    async def make_months(self, now: datetime) -> None:
        """Make the partitions of the months ahead; tries once a day, since a try may hold appends up for a moment.

        Raises AuditUnavailable, also while somebody reads the log for long.
        """
        today = now.astimezone(UTC).date()
        if self._months_tried_on == today:
            return
        self._months_tried_on = today
        async with self._primary.connection() as connection:
            for (name,) in await connection.fetch("SELECT audit.make_partitions($1)", MONTHS_AHEAD):
                _log.info("made audit partition %s", name)

    async def hold_month(self, month: date, reason: str) -> None:
        """Keep a month, by its first day, until the database's owner lets it go. Raises AuditUnavailable."""
        async with self._primary.connection() as connection:
            await connection.execute(_HOLD, month, reason)

    async def drop_month(self, month: date, event: Event) -> Row:
        """Drop a month, by its first day; the event, with what went, becomes the row of the chain that is returned.

        One transaction, so both or neither. Raises AuditUnavailable, or INVALID for a month that may not go.
        """
        async with self._primary.connection() as connection:
            try:
                async with connection.transaction():
                    return await _drop_month(connection, month, event)
            except asyncpg.RestrictViolationError as error:
                raise VaultError(Code.INVALID, f"Nothing was dropped: {error}.") from None

    async def _read(self, sql: str, *values: object) -> list[Any]:  # Any: asyncpg publishes no types
        """From the replica while that is fresh and answers, else from the primary."""
        if self.replica is not None and await self.replica.is_fresh():
            try:
                async with self.replica.pool.connection() as connection:
                    return list(await connection.fetch(sql, *values))
            except AuditUnavailable:
                self.replica.mistrust()
        return await self._read_primary(sql, *values)

    async def _read_primary(self, sql: str, *values: object) -> list[Any]:  # Any: as above
        async with self._primary.connection() as connection:
            return list(await connection.fetch(sql, *values))


async def _append(connection: Any, events: Sequence[Event]) -> list[Any]:  # Any: asyncpg publishes no types
    times = [event.at for event in events]
    found = await connection.fetchrow(_KNOWN, [event.id for event in events], min(times), max(times))
    known = set(found["ids"])
    new = {event.id: event for event in events if event.id not in known}
    if not new:
        return []
    rows = linked(await _head(connection), new.values(), found["now"])
    added: list[Any] = await connection.fetch(_APPEND, canonical(rows))
    return added


async def _drop_month(connection: Any, month: date, event: Event) -> Row:  # Any: asyncpg publishes no types
    await connection.execute(_LOCK)
    runs = await connection.fetchval("SELECT audit.month_runs($1)", month, timeout=_DROP_SECONDS)
    event = replace(event, details={**event.details, "runs": parsed(runs)})
    (plain,) = linked(await _head(connection), [event], await connection.fetchval("SELECT now()"))
    del plain[HASH]  # the database makes it
    await connection.execute("SELECT audit.drop_month($1, $2)", month, canonical(plain), timeout=_DROP_SECONDS)
    return row_of(await connection.fetchrow(_ROW, event.id))


async def _head(connection: Any) -> Head:  # Any: asyncpg publishes no types
    row = await connection.fetchrow(_HEAD)
    return EMPTY if row is None else Head(row["seq"], row["hash"])
