"""What tiering saves on a stated workload with all fees in, where it saves nothing, and how many calls of KMS are made.

    python -m benchmarks.costs [--quick] [--write]

The dollars are a model's, from the price table in `vaultstream.tiers`. The calls of KMS and the units of DynamoDB are
counted on a run of the vault's own code against its embedded parts.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import report
from benchmarks.vault import dev_vault, own_world
from vaultstream import costs
from vaultstream.actions import account, download, process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault, opened
from vaultstream.costs import CostLine, Use
from vaultstream.events import Event, EventName
from vaultstream.ids import FileId
from vaultstream.settings import Settings
from vaultstream.tiers import GIB, KIB, MIB, PRICES, RULES, StorageTier
from vaultstream.workers import audit, scan, thumbnail

YEARS = 3
DAYS = 365 * YEARS
# A vault of documents: most files are small, most bytes are in large ones. Share of the files, size, reads.
WORKLOAD = (
    ("notes and forms", 0.30, 60 * KIB),
    ("documents", 0.35, 800 * KIB),
    ("scans and slides", 0.25, 6 * MIB),
    ("pictures and archives", 0.08, 40 * MIB),
    ("films and backups", 0.02, 1 * GIB),
)
FILES = 1_000_000
USE = Use(first_month_reads=3, month_reads=0.02, cached=0.5)
SIZES = (60 * KIB, 256 * KIB, MIB, 3 * MIB, 10 * MIB, 100 * MIB, GIB)
READS = (0.0, 0.02, 0.1, 0.5, 1.0, 4.0)


def bill(rules: tuple[Any, ...], use: Use = USE) -> costs.Bill:  # Any: rules, or none
    """Of the whole workload over the years."""
    total = costs.Bill()
    for _, share, size in WORKLOAD:
        total += costs.life(size, DAYS, use, rules=rules).times(FILES * share)
    return total


def saving(size: int, reads: float) -> float:
    """The share of the bill that the rules save for one file of this size, read so often a month."""
    use = Use(first_month_reads=max(1.0, reads), month_reads=reads, cached=0.5)
    return 1 - costs.life(size, DAYS, use).total_usd / costs.life(size, DAYS, use, rules=()).total_usd


def model() -> str:
    """The workload's two bills, and the saving by size and use."""
    tiered, plain = bill(RULES), bill(())
    rows = [
        (line.value.lower().replace("_", " "), f"{plain.lines.get(line, 0):,.0f}", f"{tiered.lines.get(line, 0):,.0f}")
        for line in CostLine
    ]
    stored = (CostLine.STORAGE, CostLine.OVERHEAD, CostLine.MINIMUM_DURATION, CostLine.TRANSITIONS, CostLine.RETRIEVAL)
    kept, moved = (sum(each.lines.get(line, 0) for line in stored) for each in (plain, tiered))
    rows.append(("**all**", f"**{plain.total_usd:,.0f}**", f"**{tiered.total_usd:,.0f}**"))
    classes = ", ".join(f"{tier} {tiered.storage.get(tier, 0):,.0f}" for tier in StorageTier)
    gib = sum(FILES * share * size for _, share, size in WORKLOAD) / GIB
    shares = "; ".join(f"{share:.0%} {name} of {_size(size)}" for name, share, size in WORKLOAD)
    grid = [(_size(size), *(f"{saving(size, reads):.0%}" for reads in READS)) for size in SIZES]
    what = (
        f"{FILES:,} files, {gib:,.0f} GiB ({shares}), each kept {YEARS} years, read {USE.first_month_reads:g} times in "
        f"its first month and {USE.month_reads:g} times in each later one. Prices of {PRICES.region} as of "
        f"{PRICES.as_of:%Y-%m-%d} ({PRICES.source}), in US dollars for the whole time."
    )
    saved = (
        f"Storage with all its fees (overhead, minimum durations, transitions, retrieval): {kept:,.0f} → {moved:,.0f}, "
        f"**{1 - moved / kept:.1%} less**; the whole bill {1 - tiered.total_usd / plain.total_usd:.1%} less. "
        f"By class: {classes}."
    )
    where = (
        f"The saving on the whole bill of one file over {YEARS} years, by size and reads a month (negative: the rules "
        "cost more than they save):"
    )
    bills = report.table(("line", "all in STANDARD", "by the rules"), rows)
    return "\n\n".join([what, bills, saved, where, report.table(("size", *(f"{reads:g}" for reads in READS)), grid)])


def picture() -> None:
    """The saving against reads a month, a line for each size."""
    made, axes = report.figure()
    reads = [0.005 * 1.35**step for step in range(25)]
    for size in SIZES:
        axes.plot(reads, [100 * saving(size, each) for each in reads], label=_size(size))
    axes.set_xscale("log")
    axes.set_ylim(-100, 100)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set_xlabel("whole reads a month after the first")
    axes.set_ylabel(f"saved over {YEARS} years, % of the whole bill")
    axes.legend(title="file")
    report.keep_picture(made, "costs")


def _size(size: int) -> str:
    return next(f"{size / unit:g} {name}" for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")) if size >= unit)


@dataclass(slots=True)
class Calls:
    """What went to KMS, S3 and DynamoDB, since the last `take`."""

    kms: Counter[str] = field(default_factory=Counter)
    s3: Counter[str] = field(default_factory=Counter)
    reads: float = 0.0
    writes: float = 0.0

    def take(self) -> "Calls":
        """All of it; what follows is counted anew."""
        taken = replace(self)
        self.kms, self.s3, self.reads, self.writes = Counter(), Counter(), 0.0, 0.0
        return taken


_OF_BODIES = ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "GetObject")
_WRITES = ("TransactWriteItems", "BatchWriteItem", "PutItem", "UpdateItem", "DeleteItem")


@contextmanager
def counted(vault: Vault) -> Iterator[Calls]:
    """Every call on its way, by botocore's own events: the product's code is as it is."""
    calls = Calls()

    def of(counter: str) -> Any:  # Any: botocore's own shapes, here and below
        def sent(event_name: str, **_: Any) -> None:
            getattr(calls, counter)[event_name.rpartition(".")[2]] += 1

        return sent

    def asks(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def answers(parsed: dict[str, Any], event_name: str, **_: Any) -> None:
        used = parsed.get("ConsumedCapacity", ())
        units = sum(each["CapacityUnits"] for each in ([used] if isinstance(used, dict) else used))
        if event_name.rpartition(".")[2] in _WRITES:
            calls.writes += units
        else:
            calls.reads += units

    keys, blobs, records = vault.keys._client, vault.blobs._client, vault.records._client  # noqa: SLF001
    keys.meta.events.register("before-send.kms", of("kms"))
    blobs.meta.events.register("before-send.s3", of("s3"))
    for verb in ("Query", "GetItem", "BatchGetItem", *_WRITES):
        records.meta.events.register(f"before-parameter-build.dynamodb.{verb}", asks)
        records.meta.events.register(f"after-call.dynamodb.{verb}", answers)
    yield calls


async def stored(vault: Vault, actor: Actor) -> FileId:
    """A file from its first byte until it is clean and in the audit log, by the vault's own actions and workers."""
    wanted = Wanted(name=vault.unique(), size_bytes=64 * KIB, content_type="text/plain")
    begun = await upload.begin(vault, actor, wanted)

    async def data() -> AsyncIterator[bytes]:
        yield b"benchmark\n" * 6_553 + b"123456"

    await upload.receive(vault, actor, begun.id, 0, data())
    told = Event(vault.unique(), EventName.VERSION_STORED, vault.now(), "benchmark", "1", begun.target.file_id, 1)
    await scan.handle(vault, told)
    await thumbnail.handle(vault, told)
    await logged(vault)
    return begun.target.file_id


async def logged(vault: Vault) -> None:
    """What is in the outbox goes to the audit log."""
    for shard in range(4):
        while events := await vault.records.undelivered(f"OUTBOX#{shard}", "9", 100):
            await audit.handle_batch(vault, events)


async def read(vault: Vault, actor: Actor, file_id: FileId) -> None:
    """A whole download, with its access check and its event."""
    content = await download.open(vault, actor, file_id)
    await content.record(0, content.size_bytes)
    async for _ in content.read(0, content.size_bytes):
        pass


async def run(settings: Settings, name: str, files: int, reads: int) -> tuple[Calls, Calls]:
    """Counts of a run: of the uploads, and of the reads."""
    async with opened(await own_world(settings, name)) as vault:
        origin = Origin("benchmark", "127.0.0.1", "benchmark")
        actor = Actor(
            await account.sign_in(vault, "alice@example.com", "Alice", origin),
            origin,
            datetime.now(UTC) + timedelta(hours=1),
        )
        with counted(vault) as calls:
            await logged(vault)
            calls.take()
            file_ids = [await stored(vault, actor) for _ in range(files)]
            uploads = calls.take()
            for file_id in file_ids:
                found = await process.load(vault, file_id, 1)
                assert found is not None
                assert found[0].current.scan.lets_out
            calls.take()
            vault.keys.flush()  # who reads is another process than who scanned
            for _ in range(reads):
                await asyncio.gather(*(read(vault, actor, file_id) for file_id in file_ids))
                await logged(vault)
            return uploads, calls.take()


def keys(settings: Settings, files: int, reads: int) -> str:
    """KMS with and without the key cache and the Bucket Key, and the table's units of one file and one read."""
    rows = []
    for label, seconds in (("neither", 0), ("key cache and Bucket Key", 60)):
        own = replace(settings, key_cache_seconds=seconds)
        uploads, reading = asyncio.run(run(own, f"costs-{seconds}", files, reads))
        ours = uploads.kms + reading.kms
        bodies = sum((uploads.s3 + reading.s3)[verb] for verb in _OF_BODIES)
        s3 = bodies if seconds == 0 else bodies * costs.S3_CALLS_LEFT
        rows.append((label, ours["GenerateDataKey"], ours["Decrypt"], bodies, s3, sum(ours.values()) + s3))
    without, having = rows[0][-1], rows[1][-1]
    shown = [(row[0], *(f"{number:,.0f}" for number in row[1:])) for row in rows]
    head = ("", "GenerateDataKey", "Decrypt", "S3 requests for bodies", "S3's own calls", "all calls of KMS")
    ours = [row[1] + row[2] for row in rows]
    what = (
        f"{files} files of 64 KiB are stored, scanned, given thumbnails, and each read whole {reads} times, one after "
        "the other. Our calls are counted as they are sent. S3's own are one for each request for an object's bytes "
        f"without a Bucket Key, and {costs.S3_CALLS_LEFT:.0%} of that with one (AWS: “up to 99 percent”), for the "
        "local S3 makes none."
    )
    fewer = f"Ours alone: {1 - ours[1] / ours[0]:.1%} fewer. All: **{1 - having / without:.1%} fewer**."
    table = (
        f"DynamoDB units, events and audit log included: a file {uploads.writes / files:.0f} written and "
        f"{uploads.reads / files:.0f} read, a download {reading.writes / files / reads:.1f} written and "
        f"{reading.reads / files / reads:.1f} read. The model takes {costs.TABLE_WRITES}, {costs.TABLE_READS}, "
        f"{costs.TABLE_WRITES_OF_A_READ} and {costs.TABLE_READS_OF_A_READ}."
    )
    return "\n\n".join([what, report.table(head, shown), fewer, table])


def main() -> None:
    """Both parts, in one report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer files and reads")
    parser.add_argument("--write", action="store_true", help="keep the report and its picture in results/")
    chosen = parser.parse_args()
    files, reads = (4, 50) if chosen.quick else (3, 600)
    with dev_vault() as vault:
        counts = keys(vault.settings(), files, reads)
    told = f"# Costs\n\n## What tiering saves\n\n{model()}\n\n## Calls of KMS\n\n{counts}\n"
    if not chosen.write:
        print(told)
        return
    report.write("costs", told)
    picture()


if __name__ == "__main__":
    main()
