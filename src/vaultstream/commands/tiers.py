"""`vaultstream tiers`: prints the lifecycle rules; `tiers advance` lets days go by in the vault that `dev` runs."""

import os
import sys

from vaultstream import tiers
from vaultstream.commands.plainly import plainly
from vaultstream.local.aging import NotAged, advance
from vaultstream.local.data import folder_of


def main() -> None:
    """`advance` and a number of days, or nothing."""
    arguments = sys.argv[1:]
    if not arguments:
        sys.stdout.write(_rules())
        return
    plainly(lambda: _advance(arguments[1:]), NotAged)


def _advance(days: list[str]) -> None:
    if not days:
        raise NotAged("Say by how many days: vaultstream tiers advance --days 200")
    advance(folder_of(os.environ), int(days[0]))
    sys.stdout.write(f"All stored files are {int(days[0]):,} days older; their metadata follows in a moment.\n")


def _rules() -> str:
    lines = []
    for rule in tiers.RULES:
        sizes = f"over {rule.over_bytes // tiers.KIB:,} KiB"
        if rule.up_to_bytes is not None:
            sizes += f", up to {rule.up_to_bytes // tiers.KIB:,} KiB"
        steps = ", ".join(f"{step.to} after {step.after_days} days" for step in rule.transitions)
        lines.append(f"{rule.id} ({rule.prefix}*, {sizes}): {steps}\n")
    return "".join(lines)


if __name__ == "__main__":
    main()
