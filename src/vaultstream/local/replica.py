"""A standby of the embedded PostgreSQL: copied from it when there is none, and made anew when it has lost it.

The copy is disposable: nothing is in it that the primary does not have. So nothing waits for it, nothing fails for it,
and the primary keeps a bounded piece of its log for a standby that is away: a slot would have to be watched.
"""

import time
from collections.abc import Callable
from pathlib import Path

import asyncpg

from vaultstream.local.part import Part
from vaultstream.local.postgres import BINARIES, USER, command
from vaultstream.local.privileges import give_folder, unprivileged_ids
from vaultstream.settings import Secret

NAME = "replica"
_LOST_SECONDS = 30.0
_ASK_SECONDS = 2.0
_SIGINT = 2
_FOLLOWED = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state <> 'startup')"  # a stray gets no further
# $1 is where the binaries are, $2 the cluster, $3 the primary; then the server's own words. The copy is made beside its
# place and renamed, so that one that was interrupted is never taken for whole.
_SCRIPT = """set -e
if [ ! -e "$2/standby.signal" ]; then
    rm -rf "$2" "$2.new"
    "$1/pg_basebackup" -D "$2.new" -d "$3" -c fast -X stream --no-sync # its first start does
    touch "$2.new/standby.signal"
    mv "$2.new" "$2"
fi
shift 3
exec "$@"
"""


def replica(folder: Path, port: int, primary_port: int, password: Secret) -> Part:
    """The standby over the copy in `folder`; it serves once it has one."""
    ids = unprivileged_ids()
    give_folder(folder, ids)
    cluster, primary = folder / "cluster", f"host=127.0.0.1 port={primary_port} user={USER} application_name={NAME}"
    options = {
        "shared_buffers": "16MB",
        "primary_conninfo": primary,
        "recovery_init_sync_method": "syncfs",
        "wal_retrieve_retry_interval": "500ms",
    }
    server = command(cluster, port, options)
    return Part(
        name=NAME,
        serves=f"PostgreSQL's standby, at 127.0.0.1:{port}: pages of the audit log",
        port=0,  # nobody waits until it listens: the primary is read meanwhile
        command=("/bin/sh", "-c", _SCRIPT, NAME, f"{BINARIES}", f"{cluster}", primary, *server),
        is_ready=lambda: True,
        env={"PGPASSWORD": password.reveal()},
        folder=folder,
        ids=ids,
        stop_signal=_SIGINT,
        stop_seconds=10,
    )


def discard(folder: Path) -> None:
    """Have the next start make a new copy."""
    (folder / "cluster" / "standby.signal").unlink(missing_ok=True)


class Following:
    """Whether the standby follows its primary, as the primary sees it."""

    def __init__(self, owner_dsn: Secret, clock: Callable[[], float] = time.monotonic) -> None:
        self._owner_dsn = owner_dsn
        self._clock = clock
        self._seen_at = clock()

    async def is_lost(self) -> bool:
        """Whether nobody follows a primary that answers, and has not for long: the copy broke, or went another way."""
        try:
            is_followed = await self._is_followed()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            is_followed = True  # for all that can be known
        if is_followed:
            self._seen_at = self._clock()
        return self._clock() - self._seen_at > _LOST_SECONDS

    def begin_again(self) -> None:
        """A new copy is being made."""
        self._seen_at = self._clock()

    async def _is_followed(self) -> bool:
        """Also while a copy is made: that is a stream as well."""
        connection = await asyncpg.connect(self._owner_dsn.reveal(), timeout=_ASK_SECONDS, command_timeout=_ASK_SECONDS)
        try:
            return bool(await connection.fetchval(_FOLLOWED))
        finally:
            await connection.close(timeout=_ASK_SECONDS)
