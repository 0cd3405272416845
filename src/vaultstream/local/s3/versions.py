"""Object versions in the ledger: found, put under a condition, replaced, removed."""

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vaultstream.local.s3 import settings
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import (
    NULL_VERSION,
    Attributes,
    Extent,
    StoredObject,
    milliseconds,
    moment,
)


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object version about to be stored; conditions are the values of If-Match and If-None-Match."""

    bucket: str
    key: str
    etag: str
    stored_at: datetime
    attributes: Attributes
    extents: Sequence[Extent]
    checksums: Mapping[str, str]
    if_match: str = ""
    if_none_match: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """What a delete did: the version that went or the marker that came."""

    version_id: str
    is_marker: bool
    made_marker: bool


def need_bucket(tx: Transaction, bucket: str) -> None:
    """Raises `NoSuchBucket` unless the bucket is there."""
    if not tx.one("SELECT 1 FROM buckets WHERE name = ?", bucket):
        raise S3Fault("NoSuchBucket")


def find(tx: Transaction, bucket: str, key: str, version_id: str = "") -> StoredObject:
    """The latest version, or the one named; raises `NoSuchKey`, `NoSuchVersion` or, for a marker named, 405."""
    need_bucket(tx, bucket)
    if not version_id:
        row = tx.one("SELECT * FROM objects WHERE bucket = ? AND key = ? AND is_latest", bucket, key)
        if row is None:
            raise S3Fault("NoSuchKey")
        if row["is_marker"]:
            raise S3Fault("NoSuchKey", headers=_marker_headers(row))
        return from_row(row)
    row = _version_row(tx, bucket, key, version_id)
    if row is None:
        raise S3Fault("NoSuchVersion")
    if row["is_marker"]:
        raise S3Fault("MethodNotAllowed", headers=_marker_headers(row))
    return from_row(row)


def extents(tx: Transaction, found: StoredObject) -> list[Extent]:
    """The stretches of an object, in order."""
    rows = tx.run("SELECT * FROM extents WHERE object_seq = ? ORDER BY position", found.seq)
    return [Extent(row["blob"], row["size_bytes"], row["part_number"]) for row in rows]


def put(tx: Transaction, new: NewObject) -> StoredObject:
    """Stores `new` as the latest version; raises `PreconditionFailed` where its condition does not hold."""
    need_bucket(tx, new.bucket)
    if new.attributes.retained_until and not settings.is_locking(tx, new.bucket):
        raise S3Fault("InvalidRequest", "Bucket is missing Object Lock Configuration")
    _check_condition(tx, new)
    version_id = _next_version(tx, new.bucket, new.key)
    stored = from_row(_insert(tx, new, version_id, is_marker=False))
    rows = [(stored.seq, at, part.part_number, part.blob, part.size_bytes) for at, part in enumerate(new.extents)]
    tx.many("INSERT INTO extents VALUES (?, ?, ?, ?, ?)", rows)
    return stored


def remove(tx: Transaction, bucket: str, key: str, version_id: str, now: datetime) -> Removal:
    """Deletes a named version, or the object: where the bucket keeps versions, that leaves a marker."""
    need_bucket(tx, bucket)
    if version_id:
        row = _version_row(tx, bucket, key, version_id)
        if row is not None:
            _need_unlocked(from_row(row), now)
            _drop(tx, row)
            _promote(tx, bucket, key)
        return Removal(version_id, bool(row and row["is_marker"]), made_marker=False)
    if not settings.versioning(tx, bucket):
        row = _version_row(tx, bucket, key, NULL_VERSION)
        if row is not None:
            _drop(tx, row)
        return Removal(NULL_VERSION, is_marker=False, made_marker=False)
    version_id = _next_version(tx, bucket, key)
    marker = NewObject(bucket, key, "", now, Attributes(), (), {})
    _insert(tx, marker, version_id, is_marker=True)
    return Removal(version_id, is_marker=True, made_marker=True)


def _need_unlocked(found: StoredObject, now: datetime) -> None:
    until = found.attributes.retained_until
    if until and datetime.fromisoformat(until) > now:
        raise S3Fault("AccessDenied", "Access Denied because object protected by object lock.")


def amend(tx: Transaction, found: StoredObject, attributes: Attributes) -> None:
    """Changes what is said about a version without changing the version (its tags)."""
    tx.run("UPDATE objects SET attributes = ? WHERE seq = ?", attributes.to_json(), found.seq)


def restore(tx: Transaction, found: StoredObject, ready_at: datetime, until: datetime) -> None:
    """Notes that a copy of an archived version may be read from `ready_at` to `until`."""
    sql = "UPDATE objects SET restore_ready_at_ms = ?, restore_until_ms = ? WHERE seq = ?"
    tx.run(sql, milliseconds(ready_at), milliseconds(until), found.seq)


def from_row(row: sqlite3.Row) -> StoredObject:
    """The noun of a row of `objects`."""
    ready, until = row["restore_ready_at_ms"], row["restore_until_ms"]
    return StoredObject(
        seq=row["seq"],
        bucket=row["bucket"],
        key=row["key"],
        version_id=row["version_id"],
        is_marker=bool(row["is_marker"]),
        size_bytes=row["size_bytes"],
        etag=row["etag"],
        stored_at=moment(row["stored_at_ms"]),
        attributes=Attributes.from_json(row["attributes"]),
        checksums=json.loads(row["checksums"]),
        restore_ready_at=None if ready is None else moment(ready),
        restore_until=None if until is None else moment(until),
    )


def _version_row(tx: Transaction, bucket: str, key: str, version_id: str) -> sqlite3.Row | None:
    sql = "SELECT * FROM objects WHERE bucket = ? AND key = ? AND version_id = ?"
    return tx.one(sql, bucket, key, version_id)


def _marker_headers(row: sqlite3.Row) -> dict[str, str]:
    return {"x-amz-delete-marker": "true", "x-amz-version-id": row["version_id"]}


def _check_condition(tx: Transaction, new: NewObject) -> None:
    if not new.if_match and not new.if_none_match:
        return
    sql = "SELECT etag FROM objects WHERE bucket = ? AND key = ? AND is_latest AND NOT is_marker"
    row = tx.one(sql, new.bucket, new.key)
    if new.if_none_match and new.if_none_match != "*":
        raise S3Fault("NotImplemented", "If-None-Match on a write takes only *.")
    if new.if_none_match and row is not None:
        raise S3Fault("PreconditionFailed")
    if new.if_match and row is None:
        raise S3Fault("NoSuchKey")
    if new.if_match and row is not None and new.if_match.strip('"') != row["etag"]:
        raise S3Fault("PreconditionFailed")


def _next_version(tx: Transaction, bucket: str, key: str) -> str:
    """Makes room for a new latest version and names it."""
    status = settings.versioning(tx, bucket)
    if status != "Enabled":
        row = _version_row(tx, bucket, key, NULL_VERSION)
        if row is not None:
            _drop(tx, row)
    tx.run("UPDATE objects SET is_latest = 0 WHERE bucket = ? AND key = ? AND is_latest", bucket, key)
    return uuid.uuid4().hex if status == "Enabled" else NULL_VERSION


def _insert(tx: Transaction, new: NewObject, version_id: str, *, is_marker: bool) -> sqlite3.Row:
    row: sqlite3.Row = tx.run(
        "INSERT INTO objects (bucket, key, version_id, is_latest, is_marker, size_bytes, etag, stored_at_ms,"
        " attributes, checksums) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?) RETURNING *",
        new.bucket,
        new.key,
        version_id,
        is_marker,
        sum(extent.size_bytes for extent in new.extents),
        new.etag,
        milliseconds(new.stored_at),
        new.attributes.to_json(),
        json.dumps(dict(new.checksums)),
    ).fetchone()
    return row


def _drop(tx: Transaction, row: sqlite3.Row) -> None:
    tx.doomed += [extent["blob"] for extent in tx.run("SELECT blob FROM extents WHERE object_seq = ?", row["seq"])]
    tx.run("DELETE FROM objects WHERE seq = ?", row["seq"])


def _promote(tx: Transaction, bucket: str, key: str) -> None:
    """After a named version went: the newest that is left becomes the latest."""
    newest = "(SELECT max(seq) FROM objects WHERE bucket = ? AND key = ?)"
    tx.run(f"UPDATE objects SET is_latest = 1 WHERE seq = {newest}", bucket, key)  # noqa: S608 - no input in the text
