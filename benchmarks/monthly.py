"""What a month on AWS costs at three sizes: `python -m benchmarks.monthly`.

Storage, table and KMS are priced by the contract's table (`vaultstream.tiers.PRICES`); the rest by the list below, of
the same region, on demand, without free tiers. What people do is stated, and is the first thing to put right.
"""

from dataclasses import dataclass

from vaultstream.tiers import GIB, PRICES, RULES, StorageTier

HOURS = 730
MONTHS_KEPT = 36  # files of three years, brought evenly
# US dollars, us-east-1, as of 2025-01; to be checked before a budget rests on them.
FARGATE_VCPU_HOUR, FARGATE_GB_HOUR = 0.04048, 0.004445
LAMBDA_GB_SECOND, LAMBDA_WARM_GB_SECOND, LAMBDA_MILLION = 0.0000166667, 0.0000041667, 0.20
NAT_HOUR, NAT_GB, BALANCER_HOUR, ENDPOINT_HOUR = 0.045, 0.045, 0.0225, 0.01
EDGE_GB, EDGE_MILLION, FIREWALL_MONTH, FIREWALL_MILLION = 0.085, 1.0, 15.0, 0.60
BUS_MILLION, QUEUE_MILLION, TRAIL_MILLION = 1.00, 0.40, 1.00


@dataclass(frozen=True, slots=True)
class Size:
    """A vault of so many people, and the machines that stand by for them."""

    people: int
    tasks: int
    zones: int
    database_month: float  # both instances
    cache_month: float


@dataclass(frozen=True, slots=True)
class Habits:
    """What one person does in a month."""

    requests: int = 600
    uploads: int = 20
    file_bytes: int = 4 * 2**20
    downloads: int = 40


SIZES = {
    "100 people": Size(100, 1, 2, 2 * 0.065 * HOURS, 0.0128 * HOURS),
    "10,000 people": Size(10_000, 4, 3, 3 * 0.239 * HOURS, 2 * 0.175 * HOURS),
    "1,000,000 people": Size(1_000_000, 60, 3, 3 * 1.912 * HOURS, 12 * 0.35 * HOURS),
}


def bill(size: Size, habits: Habits = Habits()) -> dict[str, float]:  # it is frozen
    """US dollars of one month, by what they are for."""
    requests, uploads = size.people * habits.requests, size.people * habits.uploads
    downloads = size.people * habits.downloads
    events = 8 * uploads + downloads + requests / 20
    served_gb = downloads * habits.file_bytes / GIB
    scanners = min(size.tasks, 3) * (FARGATE_VCPU_HOUR + 4 * FARGATE_GB_HOUR)
    collector = 0.25 * FARGATE_VCPU_HOUR + 0.5 * FARGATE_GB_HOUR
    return {
        "files": _files(uploads, habits.file_bytes),
        "table": _table(requests, uploads, events),
        "keys": 3 * PRICES.kms_key_month + (3 * uploads + 0.2 * downloads) / 10_000 * PRICES.kms_per_10000,
        "API": size.tasks * (FARGATE_VCPU_HOUR + 2 * FARGATE_GB_HOUR) * HOURS
        + 2 * 1.73 * LAMBDA_WARM_GB_SECOND * 3600 * HOURS
        + requests * (0.05 * 1.73 * LAMBDA_GB_SECOND + LAMBDA_MILLION / 1e6),
        "workers": uploads * 6 * LAMBDA_GB_SECOND * 2
        + (scanners + collector) * HOURS
        + events * (BUS_MILLION + 3 * QUEUE_MILLION + LAMBDA_MILLION) / 1e6,
        "database and cache": size.database_month + size.cache_month,
        "network": size.zones * (NAT_HOUR + 6 * ENDPOINT_HOUR) * HOURS + BALANCER_HOUR * HOURS,
        "edge": served_gb * EDGE_GB + (requests + downloads) * (EDGE_MILLION + FIREWALL_MILLION) / 1e6 + FIREWALL_MONTH,
        "trail": (2 * uploads + downloads + 3 * requests) * TRAIL_MILLION / 1e6,
    }


def _files(uploads: int, file_bytes: int) -> float:
    """Every month's files in the class that their age gives them, with what it costs to bring and to move them."""
    rule = next(rule for rule in RULES if rule.covers(rule.prefix, file_bytes))
    stored = sum(PRICES.tiers[rule.tier_after(30 * age)].gb_month for age in range(MONTHS_KEPT))
    moves = sum(PRICES.tiers[step.to].transition_per_1000 for step in rule.transitions)
    brought = PRICES.tiers[StorageTier.STANDARD].put_per_1000
    return uploads * file_bytes / GIB * stored + uploads / 1000 * (moves + brought)


def _table(requests: int, uploads: int, events: float) -> float:
    kept_gb = uploads * MONTHS_KEPT * 3000 / GIB
    writes = 12 * uploads + 2 * events  # items, indexes and the outbox
    reads = 2 * requests
    return (
        reads / 1e6 * PRICES.table_reads_million
        + writes / 1e6 * PRICES.table_writes_million
        + kept_gb * PRICES.table_gb_month
    )


def main() -> None:
    """Print the table in Markdown."""
    bills = {name: bill(size) for name, size in SIZES.items()}
    print("| US dollars a month | " + " | ".join(bills) + " |")
    print("|---|" + "---:|" * len(bills))
    for part in next(iter(bills.values())):
        print(f"| {part} | " + " | ".join(f"{each[part]:,.0f}" for each in bills.values()) + " |")
    totals = [sum(each.values()) for each in bills.values()]
    print("| **all** | " + " | ".join(f"**{total:,.0f}**" for total in totals) + " |")
    people = [size.people for size in SIZES.values()]
    print("| a person | " + " | ".join(f"{total / n:,.2f}" for total, n in zip(totals, people, strict=True)) + " |")


if __name__ == "__main__":
    main()
