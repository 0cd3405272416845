"""The open store: its folder, ledger, shelf, disk threads, clock and listener, held together for the handlers."""

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ParamSpec, TypeAlias, TypeVar

from vaultstream.local.s3 import settings
from vaultstream.local.s3.events import Listener, ObjectEvent
from vaultstream.local.s3.ledger import Ledger, Transaction
from vaultstream.local.s3.objects import NULL_VERSION, StoredObject
from vaultstream.local.s3.shelf import Lease, Shelf
from vaultstream.local.s3.signature import Credentials

P = ParamSpec("P")
T = TypeVar("T")
Tell: TypeAlias = Callable[[], None]
_DISK_THREADS = 8


class Store:
    """One data folder, opened by one process; `close` waits for what is being written."""

    def __init__(
        self,
        folder: Path,
        credentials: Credentials,
        clock: Callable[[], datetime],
        on_event: Listener,
        restore_delay: timedelta,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise RuntimeError(f"{folder} is open in another process") from error
        self.credentials = credentials
        self.clock = clock
        self.restore_delay = restore_delay
        self.shelf = Shelf(folder / "blobs")
        self.ledger = Ledger(folder / "s3.sqlite", self.shelf)
        self._on_event = on_event
        self._disk = ThreadPoolExecutor(_DISK_THREADS, thread_name_prefix="s3-disk")
        self._waiting: set[asyncio.Task[None]] = set()

    async def on_disk(self, work: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
        """Runs blocking file work on the store's own threads."""
        return await asyncio.wrap_future(self._disk.submit(work, *values, **named))

    def lease(self) -> Lease:
        """A hold on files to be read, which holds nothing yet."""
        return Lease(self.shelf, self.forget)

    def forget(self, blobs: Iterable[str]) -> None:
        """Removes files that no object or part needs, after the jobs already queued have had their turn."""
        self.ledger.submit(lambda tx: tx.doomed.extend(blobs))

    async def commit(self, name: str, blobs: Iterable[str], job: Callable[[Transaction], StoredObject]) -> StoredObject:
        """Runs a job that stores an object and tells of it; if it fails, `blobs` are forgotten."""

        def work(tx: Transaction) -> tuple[StoredObject, Tell]:
            stored = job(tx)
            return stored, self.tell(tx, name, stored)

        try:
            stored, tell = await self.ledger.run(work)
        except BaseException:
            self.forget(blobs)
            raise
        tell()
        return stored

    def tell(self, tx: Transaction, name: str, stored: StoredObject) -> Tell:
        """Inside a job: what to call once the job is committed, so that the listener hears of the event."""
        if not settings.tells_eventbridge(tx, stored.bucket):
            return _nothing
        event = ObjectEvent(
            name=name,
            bucket=stored.bucket,
            key=stored.key,
            size_bytes=stored.size_bytes,
            etag=stored.etag,
            version_id="" if stored.version_id == NULL_VERSION else stored.version_id,
            sequencer=f"{stored.seq:016X}",
            happened_at=self.clock(),
            storage_class=stored.attributes.storage_class,
            restore_until=stored.restore_until,
        )
        return lambda: self._on_event(replace(event, happened_at=self.clock()))

    def later(self, delay: timedelta, action: Callable[[], Awaitable[None]]) -> None:
        """Does `action` after `delay`, unless the store closes before."""

        async def wait() -> None:
            await asyncio.sleep(delay.total_seconds())
            await action()

        task = asyncio.create_task(wait())
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def close(self) -> None:
        """Ends what waits, the threads and the database, and lets another process open the folder."""
        for task in self._waiting:
            task.cancel()
        self._disk.shutdown()
        self.ledger.close()
        os.close(self._lock)


def _nothing() -> None:
    """What follows an event nobody asked for."""
