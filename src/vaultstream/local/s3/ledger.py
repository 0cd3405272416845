"""What S3 knows, in SQLite: one thread runs every job in turn, and jobs that wait together share one commit.

The journal is WAL with synchronous=FULL, so an answer leaves only after its transaction is on the disk: that
holds through kill -9 and a power cut. Sharing commits keeps the price to one flush for all who wait.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from vaultstream.local.s3.shelf import Shelf

T = TypeVar("T")
_log = logging.getLogger(__name__)
_MAX_BATCH = 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY, region TEXT NOT NULL, created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (
    bucket TEXT NOT NULL REFERENCES buckets ON DELETE CASCADE, name TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (bucket, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL REFERENCES buckets, key TEXT NOT NULL, version_id TEXT NOT NULL,
    is_latest INTEGER NOT NULL, is_marker INTEGER NOT NULL, size_bytes INTEGER NOT NULL, etag TEXT NOT NULL,
    stored_at_ms INTEGER NOT NULL, attributes TEXT NOT NULL, checksums TEXT NOT NULL,
    restore_ready_at_ms INTEGER, restore_until_ms INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS objects_latest ON objects (bucket, key) WHERE is_latest;
CREATE UNIQUE INDEX IF NOT EXISTS objects_version ON objects (bucket, key, version_id);
CREATE TABLE IF NOT EXISTS extents (
    object_seq INTEGER NOT NULL REFERENCES objects ON DELETE CASCADE, position INTEGER NOT NULL,
    part_number INTEGER NOT NULL, blob TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    PRIMARY KEY (object_seq, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS extents_blob ON extents (blob);
CREATE TABLE IF NOT EXISTS uploads (
    upload_id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES buckets, key TEXT NOT NULL,
    begun_at_ms INTEGER NOT NULL, attributes TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_key ON uploads (bucket, key, upload_id);
CREATE TABLE IF NOT EXISTS parts (
    upload_id TEXT NOT NULL REFERENCES uploads ON DELETE CASCADE, part_number INTEGER NOT NULL,
    blob TEXT NOT NULL, size_bytes INTEGER NOT NULL, etag TEXT NOT NULL, checksums TEXT NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    PRIMARY KEY (upload_id, part_number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parts_blob ON parts (blob);
"""
_NEEDED = "SELECT EXISTS (SELECT 1 FROM extents WHERE blob = :blob) OR EXISTS (SELECT 1 FROM parts WHERE blob = :blob)"


class Transaction:
    """One job's view of the database; what it dooms is removed from disk after the commit, if nothing needs it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.doomed: list[str] = []

    def run(self, sql: str, *values: object) -> sqlite3.Cursor:
        """Executes one statement."""
        return self._connection.execute(sql, values)

    def many(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Executes one statement for each row."""
        self._connection.executemany(sql, rows)

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row


class Ledger:
    """Owns the database; `run` gives a job its turn and returns its result once it is durable."""

    def __init__(self, path: Path, shelf: Shelf) -> None:
        self._shelf = shelf
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SCHEMA)
        shelf.sweep(
            {row[0] for row in self._connection.execute("SELECT blob FROM extents UNION SELECT blob FROM parts")}
        )
        self._thread = threading.Thread(target=self._work, name="s3-ledger", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Transaction], T]) -> T:
        """The result of `job`, committed; what it raises undoes that job alone."""
        return await asyncio.wrap_future(self.submit(job))

    def submit(self, job: Callable[[Transaction], T]) -> "Future[T]":
        """Queues `job` without waiting for it."""
        future: Future[T] = Future()
        self._jobs.put(_Job(job, future))
        return future

    def close(self) -> None:
        """Finishes the queued jobs and closes the database."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        going = True
        while going:
            batch = [self._jobs.get()]
            while len(batch) < _MAX_BATCH and not self._jobs.empty():
                batch.append(self._jobs.get_nowait())
            jobs = [job for job in batch if job is not None and job.future.set_running_or_notify_cancel()]
            going = None not in batch
            if jobs:
                self._commit(jobs)

    def _commit(self, jobs: "list[_Job]") -> None:
        doomed: list[str] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                doomed += self._attempt(job)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for job in jobs:
                job.error = error
            doomed.clear()
        self._clear_away(doomed)
        for job in jobs:
            job.settle()

    def _clear_away(self, doomed: list[str]) -> None:
        try:
            self._shelf.remove([blob for blob in dict.fromkeys(doomed) if not self._is_needed(blob)])
        except (sqlite3.Error, OSError):
            _log.exception("files that nothing needs stay until the next start")

    def _attempt(self, job: "_Job") -> list[str]:
        transaction = Transaction(self._connection)
        self._connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(transaction)
        except Exception as error:  # noqa: BLE001 - the thread's edge: the error belongs to the job that waits
            self._connection.execute("ROLLBACK TO job")
            job.error = error
            transaction.doomed.clear()
        self._connection.execute("RELEASE job")
        return transaction.doomed

    def _is_needed(self, blob: str) -> bool:
        return bool(self._connection.execute(_NEEDED, {"blob": blob}).fetchone()[0])


class _Job:
    # The result's type is the caller's: `submit` ties it to the future, the queue holds them all alike.
    def __init__(self, work: Callable[[Transaction], Any], future: "Future[Any]") -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def settle(self) -> None:
        if self.error:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)
