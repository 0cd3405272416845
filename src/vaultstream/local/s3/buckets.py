"""Buckets: created, listed, told their settings, asked for their objects and versions."""

import re
import sqlite3
from functools import partial

from starlette.responses import Response

from vaultstream.local.s3 import listing, settings, versions
from vaultstream.local.s3.answers import document, empty
from vaultstream.local.s3.call import Call
from vaultstream.local.s3.descriptions import timestamp
from vaultstream.local.s3.documents import Node, parse, render, text
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.listing import Page, Window
from vaultstream.local.s3.objects import StoredObject, milliseconds, moment
from vaultstream.local.s3.paging import encoded, from_token, page_size, to_token

_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_HOME_REGION = "us-east-1"
_LOCKING: list[Node] = [("ObjectLockEnabled", "Enabled")]
_OWNER: Node = ("Owner", [("ID", "local"), ("DisplayName", "local")])


async def list_buckets(call: Call) -> Response:
    """Every bucket."""
    rows = await call.store.ledger.run(lambda tx: tx.run("SELECT * FROM buckets ORDER BY name").fetchall())
    nodes: list[Node] = [
        ("Bucket", [("Name", row["name"]), ("CreationDate", timestamp(moment(row["created_at_ms"])))]) for row in rows
    ]
    return document("ListAllMyBucketsResult", [_OWNER, ("Buckets", nodes)])


async def create_bucket(call: Call) -> Response:
    """Makes a bucket; as on S3, making it again succeeds in us-east-1 and conflicts elsewhere."""
    if not _NAME.fullmatch(call.bucket):
        raise S3Fault("InvalidBucketName")
    is_locking = call.header("x-amz-bucket-object-lock-enabled").lower() == "true"
    body = await call.document()
    region = text(parse(body, "CreateBucketConfiguration"), "LocationConstraint") if body else ""

    def work(tx: Transaction) -> None:
        if region not in ("", _HOME_REGION) and tx.one("SELECT 1 FROM buckets WHERE name = ?", call.bucket):
            raise S3Fault("BucketAlreadyOwnedByYou")
        now = milliseconds(call.store.clock())
        tx.run("INSERT OR IGNORE INTO buckets VALUES (?, ?, ?)", call.bucket, region or _HOME_REGION, now)
        if is_locking:
            settings.write(tx, call.bucket, "versioning", render("VersioningConfiguration", [("Status", "Enabled")]))
            settings.write(tx, call.bucket, "object-lock", render("ObjectLockConfiguration", _LOCKING))

    await call.store.ledger.run(work)
    return empty(200, {"location": f"/{call.bucket}"})


async def head_bucket(call: Call) -> Response:
    """Says that a bucket is there, and its region."""
    return empty(200, {"x-amz-bucket-region": await _region(call)})


async def get_location(call: Call) -> Response:
    """The region in its own form: empty for us-east-1."""
    region = await _region(call)
    body = render("LocationConstraint", [])
    if region != _HOME_REGION:
        body = body.replace(b" />", f">{region}</LocationConstraint>".encode())
    return Response(body, media_type="application/xml")


async def delete_bucket(call: Call) -> Response:
    """Removes an empty bucket."""

    def work(tx: Transaction) -> None:
        versions.need_bucket(tx, call.bucket)
        for table in ("objects", "uploads"):
            if tx.one(f"SELECT 1 FROM {table} WHERE bucket = ? LIMIT 1", call.bucket):  # noqa: S608 - two constants
                raise S3Fault("BucketNotEmpty")
        tx.run("DELETE FROM buckets WHERE name = ?", call.bucket)

    await call.store.ledger.run(work)
    return empty(204)


async def put_setting(call: Call, name: str) -> Response:
    """Stores a setting after looking that it is one."""
    body = await call.document()
    settings.check(name, body)
    await _write_setting(call, name, body)
    return empty(204 if name == "policy" else 200)


async def delete_setting(call: Call, name: str) -> Response:
    """Removes a setting."""
    await _write_setting(call, name, b"")
    return empty(204)


async def get_setting(call: Call, name: str) -> Response:
    """A setting as it was stored, or S3's answer for one that was not."""

    def work(tx: Transaction) -> bytes:
        versions.need_bucket(tx, call.bucket)
        return settings.read(tx, call.bucket, name)

    body = await call.store.ledger.run(work)
    setting = settings.SETTINGS[name]
    if not body and setting.absent:
        raise S3Fault(setting.absent)
    if not body:
        body = render(setting.root, _ENCRYPTED if name == "encryption" else [])
    return Response(body, media_type="application/xml" if setting.root else "application/json")


async def list_objects(call: Call) -> Response:
    """ListObjectsV2: a page of the latest versions."""
    if call.query.get("list-type") != "2":
        raise S3Fault("NotImplemented", "Use ListObjectsV2.")
    token, limit = call.query.get("continuation-token", ""), page_size(call, "max-keys")
    after = from_token(token) if token else call.query.get("start-after", "")
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    window = Window(call.bucket, prefix, delimiter, after, limit)
    page = await call.store.ledger.run(partial(listing.objects, window=window))
    told = _page_head(call, page, limit)
    told += [("Contents", _entry(call, one)) for one in page.objects]
    told += [("CommonPrefixes", [("Prefix", encoded(call, one))]) for one in page.prefixes]
    return document("ListBucketResult", told)


async def list_versions(call: Call) -> Response:
    """ListObjectVersions without a delimiter: every version and delete marker."""
    if call.query.get("delimiter"):
        raise S3Fault("NotImplemented", "List versions without a delimiter.")
    limit, prefix = page_size(call, "max-keys"), call.query.get("prefix", "")
    key, marker = call.query.get("key-marker", ""), call.query.get("version-id-marker", "")

    def work(tx: Transaction) -> list[sqlite3.Row]:
        sql = "SELECT seq FROM objects WHERE bucket = ? AND key = ? AND version_id = ?"
        row = tx.one(sql, call.bucket, key, marker) if marker else None
        after = (key, row["seq"] if row else 0)
        return listing.all_versions(tx, call.bucket, prefix, after, limit + 1)

    rows = await call.store.ledger.run(work)
    page, is_truncated = rows[:limit], len(rows) > limit
    told: list[Node] = [("Name", call.bucket), ("Prefix", encoded(call, prefix)), ("MaxKeys", limit)]
    told += [("IsTruncated", is_truncated), *_encoding(call)]
    if is_truncated:
        told.append(("NextKeyMarker", encoded(call, page[-1]["key"])))
        told.append(("NextVersionIdMarker", page[-1]["version_id"]))
    return document("ListVersionsResult", told + [_version_node(call, row) for row in page])


_ENCRYPTED: list[Node] = [
    ("Rule", [("ApplyServerSideEncryptionByDefault", [("SSEAlgorithm", "AES256")]), ("BucketKeyEnabled", False)])
]


async def _region(call: Call) -> str:
    row = await call.store.ledger.run(lambda tx: tx.one("SELECT region FROM buckets WHERE name = ?", call.bucket))
    if row is None:
        raise S3Fault("NoSuchBucket")
    return str(row["region"])


async def _write_setting(call: Call, name: str, body: bytes) -> None:
    def work(tx: Transaction) -> None:
        versions.need_bucket(tx, call.bucket)
        unlocks = name == "object-lock" or (name == "versioning" and settings.is_suspending(body))
        if unlocks and settings.is_locking(tx, call.bucket):
            raise S3Fault("InvalidBucketState")
        settings.write(tx, call.bucket, name, body)

    await call.store.ledger.run(work)


def _page_head(call: Call, page: Page, limit: int) -> list[Node]:
    told: list[Node] = [
        ("Name", call.bucket),
        ("Prefix", encoded(call, call.query.get("prefix", ""))),
        ("MaxKeys", limit),
        ("KeyCount", len(page.objects) + len(page.prefixes)),
        ("IsTruncated", bool(page.next_after)),
        *_encoding(call),
    ]
    for name, element in (("delimiter", "Delimiter"), ("start-after", "StartAfter")):
        if value := call.query.get(name):
            told.append((element, encoded(call, value)))
    if token := call.query.get("continuation-token"):
        told.append(("ContinuationToken", token))
    if page.next_after:
        told.append(("NextContinuationToken", to_token(page.next_after)))
    return told


def _encoding(call: Call) -> list[Node]:
    return [("EncodingType", "url")] if call.query.get("encoding-type") == "url" else []


def _entry(call: Call, found: StoredObject) -> list[Node]:
    told: list[Node] = [
        ("Key", encoded(call, found.key)),
        ("LastModified", timestamp(found.stored_at)),
        ("ETag", f'"{found.etag}"'),
        ("Size", found.size_bytes),
        ("StorageClass", found.attributes.storage_class),
        *(("ChecksumAlgorithm", name) for name in found.checksums),
    ]
    return [*told, _OWNER] if call.query.get("fetch-owner") == "true" else told


def _version_node(call: Call, row: sqlite3.Row) -> Node:
    found = versions.from_row(row)
    head: list[Node] = [("VersionId", found.version_id), ("IsLatest", bool(row["is_latest"]))]
    if found.is_marker:
        stored_at = timestamp(found.stored_at)
        return "DeleteMarker", [("Key", encoded(call, found.key)), ("LastModified", stored_at), *head, _OWNER]
    return "Version", [*head, *_entry(call, found)]
