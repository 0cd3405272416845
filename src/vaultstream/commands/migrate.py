"""`vaultstream migrate`: brings the audit database up to date, as its owner."""

import asyncio
import os
import sys

from vaultstream.adapters.audit_migrations import MigrationChanged, migrate
from vaultstream.commands.plainly import plainly
from vaultstream.settings import PREFIX, SettingsError


def main() -> None:
    """Apply what is missing and say what that was."""
    plainly(_migrate, MigrationChanged, SettingsError)


def _migrate() -> None:
    dsn = os.environ.get(f"{PREFIX}POSTGRES_DSN")
    if not dsn:
        raise SettingsError(f"{PREFIX}POSTGRES_DSN is not set: the owner's address of the audit database")
    applied = asyncio.run(migrate(dsn))
    lines = [f"applied {name}" for name in applied] or ["the audit database is up to date"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
