"""Storage classes as a contract: what AWS asks of each, when files move on, and what all of it costs.

The bucket's lifecycle rules, the local S3 server's, the cost model and the documentation are made from these tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB  # what an S3 bill calls a GB
FILES_PREFIX = "files/"  # sealed versions; tails and thumbnails are read too soon or too often to move
ABANDONED_UPLOAD_DAYS = 7  # the vault drops its own after a day: this is for what it has lost
RESTORE_DAYS_MAX = 30
RESTORE_HOURS = 12  # S3 User Guide, "Archive retrieval options": DEEP_ARCHIVE, Standard, "within 12 hours"


class StorageTier(StrEnum):
    """The storage class that holds a version's bytes, by S3's own name; the colder stand later."""

    STANDARD = "STANDARD"
    STANDARD_IA = "STANDARD_IA"
    GLACIER_IR = "GLACIER_IR"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"

    @property
    def rank(self) -> int:
        """How cold it is; a lifecycle rule only ever adds to it."""
        return list(StorageTier).index(self)

    @property
    def is_archive(self) -> bool:
        """Whether nothing can be read before it was restored."""
        return self is StorageTier.DEEP_ARCHIVE


@dataclass(frozen=True, slots=True)
class Terms:
    """What a class bills of an object whatever it holds and however short it stays.

    `overhead_bytes` are added at the class's own rate, `index_bytes` at that of STANDARD.
    Source: S3 User Guide, "Understanding and managing Amazon S3 storage classes" and "Transitioning objects".
    """

    days_min: int = 0
    billed_bytes_min: int = 0
    overhead_bytes: int = 0
    index_bytes: int = 0


TERMS: Mapping[StorageTier, Terms] = {
    StorageTier.STANDARD: Terms(),
    StorageTier.STANDARD_IA: Terms(days_min=30, billed_bytes_min=128 * KIB),
    StorageTier.GLACIER_IR: Terms(days_min=90, billed_bytes_min=128 * KIB),
    StorageTier.DEEP_ARCHIVE: Terms(days_min=180, overhead_bytes=32 * KIB, index_bytes=8 * KIB),
}
STANDARD_DAYS_MIN = 30  # S3 refuses a move to STANDARD_IA earlier; no move of ours is earlier


@dataclass(frozen=True, slots=True)
class Transition:
    """To which class an object moves, and how many days after it was made."""

    to: StorageTier
    after_days: int


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """One rule of the bucket, for objects under `prefix` of more than `over_bytes` and at most `up_to_bytes`.

    No step leaves a class before its minimum duration, so no rule ever pays for days that it did not use.
    """

    id: str
    prefix: str
    over_bytes: int
    up_to_bytes: int | None
    transitions: tuple[Transition, ...]

    def __post_init__(self) -> None:
        """Refuse what S3 would refuse, or would take and bill for nothing."""
        stays = [(StorageTier.STANDARD, 0), *((step.to, step.after_days) for step in self.transitions)]
        for (tier, since), (colder, until) in pairwise(stays):
            if colder.rank <= tier.rank:
                raise ValueError(f"{self.id}: objects only move to colder classes")
            if until - since < max(TERMS[tier].days_min, STANDARD_DAYS_MIN if tier is StorageTier.STANDARD else 0):
                raise ValueError(f"{self.id}: objects leave {tier} before its minimum duration")
        if self.up_to_bytes is not None and self.up_to_bytes <= self.over_bytes:
            raise ValueError(f"{self.id}: no object is of such a size")

    def covers(self, key: str, size_bytes: int) -> bool:
        """Whether the rule is for this object."""
        fits = self.up_to_bytes is None or size_bytes <= self.up_to_bytes
        return key.startswith(self.prefix) and self.over_bytes < size_bytes and fits

    def tier_after(self, days: int) -> StorageTier:
        """The class of an object so many days after it was made."""
        return next((step.to for step in reversed(self.transitions) if step.after_days <= days), StorageTier.STANDARD)


# A move costs the same for 1 KB and for 1 GB, and S3's price for it less than our own note of it. Above 2 MiB each step
# is paid back by its own stay; below, one large step is worth it; at 128 KiB and less none is (`vaultstream costs`).
RULES = (
    LifecycleRule(
        "files",
        FILES_PREFIX,
        over_bytes=2 * MIB,
        up_to_bytes=None,
        transitions=(
            Transition(StorageTier.STANDARD_IA, 30),
            Transition(StorageTier.GLACIER_IR, 90),
            Transition(StorageTier.DEEP_ARCHIVE, 180),
        ),
    ),
    LifecycleRule(
        "small-files",
        FILES_PREFIX,
        over_bytes=128 * KIB,
        up_to_bytes=2 * MIB,
        transitions=(Transition(StorageTier.GLACIER_IR, 90),),
    ),
)


def rule_for(key: str, size_bytes: int, rules: tuple[LifecycleRule, ...] = RULES) -> LifecycleRule | None:
    """The rule under which an object moves; None for what stays where it is."""
    return next((rule for rule in rules if rule.covers(key, size_bytes)), None)


@dataclass(frozen=True, slots=True)
class TierPrices:
    """US dollars for one class. `transition` is the move into it; `retrieval_gb` and `restore` are for reading from it
    (`restore` by one Standard RestoreObject).
    """

    gb_month: float
    put_per_1000: float
    get_per_1000: float
    transition_per_1000: float = 0.0
    retrieval_gb: float = 0.0
    restore_per_1000: float = 0.0


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars in one region on one day, on demand, first step of each scale, no free tier."""

    region: str
    as_of: date
    source: str
    tiers: Mapping[StorageTier, TierPrices]
    kms_per_10000: float
    kms_key_month: float
    table_reads_million: float
    table_writes_million: float
    table_gb_month: float


PRICES = Prices(
    region="us-east-1",
    as_of=date(2025, 1, 1),
    source="aws.amazon.com/{s3,kms,dynamodb}/pricing; to be checked before a budget rests on it",
    tiers={
        StorageTier.STANDARD: TierPrices(0.023, 0.005, 0.0004),
        StorageTier.STANDARD_IA: TierPrices(0.0125, 0.01, 0.001, 0.01, 0.01),
        StorageTier.GLACIER_IR: TierPrices(0.004, 0.02, 0.01, 0.02, 0.03),
        StorageTier.DEEP_ARCHIVE: TierPrices(0.00099, 0.05, 0.0004, 0.05, 0.02, 0.10),
    },
    kms_per_10000=0.03,
    kms_key_month=1.0,
    table_reads_million=0.125,
    table_writes_million=0.625,
    table_gb_month=0.25,
)
