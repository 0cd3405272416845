"""`vaultstream migrate`: brings the audit database up to date, as its owner.

VAULTSTREAM_POSTGRES_DSN is the owner's; VAULTSTREAM_APP_PASSWORD, where it is set, becomes the application role's.
"""

import asyncio
import os
import sys

from vaultstream.adapters.audit_migrations import MigrationChanged, migrate
from vaultstream.adapters.secret_store import revealed
from vaultstream.commands.plainly import plainly
from vaultstream.settings import PREFIX, SettingsError


def main() -> None:
    """Apply what is missing and say what that was."""
    plainly(_migrate, MigrationChanged, SettingsError)


def _migrate() -> None:
    environ = asyncio.run(revealed(os.environ))
    dsn = environ.get(f"{PREFIX}POSTGRES_DSN")
    if not dsn:
        raise SettingsError(f"{PREFIX}POSTGRES_DSN is not set: the owner's address of the audit database")
    applied = asyncio.run(migrate(dsn, app_password=environ.get(f"{PREFIX}APP_PASSWORD")))
    lines = [f"applied {name}" for name in applied] or ["the audit database is up to date"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
