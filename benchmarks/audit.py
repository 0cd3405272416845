"""The audit log: events a second into PostgreSQL, searches beside an unpartitioned table, export and proof.

    python -m benchmarks.audit                               # 200,000 rows over 24 months: about a minute
    python -m benchmarks.audit --rows 10000000 --write       # about ten minutes and 15 GB of disk

Everything runs on a PostgreSQL of its own, in a temporary folder.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks import audit_report
from benchmarks.audit_report import Figures, Plan, Way
from benchmarks.audit_rows import MONTHS, Log, event, fill, server
from vaultstream.adapters.audit_log import AuditLog
from vaultstream.adapters.audit_migrations import migrate
from vaultstream.audit_chain import Head, canonical
from vaultstream.audit_proof import Checkpoint, Prover
from vaultstream.audit_query import AuditWhere, select
from vaultstream.local import postgres
from vaultstream.settings import Secret

PAGE = 500  # rows that are exported in one go
PROVED_MAX = 1_000_000  # rows that are exported and proved
BATCHES = (10, 100, 1000)
_ROUNDS = 5


def searches(log: Log) -> dict[str, AuditWhere]:
    """What is looked for, in words and as the vault asks it."""
    day, detail = log.start + timedelta(days=MONTHS * 15), "$.size_bytes == 310"
    return {
        "a day of one person": AuditWhere(subject="user_7", since=day, until=day + timedelta(days=1)),
        "an hour of everybody": AuditWhere(since=day, until=day + timedelta(hours=1)),
        "an item's history": AuditWhere(item_id="file_7"),
        "a detail, in a week": AuditWhere(detail=detail, since=log.start, until=log.start + timedelta(days=7)),
        "a detail, ever": AuditWhere(detail=detail),
    }


async def explain(owner: Any, where: AuditWhere, table: str) -> Plan:  # Any: asyncpg publishes no types
    """The quickest of some plans that were run: what it read, and how long it took."""
    sql, values = select(where, None, 100)
    text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql.replace('audit.events', table)}"
    plans = [json.loads(await owner.fetchval(text, *values))[0] for _ in range(_ROUNDS)]
    best = min(plans, key=lambda plan: plan["Planning Time"] + plan["Execution Time"])
    scans = list(_scans(best["Plan"]))
    return Plan(
        planned_ms=best["Planning Time"],
        ran_ms=best["Execution Time"],
        pages=best["Plan"]["Shared Hit Blocks"] + best["Plan"]["Shared Read Blocks"],
        tables=len({relation for relation, _, loops in scans if relation and loops}),
        indexes=sorted({_columns(index) for _, index, loops in scans if index and loops}),
    )


def _scans(plan: dict[str, Any]) -> Iterator[tuple[str | None, str | None, int]]:  # Any: a plan in JSON
    if "Relation Name" in plan or "Index Name" in plan:
        yield plan.get("Relation Name"), plan.get("Index Name"), plan["Actual Loops"]
    for inner in plan.get("Plans", []):
        yield from _scans(inner)


def _columns(index: str) -> str:
    """What an index is over, by its name: `events_2025_03_item_id_at_seq_idx`, `flat_events_item_at`."""
    words = index.removeprefix("flat_").removeprefix("events_").removesuffix("_idx").split("_")
    return "_".join(word for word in words if not word.isdigit() and word not in {"default", "id", "seq"})


async def export(app_dsn: str, head: Head, path: Path, key: ec.EllipticCurvePrivateKey) -> Way:
    """Rows and MB a second into a file, and how much memory grew over the second half."""
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
    return Way(seq, _size_mb(path), taken, _peak_mb() - half)


def verify(path: Path, key: ec.EllipticCurvePrivateKey) -> Way:
    """Rows proved, how long that took, and how much memory grew."""
    prover, before, begun = Prover(key.public_key()), _peak_mb(), time.perf_counter()
    with path.open("rb") as lines:
        for line in lines:
            prover.take(line.removesuffix(b"\n"))
    proof = prover.finish()
    return Way(proof.rows, _size_mb(path), time.perf_counter() - begun, _peak_mb() - before)


def _size_mb(path: Path) -> float:
    return path.stat().st_size / 1e6


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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


async def measure(rows: int, folder: Path) -> Figures:
    """Load, then measure on a server that was started anew."""
    place, password, proved = folder / "postgresql", Secret(postgres.new_password()), min(rows, PROVED_MAX)
    begun = time.perf_counter()
    with server(place, password, loading=True) as (owner_dsn, _):
        await migrate(owner_dsn, app_password="app")
        log = await fill(owner_dsn, rows, proved)
    loaded_seconds = time.perf_counter() - begun
    with server(place, password) as (owner_dsn, app_dsn):
        owner = await asyncpg.connect(owner_dsn)
        plans = {
            name: (await explain(owner, where, "audit.events"), await explain(owner, where, "audit.flat"))
            for name, where in searches(log).items()
        }
        sizes = [await owner.fetchval(text) / 1e6 for text in audit_report.SIZES]
        await owner.execute("DROP TABLE audit.flat")  # the export takes its place
        await owner.close()
        key, path = ec.generate_private_key(ec.SECP256R1()), folder / "log.ndjson"
        exported = await export(app_dsn, log.heads[proved], path, key)
        return Figures(
            rows=rows,
            loaded_seconds=loaded_seconds,
            sizes_mb=(sizes[0], sizes[1]),
            plans=plans,
            exported=exported,
            verified=verify(path, key),
            appended={batch: await append(app_dsn, min(20 * batch, 20_000), batch) for batch in BATCHES},
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--write", action="store_true", help="keep the report and its picture")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="audit-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)
        audit_report.told(asyncio.run(measure(asked.rows, Path(place))), keep=asked.write)
