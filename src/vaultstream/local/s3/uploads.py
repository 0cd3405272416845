"""Multipart uploads in the ledger: begun, filled, completed without copying a byte, aborted."""

import itertools
import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vaultstream.local.s3 import checksums, versions
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import Attributes, Extent, StoredObject, milliseconds, moment
from vaultstream.local.s3.versions import NewObject

MIN_PART_BYTES = 5 * 1024 * 1024
MAX_PART_NUMBER = 10_000


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that is open."""

    upload_id: str
    bucket: str
    key: str
    begun_at: datetime
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Part:
    """A part as stored, its digests included."""

    part_number: int
    blob: str
    size_bytes: int
    etag: str
    checksums: Mapping[str, str]
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part as the completing client names it."""

    part_number: int
    etag: str
    checksums: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Completion:
    """A request to complete; conditions are the values of If-Match and If-None-Match."""

    named: Sequence[NamedPart]
    now: datetime
    if_match: str = ""
    if_none_match: str = ""


def begin(tx: Transaction, bucket: str, key: str, attributes: Attributes, now: datetime) -> Upload:
    """Opens an upload."""
    versions.need_bucket(tx, bucket)
    upload = Upload(uuid.uuid4().hex, bucket, key, now, attributes)
    values = (upload.upload_id, bucket, key, milliseconds(now), attributes.to_json())
    tx.run("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", *values)
    return upload


def find(tx: Transaction, bucket: str, key: str, upload_id: str) -> Upload:
    """An open upload; raises `NoSuchUpload`."""
    versions.need_bucket(tx, bucket)
    row = tx.one("SELECT * FROM uploads WHERE upload_id = ?", upload_id)
    if row is None or (row["bucket"], row["key"]) != (bucket, key):
        raise S3Fault("NoSuchUpload")
    return from_row(row)


def put_part(tx: Transaction, upload: Upload, part: Part) -> None:
    """Stores a part in place of one of the same number; raises `NoSuchUpload` if the upload ended meanwhile."""
    find(tx, upload.bucket, upload.key, upload.upload_id)
    sql = "SELECT blob FROM parts WHERE upload_id = ? AND part_number = ?"
    tx.doomed += [row["blob"] for row in tx.run(sql, upload.upload_id, part.part_number)]
    tx.run(
        "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)",
        upload.upload_id,
        part.part_number,
        part.blob,
        part.size_bytes,
        part.etag,
        json.dumps(dict(part.checksums)),
        milliseconds(part.stored_at),
    )


def parts(tx: Transaction, upload: Upload) -> list[Part]:
    """Every part stored so far, by number."""
    rows = tx.run("SELECT * FROM parts WHERE upload_id = ? ORDER BY part_number", upload.upload_id)
    return [
        Part(
            row["part_number"],
            row["blob"],
            row["size_bytes"],
            row["etag"],
            json.loads(row["checksums"]),
            moment(row["stored_at_ms"]),
        )
        for row in rows
    ]


def complete(tx: Transaction, upload: Upload, request: Completion) -> StoredObject:
    """Makes the object out of the named parts: their files become its extents, so nothing is copied."""
    upload = find(tx, upload.bucket, upload.key, upload.upload_id)
    chosen = _chosen(parts(tx, upload), request.named)
    new = NewObject(
        bucket=upload.bucket,
        key=upload.key,
        etag=f"{checksums.joined_md5([part.etag for part in chosen])}-{len(chosen)}",
        stored_at=request.now,
        attributes=upload.attributes,
        extents=[Extent(part.blob, part.size_bytes, part.part_number) for part in chosen],
        checksums=_object_checksums(upload.attributes, chosen),
        if_match=request.if_match,
        if_none_match=request.if_none_match,
    )
    stored = versions.put(tx, new)
    abort(tx, upload)
    return stored


def abort(tx: Transaction, upload: Upload) -> None:
    """Ends an upload; the files of its parts go unless an object took them."""
    find(tx, upload.bucket, upload.key, upload.upload_id)
    tx.doomed += [row["blob"] for row in tx.run("SELECT blob FROM parts WHERE upload_id = ?", upload.upload_id)]
    tx.run("DELETE FROM uploads WHERE upload_id = ?", upload.upload_id)


def from_row(row: sqlite3.Row) -> Upload:
    """The noun of a row of `uploads`."""
    attributes = Attributes.from_json(row["attributes"])
    return Upload(row["upload_id"], row["bucket"], row["key"], moment(row["begun_at_ms"]), attributes)


def _chosen(stored: Sequence[Part], named: Sequence[NamedPart]) -> list[Part]:
    if not named:
        raise S3Fault("MalformedXML", "Name at least one part.")
    numbers = [part.part_number for part in named]
    if any(left >= right for left, right in itertools.pairwise(numbers)):
        raise S3Fault("InvalidPartOrder")
    by_number = {part.part_number: part for part in stored}
    chosen = []
    for wanted in named:
        part = by_number.get(wanted.part_number)
        if part is None or wanted.etag.strip('"') != part.etag:
            raise S3Fault("InvalidPart")
        if any(part.checksums.get(name) != value for name, value in wanted.checksums.items()):
            raise S3Fault("InvalidPart", "The checksum of a part does not match.")
        chosen.append(part)
    if any(part.size_bytes < MIN_PART_BYTES for part in chosen[:-1]):
        raise S3Fault("EntityTooSmall")
    return chosen


def _object_checksums(attributes: Attributes, chosen: Sequence[Part]) -> dict[str, str]:
    algorithm = attributes.checksum_algorithm
    if not algorithm:
        return {}
    values = [part.checksums[algorithm] for part in chosen]
    if attributes.checksum_type == "FULL_OBJECT":
        sizes = [part.size_bytes for part in chosen]
        return {algorithm: checksums.full_object(algorithm, list(zip(values, sizes, strict=True)))}
    return {algorithm: checksums.composite(algorithm, values)}
