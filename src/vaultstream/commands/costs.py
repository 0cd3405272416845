"""`vaultstream costs`: the price table, and what files cost by the rules, without them, and by a policy of yours."""

import argparse
import sys

from vaultstream import costs
from vaultstream.costs import MONTH_DAYS, Bill, CostLine, Use
from vaultstream.tiers import FILES_PREFIX, MIB, PRICES, RULES, LifecycleRule, StorageTier, Transition


def main() -> None:
    """Read the workload off the command line, and print the bills side by side."""
    chosen = _parser().parse_args()
    size, days = int(chosen.mib * MIB), chosen.months * MONTH_DAYS
    use = Use(chosen.reads, chosen.reads, cached=chosen.cached, bucket_key=not chosen.no_bucket_key)
    policies = {"all in STANDARD": (), "by the rules": RULES}
    if chosen.policy is not None:
        policies["by --policy"] = (chosen.policy,)
    bills = {name: costs.life(size, days, use, rules=rules).times(chosen.files) for name, rules in policies.items()}
    sys.stdout.write(_prices() + "\n")
    sys.stdout.write(
        f"{chosen.files:,} files of {chosen.mib:g} MiB for {chosen.months:g} months, each read {chosen.reads:g} times "
        "a month; US dollars\n"
    )
    sys.stdout.write(_bills(bills))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vaultstream costs", description=__doc__)
    parser.add_argument("--files", type=int, default=1000, help="how many files (1000)")
    parser.add_argument("--mib", type=float, default=10, help="the size of each in MiB (10)")
    parser.add_argument("--months", type=float, default=36, help="how long they are kept (36)")
    parser.add_argument("--reads", type=float, default=0.02, help="how often each is read in a month (0.02)")
    parser.add_argument("--cached", type=float, default=0.0, help="the share of reads whose key is in the cache (0)")
    parser.add_argument("--no-bucket-key", action="store_true", help="as if S3 asked KMS for each object")
    parser.add_argument("--policy", type=_policy, help="what if: STANDARD_IA=30,GLACIER_IR=90,DEEP_ARCHIVE=180")
    return parser


def _policy(text: str) -> LifecycleRule:
    try:
        steps = [step.partition("=") for step in text.split(",")]
        moves = tuple(Transition(StorageTier(tier), int(days)) for tier, _, days in steps)
        return LifecycleRule("yours", FILES_PREFIX, 0, None, moves)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}") from None


def _prices() -> str:
    head = f"{'':14}{'GB-month':>10}{'1000 PUT':>10}{'1000 GET':>10}{'1000 moves':>12}{'GB read':>10}\n"
    rows = [
        f"{tier:14}{price.gb_month:10.5f}{price.put_per_1000:10.4f}{price.get_per_1000:10.4f}"
        f"{price.transition_per_1000:12.3f}{price.retrieval_gb:10.3f}\n"
        for tier, price in PRICES.tiers.items()
    ]
    rest = (
        f"KMS {PRICES.kms_per_10000:g} for 10,000 calls; DynamoDB {PRICES.table_writes_million:g} and "
        f"{PRICES.table_reads_million:g} for a million writes and reads, {PRICES.table_gb_month:g} a GB-month\n"
    )
    return f"Prices of {PRICES.region} as of {PRICES.as_of}: {PRICES.source}\n{head}{''.join(rows)}{rest}"


def _bills(bills: dict[str, Bill]) -> str:
    rows = [("", *bills)]
    rows += [
        (line.value.lower().replace("_", " "), *(f"{bill.lines.get(line, 0):,.4f}" for bill in bills.values()))
        for line in CostLine
    ]
    rows.append(("total", *(f"{bill.total_usd:,.4f}" for bill in bills.values())))
    plain = bills["all in STANDARD"].total_usd
    rows.append(("less", *(f"{1 - bill.total_usd / plain:.1%}" for bill in bills.values())))
    return "".join(f"{row[0]:18}" + "".join(f"{cell:>17}" for cell in row[1:]) + "\n" for row in rows)


if __name__ == "__main__":
    main()
