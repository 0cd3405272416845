"""The bytes on disk: each body or part is one file, written once, read in pieces, removed when unneeded."""

import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self


class Lease:
    """A reader's hold on the files it is about to read; use it as a context manager.

    At the end `forget` gets the files given up meanwhile: whether they still count is the ledger's to say.
    """

    def __init__(self, shelf: "Shelf", forget: Callable[[list[str]], object]) -> None:
        self._shelf = shelf
        self._forget = forget
        self._blobs: list[str] = []
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        blobs, self._blobs = self._blobs, []
        if given_up := self._shelf.unpin(blobs):
            self._forget(given_up)

    def take(self, blobs: Iterable[str]) -> None:
        """Holds `blobs`; called on the ledger's thread, so nothing is removed between look-up and hold."""
        if not self._is_over:
            self._blobs += self._shelf.pin(blobs)


class Shelf:
    """A folder of immutable files, named at random and spread over 256 subfolders."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._pins: Counter[str] = Counter()
        self._doomed: set[str] = set()
        for prefix in range(256):
            (root / f"{prefix:02x}").mkdir(parents=True, exist_ok=True)

    def path(self, blob: str) -> Path:
        """Where the file of `blob` lies."""
        return self._root / blob[:2] / blob

    def pin(self, blobs: Iterable[str]) -> list[str]:
        """Keeps `blobs` on disk until each is unpinned as often as it was pinned."""
        pinned = list(blobs)
        with self._lock:
            self._pins.update(pinned)
        return pinned

    def unpin(self, blobs: Iterable[str]) -> list[str]:
        """Ends a hold; returns what `remove` was asked for meanwhile and nobody holds any more."""
        with self._lock:
            self._pins.subtract(blobs)
            self._pins = +self._pins
            free = [blob for blob in self._doomed if blob not in self._pins]
            self._doomed.difference_update(free)
        return free

    def remove(self, blobs: Iterable[str]) -> None:
        """Removes the files that nobody holds and remembers the others."""
        with self._lock:
            asked = {blob for blob in blobs if blob}
            held = {blob for blob in asked if blob in self._pins}
            self._doomed |= held
        self._unlink(asked - held)

    def sweep(self, known: set[str]) -> int:
        """Removes every file that is not in `known`, the leftovers of a crash, and says how many."""
        orphans = [path.name for path in self._root.glob("??/*") if path.name not in known]
        self._unlink(orphans)
        return len(orphans)

    def read(self, blob: str, offset: int, size_bytes: int) -> bytes:
        """Up to `size_bytes` of the file, from `offset`."""
        descriptor = os.open(self.path(blob), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, size_bytes, offset)
        finally:
            os.close(descriptor)

    def _unlink(self, blobs: Iterable[str]) -> None:
        for blob in blobs:
            self.path(blob).unlink(missing_ok=True)


class Draft:
    """A file being written, by one thread at a time; it counts once `seal` has put it on the disk for good."""

    def __init__(self, shelf: Shelf) -> None:
        self.blob = uuid.uuid4().hex
        self._path = shelf.path(self.blob)
        self._lock = threading.Lock()  # a cancelled request may discard while its last write still runs
        self._file = self._path.open("xb", buffering=0)

    def write(self, data: bytes) -> None:
        """Appends all of `data`."""
        with self._lock:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]

    def seal(self) -> None:
        """Flushes the file and its folder entry to the disk, and closes it."""
        with self._lock, self._file:
            os.fsync(self._file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Closes and removes the file."""
        with self._lock:
            self._file.close()
        self._path.unlink(missing_ok=True)
