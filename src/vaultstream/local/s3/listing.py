"""The pages of S3's lists: keys rolled up by a delimiter, versions, open uploads. Order is that of UTF-8 bytes."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from vaultstream.local.s3 import uploads, versions
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import StoredObject
from vaultstream.local.s3.uploads import Upload

_SCAN_ROWS = 256


@dataclass(frozen=True, slots=True)
class Window:
    """Which keys are wanted: at most `limit` entries after `after`, common prefixes counted as one each."""

    bucket: str
    prefix: str
    delimiter: str
    after: str
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """Objects and common prefixes; `next_after` continues the list, or is empty at its end."""

    objects: list[StoredObject]
    prefixes: list[str]
    next_after: str


def objects(tx: Transaction, window: Window) -> Page:
    """One page of the latest versions. Keys under a common prefix are skipped in one step, not read."""
    versions.need_bucket(tx, window.bucket)
    found: list[StoredObject] = []
    prefixes: list[str] = []
    last = ""
    for row in _rolled(tx, window):
        if len(found) + len(prefixes) == window.limit:
            return Page(found, prefixes, last if window.limit else "")
        if isinstance(row, str):
            prefixes.append(row)
            last = row
        else:
            found.append(versions.from_row(row))
            last = row["key"]
    return Page(found, prefixes, "")


def all_versions(tx: Transaction, bucket: str, prefix: str, after: tuple[str, int], limit: int) -> list[sqlite3.Row]:
    """Up to `limit` rows of every version and marker by key, newest first, after (key, seq)."""
    versions.need_bucket(tx, bucket)
    key, seq = after
    sql = (
        "SELECT * FROM objects WHERE bucket = ? AND key >= ? AND key < CAST(? AS TEXT)"
        " AND (key > ? OR (key = ? AND seq < ?)) ORDER BY key, seq DESC LIMIT ?"
    )
    return list(tx.run(sql, bucket, prefix, _beyond(prefix), key, key, seq, limit))


def open_uploads(tx: Transaction, bucket: str, prefix: str, after: tuple[str, str], limit: int) -> list[Upload]:
    """Up to `limit` open uploads by key, then by id, after (key, upload id)."""
    versions.need_bucket(tx, bucket)
    key, upload_id = after
    sql = (
        "SELECT * FROM uploads WHERE bucket = ? AND key >= ? AND key < CAST(? AS TEXT)"
        " AND (key > ? OR (key = ? AND upload_id > ?)) ORDER BY key, upload_id LIMIT ?"
    )
    rows = tx.run(sql, bucket, prefix, _beyond(prefix), key, key, upload_id, limit)
    return [uploads.from_row(row) for row in rows]


def _rolled(tx: Transaction, window: Window) -> Iterator[sqlite3.Row | str]:
    """Rows, or common prefixes in their place."""
    start = max(window.prefix.encode(), window.after.encode() + b"\0" if window.after else b"")
    if rolled := _common(window, window.after):
        start = max(start, _beyond(rolled))
    end = _beyond(window.prefix)
    sql = (
        "SELECT * FROM objects WHERE bucket = ? AND is_latest AND NOT is_marker"
        " AND key >= CAST(? AS TEXT) AND key < CAST(? AS TEXT) ORDER BY key LIMIT ?"
    )
    while rows := tx.run(sql, window.bucket, start, end, _SCAN_ROWS).fetchall():
        for row in rows:
            common = _common(window, row["key"])
            if common:
                yield common
                start = _beyond(common)
                break
            yield row
            start = row["key"].encode() + b"\0"


def _common(window: Window, key: str) -> str:
    """The common prefix that `key` rolls up into, or nothing."""
    if not window.delimiter or not key.startswith(window.prefix):
        return ""
    end = key.find(window.delimiter, len(window.prefix))
    return key[: end + len(window.delimiter)] if end >= 0 else ""


def _beyond(prefix: str) -> bytes:
    """The least bytes that sort after every key with `prefix`; UTF-8 never holds 0xFF."""
    encoded = prefix.encode()
    return encoded[:-1] + bytes((encoded[-1] + 1,)) if encoded else b"\xff"
