"""Zip archives (PKWARE APPNOTE 6.3.10) as they are written: bytes in, bytes out, nothing goes back.

`zipfile` writes to what cannot seek, so that each entry's length and checksum come after it. Entries are deflated at
level 0, which copies them: a reader that cannot seek either finds where such an entry ends, and would not find the
end of a stored one. What is too much for the format of old (2 GiB, 65,535 entries) is written as zip64, and only that.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

_FILE_MODE = 0o100644
_FOLDER_MODE = 0o040755
_DOS_FOLDER = 0x10
_TIMES_TAG = 0x5455  # Info-ZIP's extended timestamp: UTC, where the format's own time is of no zone
_TIMES_MAX = 2**31 - 1
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_LATEST = datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)


class _Sink:
    """What was written and not yet taken."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """Nothing is open here; what was written can still be taken."""

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken


class ZipWriter:
    """One archive, an entry after the other. Take what each step has written: it is kept until then.

    What ends before `finish` is no archive: it lacks its directory, and every reader says so.
    """

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w")

    def __enter__(self) -> Self:
        """Close it at the end, whatever happens."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what was written."""
        self._zip.infolist().clear()  # or closing would write the directory of what is no archive
        self._zip.close()
        self._sink.take()

    def folder(self, path: str, modified_at: datetime) -> None:
        """A directory of its own; the path ends in a slash."""
        info = _info(path, modified_at)
        info.external_attr = _FOLDER_MODE << 16 | _DOS_FOLDER
        info.compress_type = ZIP_STORED
        info.CRC = 0
        self._zip.mkdir(info)

    @contextmanager
    def file(self, path: str, modified_at: datetime, size_bytes: int) -> Iterator[Callable[[bytes], object]]:
        """A file of so many bytes; what is called with them, piece by piece."""
        info = _info(path, modified_at)
        info.external_attr = _FILE_MODE << 16
        info.compress_type = ZIP_DEFLATED
        info._compresslevel = 0  # type: ignore[attr-defined]  # noqa: SLF001  # `compress_level` from Python 3.13 on
        info.file_size = size_bytes
        with self._zip.open(info, "w") as body:
            yield body.write

    def finish(self) -> None:
        """The directory: with it the archive is whole."""
        self._zip.close()

    def take(self) -> bytes:
        """What was written since the last time; perhaps nothing."""
        return self._sink.take()


def _info(path: str, modified_at: datetime) -> ZipInfo:
    at = min(max(modified_at.astimezone(UTC), _EARLIEST), _LATEST)
    info = ZipInfo(path, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    seconds = int(modified_at.timestamp())
    if 0 <= seconds <= _TIMES_MAX:
        info.extra = struct.pack("<HHBl", _TIMES_TAG, 5, 1, seconds)
    return info
