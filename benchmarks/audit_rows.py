"""A long audit log, made fast: every row in its place in the chain, in partitions and once more in one table.

Rows are text for COPY, of one fixed shape, so that a chain of ten million is made in minutes; the first thousand are
compared with what the vault itself would have linked. Loading waits for no disk; whoever measures starts anew.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from vaultstream.adapters.audit_migrations import APP_ROLE
from vaultstream.audit_chain import EMPTY, HASH, Head, linked
from vaultstream.events import Event, EventName
from vaultstream.local import postgres
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.settings import Secret

MONTHS = 24
PEOPLE, ITEMS = 500, 20_000
NAMES = (EventName.DOWNLOAD_BEGUN, EventName.FILE_RENAMED, EventName.VERSION_STORED, EventName.FOLDER_CREATED)
_COMPARED = 1000
_CHUNK = 2000  # rows that go to COPY at once
_COPIED = (
    "seq, hash, id, at, name, subject, item_id, version_number, ip, agent, request_id, decision, details, received_at"
)
_LOADING = {
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "maintenance_work_mem": "512MB",
}


@contextmanager
def server(folder: Path, password: Secret, *, loading: bool = False) -> Iterator[tuple[str, str]]:
    """PostgreSQL as the embedded stack runs it, or as it loads; the owner's address and the application's."""
    port = free_port()
    postgres.make_cluster(folder, password)
    part = postgres.postgres(folder, port)
    if loading:
        part = replace(part, command=(*part.command, *(w for pair in _LOADING.items() for w in ("-c", "=".join(pair)))))
    process = Process(part, folder)
    process.wait_ready()
    try:
        yield postgres.dsn(port, password).reveal(), f"postgresql://{APP_ROLE}:app@127.0.0.1:{port}/postgres"
    finally:
        process.stop()


def event(number: int, at: datetime) -> Event:
    """One of many: a few people, many items."""
    return Event(
        f"{at.timestamp():013.0f}{number:013d}",
        NAMES[number % len(NAMES)],
        at,
        f"user_{number * 7919 % PEOPLE}",
        f"request_{number}",
        item_id=f"file_{number * 104_729 % ITEMS}",
        version_number=1,
        details={"size_bytes": number * 31 % 1_000_000, "start": 0, "stop": number % 65_536},
    )


@dataclass(slots=True)
class Log:
    """What was loaded: when it begins and ends, and where its chain stood after some of its rows."""

    start: datetime
    end: datetime
    heads: dict[int, Head]


async def fill(owner_dsn: str, rows: int, proved: int) -> Log:
    """Both tables, spread over the months, indexed as the migrations say, and analyzed."""
    end = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    log = Log(end - timedelta(days=MONTHS * 30), end, {})
    owner: Any = await asyncpg.connect(owner_dsn)  # asyncpg publishes no types
    indexes = await _indexes(owner)
    async with owner.transaction():  # what is made in it needs no write-ahead log
        await _months(owner, log)
        await owner.execute("ALTER TABLE audit.events DROP CONSTRAINT events_pkey")
        for name in indexes.keys() - {"events_pkey"}:
            await owner.execute(f"DROP INDEX audit.{name}")
        await owner.copy_to_table(
            "events", schema_name="audit", columns=_COPIED.split(", "), source=_copied(log, rows, proved)
        )
        await owner.execute("CREATE TABLE audit.flat (LIKE audit.events)")
        await owner.execute("INSERT INTO audit.flat SELECT * FROM audit.events")
        for name, sql in indexes.items():
            await owner.execute(sql)
            await owner.execute(sql.replace(name, f"flat_{name}").replace("audit.events", "audit.flat"))
    await owner.execute("VACUUM (ANALYZE) audit.events, audit.flat")  # as autovacuum leaves them
    await owner.close()
    return log


async def _indexes(owner: Any) -> dict[str, str]:  # Any: asyncpg publishes no types
    """The statement of each index of the log, by its name."""
    found = await owner.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'audit' AND tablename = 'events'"
    )
    return {row["indexname"]: row["indexdef"].replace(" ON ONLY ", " ON ") for row in found}


async def _months(owner: Any, log: Log) -> None:  # Any: as above
    month = log.start.replace(day=1)
    while month < log.end:
        after = (month + timedelta(days=32)).replace(day=1)
        name = f"audit.events_{month:%Y_%m}"
        if await owner.fetchval("SELECT to_regclass($1)", name) is None:
            bounds = f"FROM ('{month}') TO ('{after}')"
            await owner.execute(f"CREATE TABLE {name} PARTITION OF audit.events FOR VALUES {bounds}")
            await owner.execute(f"CALL audit.guard('{name}')")
        month = after


async def _copied(log: Log, rows: int, proved: int) -> AsyncIterator[bytes]:
    """The rows as COPY takes them."""
    step, head, received = (log.end - log.start) / rows, EMPTY, log.end.isoformat()
    expected = linked(EMPTY, [event(n, log.start + step * n) for n in range(min(rows, _COMPARED))], log.end)
    for at in range(0, rows, _CHUNK):
        lines = []
        for number in range(at, min(rows, at + _CHUNK)):
            head, line = _line(head, event(number, log.start + step * number), received)
            if number < len(expected) and head.digest.hex() != expected[number][HASH]:
                raise AssertionError(f"row {number} is not what the vault would have linked")
            if head.seq in (proved, rows):
                log.heads[head.seq] = head
            lines.append(line)
        yield "".join(lines).encode()


def _line(before: Head, it: Event, received: str) -> tuple[Head, str]:
    """The chain's next head, and the row for COPY."""
    seq, at = before.seq + 1, it.at.isoformat()
    size, stop = it.details["size_bytes"], it.details["stop"]
    details = f'{{"size_bytes":{size},"start":0,"stop":{stop}}}'
    text = (
        f'{{"agent":"","at":"{at}","decision":"ALLOWED","details":{details},"id":"{it.id}","ip":"",'
        f'"item_id":"{it.item_id}","name":"{it.name.value}","reason":null,"received_at":"{received}",'
        f'"request_id":"{it.request_id}","seq":{seq},"subject":"{it.subject}","version_number":1}}'
    )
    digest = hashlib.sha256(before.digest + text.encode()).digest()
    line = (
        f"{seq}\t\\\\x{digest.hex()}\t{it.id}\t{at}\t{it.name.value}\t{it.subject}\t{it.item_id}\t1\t\t\t"
        f"{it.request_id}\tALLOWED\t{details}\t{received}\n"
    )
    return Head(seq, digest), line
