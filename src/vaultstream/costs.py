"""What it costs to keep a sealed file, line by line: from the tables of `tiers`, for any policy and use."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from vaultstream.tiers import FILES_PREFIX, GIB, PRICES, RULES, TERMS, LifecycleRule, Prices, StorageTier, rule_for

MONTH_DAYS = 365 / 12
READ_DAYS = 7  # how long a restored copy of an archived file is kept
PART_BYTES = 8_392_704  # of an upload: 128 frames
S3_CALLS_LEFT = 0.01  # of S3's own calls of KMS with a Bucket Key; AWS says "up to 99 percent" fewer
# Of one file: what `python -m benchmarks.costs` counts on a run of the vault, its workers and audit log included.
KEY_CALLS = 6
TABLE_WRITES = 140
TABLE_READS = 30
TABLE_READS_OF_A_READ = 5
TABLE_WRITES_OF_A_READ = 3
TABLE_WRITES_OF_A_MOVE = 24
TABLE_BYTES = 12_000


_K = TypeVar("_K", bound=StrEnum)


class CostLine(StrEnum):
    """A line of the bill."""

    STORAGE = "STORAGE"
    OVERHEAD = "OVERHEAD"
    MINIMUM_DURATION = "MINIMUM_DURATION"
    TRANSITIONS = "TRANSITIONS"
    REQUESTS = "REQUESTS"
    RETRIEVAL = "RETRIEVAL"
    KEYS = "KEYS"
    TABLE = "TABLE"


@dataclass(frozen=True, slots=True)
class Bill:
    """US dollars by line, and those for storage alone by class."""

    lines: Mapping[CostLine, float] = field(default_factory=dict)
    storage: Mapping[StorageTier, float] = field(default_factory=dict)

    @property
    def total_usd(self) -> float:
        """All lines."""
        return math.fsum(self.lines.values())

    def __add__(self, other: "Bill") -> "Bill":
        """Both bills in one."""
        return Bill(_sum(self.lines, other.lines), _sum(self.storage, other.storage))

    def times(self, count: float) -> "Bill":
        """As many of the same."""
        lines = {line: dollars * count for line, dollars in self.lines.items()}
        return Bill(lines, {tier: dollars * count for tier, dollars in self.storage.items()})


@dataclass(frozen=True, slots=True)
class Use:
    """How a file is used: whole reads in its first month, whole reads in each later one, and how keys are had.

    `cached` is the share of the reads that find their data key in the key cache; with `bucket_key` S3 asks KMS for
    one key a bucket and a while instead of one an object and a request.
    """

    first_month_reads: float = 1.0
    month_reads: float = 0.0
    cached: float = 0.0
    bucket_key: bool = True

    def reads(self, since_day: float, until_day: float) -> float:
        """Whole reads between two ages in days."""
        early = max(0.0, min(until_day, MONTH_DAYS) - min(since_day, MONTH_DAYS))
        return (early * self.first_month_reads + (until_day - since_day - early) * self.month_reads) / MONTH_DAYS


@dataclass(frozen=True, slots=True)
class Stay:
    """A file's days in one class."""

    tier: StorageTier
    since_day: float
    until_day: float


def stays(
    size_bytes: int, days: float, rules: tuple[LifecycleRule, ...] = RULES, key: str = FILES_PREFIX
) -> Iterator[Stay]:
    """Where an object is in its first days, one class after the other."""
    rule = rule_for(key, size_bytes, rules)
    moves = rule.transitions if rule else ()
    steps = [(StorageTier.STANDARD, 0.0), *((step.to, float(step.after_days)) for step in moves)]
    for (tier, since), (_, until) in pairwise([*steps, (StorageTier.STANDARD, math.inf)]):
        if since < days:
            yield Stay(tier, since, min(until, days))


def keeping(size_bytes: int, tier: StorageTier, days: float, prices: Prices = PRICES) -> Bill:
    """The storage of an object in one class for some days: its bytes, and what is billed beside them."""
    terms, months = TERMS[tier], days / MONTH_DAYS
    rate, standard = prices.tiers[tier].gb_month, prices.tiers[StorageTier.STANDARD].gb_month
    own = size_bytes / GIB * rate * months
    beside = max(terms.billed_bytes_min - size_bytes, 0) + terms.overhead_bytes
    overhead = (beside * rate + terms.index_bytes * standard) / GIB * months
    return Bill({CostLine.STORAGE: own, CostLine.OVERHEAD: overhead}, {tier: own})


def life(
    size_bytes: int,
    days: float,
    use: Use,
    *,
    rules: tuple[LifecycleRule, ...] = RULES,
    prices: Prices = PRICES,
    is_deleted: bool = False,
) -> Bill:
    """One file from its upload until so many days later, when it may be deleted."""
    bill = _upload(size_bytes, use, prices)
    for stay in stays(size_bytes, days, rules):
        bill += keeping(size_bytes, stay.tier, stay.until_day - stay.since_day, prices)
        bill += _reads(size_bytes, stay, use, prices)
        if stay.tier is not StorageTier.STANDARD:
            moved = prices.tiers[stay.tier].transition_per_1000 / 1000
            written = TABLE_WRITES_OF_A_MOVE * prices.table_writes_million / 1e6
            bill += Bill({CostLine.TRANSITIONS: moved, CostLine.TABLE: written})
        if is_deleted and stay.until_day == days:
            missing = TERMS[stay.tier].days_min - (stay.until_day - stay.since_day)
            early = keeping(size_bytes, stay.tier, max(missing, 0.0), prices).total_usd
            bill += Bill({CostLine.MINIMUM_DURATION: early})
    items = TABLE_BYTES / GIB * prices.table_gb_month * days / MONTH_DAYS
    return bill + Bill({CostLine.TABLE: items})


def _upload(size_bytes: int, use: Use, prices: Prices) -> Bill:
    """Stored, scanned and given thumbnails: a data key is made for each, and opened to read it."""
    parts = max(1, math.ceil(size_bytes / PART_BYTES))
    standard = prices.tiers[StorageTier.STANDARD]
    of_s3 = (parts + 2) * (S3_CALLS_LEFT if use.bucket_key else 1)
    table = TABLE_WRITES * prices.table_writes_million + TABLE_READS * prices.table_reads_million
    return Bill(
        {
            CostLine.REQUESTS: ((parts + 2) * standard.put_per_1000 + standard.get_per_1000) / 1000,
            CostLine.KEYS: (KEY_CALLS + of_s3) * prices.kms_per_10000 / 10_000,
            CostLine.TABLE: table / 1e6,
        }
    )


def _reads(size_bytes: int, stay: Stay, use: Use, prices: Prices) -> Bill:
    """Whole reads from a class; from the archive each is a restore first, and a copy in STANDARD for a week."""
    reads, own = use.reads(stay.since_day, stay.until_day), prices.tiers[stay.tier]
    retrieval = size_bytes / GIB * own.retrieval_gb
    if stay.tier.is_archive:
        retrieval += own.restore_per_1000 / 1000
        retrieval += keeping(size_bytes, StorageTier.STANDARD, READ_DAYS, prices).total_usd
    calls = (1 - use.cached) + (S3_CALLS_LEFT if use.bucket_key else 1)
    table = TABLE_READS_OF_A_READ * prices.table_reads_million + TABLE_WRITES_OF_A_READ * prices.table_writes_million
    one = Bill(
        {
            CostLine.REQUESTS: own.get_per_1000 / 1000,
            CostLine.RETRIEVAL: retrieval,
            CostLine.KEYS: calls * prices.kms_per_10000 / 10_000,
            CostLine.TABLE: table / 1e6,
        }
    )
    return one.times(reads)


def _sum(one: Mapping[_K, float], other: Mapping[_K, float]) -> Mapping[_K, float]:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in [*one, *(key for key in other if key not in one)]}
