"""The data folder of one embedded stack: who uses it, and where each part keeps its own."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

DEFAULT = Path(".vaultstream")


class DataBusy(Exception):
    """Another stack uses this data folder now; the message says which process it is."""


def folder_of(environ: Mapping[str, str]) -> Path:
    """The data folder that the environment names, or `.vaultstream` here."""
    return Path(environ.get("VAULTSTREAM_DATA") or DEFAULT).resolve()


def workers_ready(folder: Path) -> Path:
    """The file that says, while it exists, that the workers run."""
    return folder / "workers" / "ready"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, made if there is none, for this process alone; raises DataBusy. The kernel frees it when we die."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DataBusy(
                f"A vault is already running with the data in {folder} (process {lock.read().strip()}).\n"
                "Stop that one, or give this one a folder of its own: VAULTSTREAM_DATA=… vaultstream dev"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def is_held(folder: Path) -> bool:
    """Whether a stack runs with this data folder."""
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
