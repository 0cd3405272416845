"""The audit log: events a second into PostgreSQL, three searches beside an unpartitioned table, export and proof.

    python -m benchmarks.audit                       # 200,000 rows over 24 months: about a minute
    python -m benchmarks.audit --rows 10000000

Everything runs on a PostgreSQL of its own, in a temporary folder.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from vaultstream.adapters.audit_log import AuditLog
from vaultstream.adapters.audit_migrations import APP_ROLE, migrate
from vaultstream.audit_chain import EMPTY, HASH, Head, canonical, linked
from vaultstream.audit_proof import Checkpoint, Prover
from vaultstream.audit_query import COLUMNS, AuditWhere, select
from vaultstream.events import Event, EventName
from vaultstream.ids import ulid
from vaultstream.local import postgres
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.settings import Secret

MONTHS = 24
PEOPLE, ITEMS = 500, 20_000
PAGE = 2000
NAMES = (EventName.DOWNLOAD_BEGUN, EventName.FILE_RENAMED, EventName.VERSION_STORED, EventName.FOLDER_CREATED)
FLAT = """
CREATE TABLE audit.flat (LIKE audit.events);
INSERT INTO audit.flat SELECT * FROM audit.events;
SET maintenance_work_mem = '256MB';
ALTER TABLE audit.flat ADD PRIMARY KEY (id, at);
CREATE INDEX ON audit.flat (at, seq);
CREATE INDEX ON audit.flat (subject, at, seq);
CREATE INDEX ON audit.flat (item_id, at, seq);
CREATE INDEX ON audit.flat USING gin (details jsonb_path_ops);
"""


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """A durable PostgreSQL; gives the owner's address and the application's."""
    port, password = free_port(), Secret(postgres.new_password())
    postgres.make_cluster(folder, password)
    process = Process(postgres.postgres(folder, port), folder)
    process.wait_ready()
    try:
        yield postgres.dsn(port, password).reveal(), f"postgresql://{APP_ROLE}:app@127.0.0.1:{port}/postgres"
    finally:
        process.stop()


def event(number: int, at: datetime) -> Event:
    """One of many: a few people, many items."""
    return Event(
        ulid(int(at.timestamp() * 1000), number.to_bytes(10)),
        NAMES[number % len(NAMES)],
        at,
        f"user_{number * 7919 % PEOPLE}",
        f"request_{number}",
        item_id=f"file_{number * 104_729 % ITEMS}",
        version_number=1,
        details={"size_bytes": number * 31 % 1_000_000, "start": 0, "stop": number % 65_536},
    )


async def append(app_dsn: str, count: int, batch: int) -> float:
    """Events a second through the adapter, as the worker calls it."""
    log, now = AuditLog(app_dsn), datetime.now(UTC)
    events = [event(batch * 10**9 + number, now) for number in range(count)]
    await log.append(events[:1])
    begun = time.perf_counter()
    for at in range(0, count, batch):
        await log.append(events[at : at + batch])
    taken = time.perf_counter() - begun
    await log.close()
    return count / taken


async def fill(owner: Any, rows: int) -> tuple[Head, datetime]:  # Any: asyncpg publishes no types
    """The same chain in both tables, spread over the months; gives its head and its first moment."""
    end = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = end - timedelta(days=MONTHS * 30)
    month = start.replace(day=1)
    while month < end:
        after = (month + timedelta(days=32)).replace(day=1)
        name = f"audit.events_{month:%Y_%m}"
        if await owner.fetchval("SELECT to_regclass($1)", name) is None:
            await owner.execute(
                f"CREATE TABLE {name} PARTITION OF audit.events FOR VALUES FROM ('{month}') TO ('{after}')"
            )
            await owner.execute(f"CALL audit.guard('{name}')")
        month = after
    step, head = (end - start) / rows, EMPTY
    columns = [column.strip() for column in COLUMNS.split(",")]
    for at in range(0, rows, 10_000):
        chunk = [event(number, start + step * number) for number in range(at, min(rows, at + 10_000))]
        plain = linked(head, chunk, end)
        head = Head(plain[-1]["seq"], bytes.fromhex(plain[-1][HASH]))
        records = [_record(row, columns) for row in plain]
        await owner.copy_records_to_table("events", schema_name="audit", records=records, columns=columns)
    await owner.execute(FLAT)
    await owner.execute("ANALYZE audit.events; ANALYZE audit.flat")
    return head, start


def _record(row: dict[str, Any], columns: list[str]) -> tuple[Any, ...]:  # Any: as COPY takes it
    made = row | {
        HASH: bytes.fromhex(row[HASH]),
        "at": datetime.fromisoformat(row["at"]),
        "received_at": datetime.fromisoformat(row["received_at"]),
        "details": json.dumps(row["details"]),
    }
    return tuple(made[column] for column in columns)


async def explain(owner: Any, where: AuditWhere, table: str) -> str:  # Any: as above
    """How long it takes (the best of five), which partitions are read, and by which index."""
    sql, values = select(where, None, 100)
    text = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.replace('audit.events', table)}"
    plans = [json.loads(await owner.fetchval(text, *values))[0] for _ in range(5)]
    best = min(plans, key=lambda plan: plan["Execution Time"])
    scans = list(_scans(best["Plan"]))
    read = {relation for relation, _, loops in scans if relation and loops}
    indexes = {index.split("_", 3)[-1] if "20" in index else index for _, index, loops in scans if index and loops}
    spent = best["Planning Time"] + best["Execution Time"]
    return f"{spent:8.2f} ms, {len(read):2d} relations read, by {', '.join(sorted(indexes)) or 'no index'}"


def _scans(plan: dict[str, Any]) -> Iterator[tuple[str | None, str | None, int]]:  # Any: a plan in JSON
    if "Relation Name" in plan or "Index Name" in plan:
        yield plan.get("Relation Name"), plan.get("Index Name"), plan["Actual Loops"]
    for inner in plan.get("Plans", []):
        yield from _scans(inner)


async def export(app_dsn: str, head: Head, path: Path, key: ec.EllipticCurvePrivateKey) -> tuple[float, float]:
    """MB a second into a file, and how much memory grew over the second half, in MB."""
    log = AuditLog(app_dsn)
    end = Checkpoint("benchmark", head.seq, head.digest, datetime.now(UTC))
    begun, seq, half = time.perf_counter(), 0, 0.0
    with path.open("w", encoding="utf-8", newline="\n") as out:  # nothing else waits here
        out.write(end.line(key.sign(end.text().encode(), ec.ECDSA(hashes.SHA256()))) + "\n")
        while rows := await log.rows(after=seq, until=head.seq, limit=PAGE):
            out.writelines(f"{canonical(row.plain())}\n" for row in rows)
            seq = rows[-1].seq
            half = half or (_peak_mb() if seq > head.seq / 2 else 0.0)
    taken = time.perf_counter() - begun
    await log.close()
    return _size_mb(path) / taken, _peak_mb() - half


def _size_mb(path: Path) -> float:
    return path.stat().st_size / 1e6


def verify(path: Path, key: ec.EllipticCurvePrivateKey) -> tuple[float, float]:
    """Rows a second proved, and how much memory grew, in MB."""
    prover, before, begun = Prover(key.public_key()), _peak_mb(), time.perf_counter()
    with path.open("rb") as lines:
        for line in lines:
            prover.take(line.removesuffix(b"\n"))
    proof = prover.finish()
    return proof.rows / (time.perf_counter() - begun), _peak_mb() - before


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main(rows: int, folder: Path) -> None:
    """Measure, and print what was seen."""
    with server(folder / "postgresql") as (owner_dsn, app_dsn):
        await migrate(owner_dsn, app_password="app")
        owner = await asyncpg.connect(owner_dsn)
        head, start = await fill(owner, rows)
        print(f"{rows:,} rows over {MONTHS} months, in partitions and in one table")  # its output
        day = start + timedelta(days=MONTHS * 15)
        searches = {
            "a day of one person": AuditWhere(subject="user_7", since=day, until=day + timedelta(days=1)),
            "an item's history": AuditWhere(item_id="file_7"),
            "a detail, in a week": AuditWhere(
                detail="$.size_bytes == 310", since=start, until=start + timedelta(days=7)
            ),
            "a detail, ever": AuditWhere(detail="$.size_bytes == 310"),
        }
        for name, where in searches.items():
            for table in ("audit.events", "audit.flat"):
                print(f"{name:20} {table:13} {await explain(owner, where, table)}")  # as above
        size = await owner.fetchval("SELECT pg_database_size(current_database())")
        print(f"disk    {size / 1e6:8,.0f} MB for both tables")  # as above
        await owner.execute("DROP TABLE audit.flat")  # the export takes its place
        await owner.close()
        key, path = ec.generate_private_key(ec.SECP256R1()), folder / "log.ndjson"
        speed, grown = await export(app_dsn, head, path, key)
        print(f"export  {speed:8.1f} MB/s, memory grew by {grown:.1f} MB in its second half")  # as above
        proved, grown = verify(path, key)
        print(f"verify  {proved:8,.0f} rows/s, memory grew by {grown:.1f} MB")  # as above
        for batch in (10, 100, 1000):
            rate = await append(app_dsn, min(20 * batch, 20_000), batch)
            print(f"append  {rate:8,.0f} events/s in batches of {batch}")  # as above


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    with tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)
        asyncio.run(main(parser.parse_args().rows, Path(place)))
