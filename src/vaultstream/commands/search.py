"""`vaultstream search rebuild`: makes the search index anew from the table, while the vault goes on."""

import asyncio
import os
import sys

from vaultstream.actions import indexing
from vaultstream.adapters.vault import opened
from vaultstream.commands.plainly import plainly
from vaultstream.errors import VaultError
from vaultstream.settings import Settings, SettingsError


def main() -> None:
    """Rebuild, and say how far it has come."""
    plainly(lambda: asyncio.run(_rebuild(Settings.from_env(os.environ))), SettingsError, VaultError)


async def _rebuild(settings: Settings) -> None:
    last: dict[str, int] = {}
    async with opened(settings) as vault:
        async for step, count in indexing.rebuild(vault):
            last[step] = count
            sys.stdout.write(f"\r{step} {count:,}")
            sys.stdout.flush()
    told = f"{last.get('indexed', 0):,} items indexed, {last.get('checked', 0):,} rows checked"
    sys.stdout.write(f"\r{told}\n")


if __name__ == "__main__":
    main()
