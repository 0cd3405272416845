"""CopyObject and UploadPartCopy: a whole copy shares the files of its source, a part of one reads them."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from starlette.responses import Response

from vaultstream.local.s3 import checksums, conditions, settings, versions
from vaultstream.local.s3.answers import document, pieces, stretches
from vaultstream.local.s3.call import Call, clean_key
from vaultstream.local.s3.descriptions import asked_attributes, asked_encryption, outcome_headers, timestamp
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.intake import MAX_BODY_BYTES, Received
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import Attributes, Extent, StoredObject
from vaultstream.local.s3.shelf import Draft, Lease
from vaultstream.local.s3.store import Store
from vaultstream.local.s3.versions import NewObject

_SELF_COPY = (
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's"
    " metadata, storage class, website redirect location or encryption attributes."
)


@dataclass(frozen=True, slots=True)
class Source:
    """The version that a copy reads, its files held by the lease it was found with."""

    stored: StoredObject
    extents: Sequence[Extent]
    is_named_version: bool


async def copy_object(call: Call) -> Response:
    """Copies by reference. As on S3 the copy is one part with an ETag of its own, and STANDARD unless asked."""
    with ExitStack() as stack:
        source = await find_source(call, stack.enter_context(call.store.lease()))
        _refuse_idle_copy(call, source)
        if source.stored.size_bytes > MAX_BODY_BYTES:
            raise S3Fault("InvalidRequest", "The specified copy source is larger than the maximum allowable size")
        etag = source.stored.etag
        if "-" in etag:
            etag = await _md5(call.store, source)
        stored = await call.store.commit("ObjectCreated:Copy", [], _copy_job(call, source, etag))
    result = [("LastModified", timestamp(stored.stored_at)), ("ETag", f'"{stored.etag}"')]
    return document("CopyObjectResult", result, outcome_headers(stored))


async def find_source(call: Call, lease: Lease) -> Source:
    """The object that `x-amz-copy-source` names, if its conditions hold and its bytes can be read."""
    path, _, version_id = call.header("x-amz-copy-source").partition("?versionId=")
    bucket, _, key = unquote_to_bytes(path).removeprefix(b"/").partition(b"/")
    if not key:
        raise S3Fault("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")

    def look_up(tx: Transaction) -> Source:
        stored = versions.find(tx, bucket.decode("latin-1"), clean_key(key), version_id)
        extents = versions.extents(tx, stored)
        lease.take(extent.blob for extent in extents)
        return Source(stored, extents, bool(version_id))

    source = await call.store.ledger.run(look_up)
    conditions.check(call.headers, source.stored.etag, source.stored.stored_at, "x-amz-copy-source-")
    if not source.stored.is_readable(call.store.clock()):
        raise S3Fault("InvalidObjectState")
    return source


def _copy_job(call: Call, source: Source, etag: str) -> Callable[[Transaction], StoredObject]:
    attributes, encryption = _copied_attributes(call, source.stored.attributes), asked_encryption(call)
    new = NewObject(
        bucket=call.bucket,
        key=call.key,
        etag=etag,
        stored_at=call.store.clock(),
        attributes=attributes,
        extents=[replace(extent, part_number=0) for extent in source.extents],
        checksums={name: value for name, value in source.stored.checksums.items() if "-" not in value},
        if_match=call.header("if-match"),
        if_none_match=call.header("if-none-match"),
    )

    def work(tx: Transaction) -> StoredObject:
        chosen = encryption or settings.default_encryption(tx, call.bucket)
        return versions.put(tx, replace(new, attributes=replace(attributes, encryption=chosen)))

    return work


def _copied_attributes(call: Call, source: Attributes) -> Attributes:
    asked = asked_attributes(call)
    kept = replace(asked, checksum_type="FULL_OBJECT")
    if call.header("x-amz-metadata-directive") != "REPLACE":
        kept = replace(kept, headers=source.headers, metadata=source.metadata)
    if call.header("x-amz-tagging-directive") != "REPLACE":
        kept = replace(kept, tags=source.tags)
    return kept


def _refuse_idle_copy(call: Call, source: Source) -> None:
    is_self = (source.stored.bucket, source.stored.key) == (call.bucket, call.key)
    changes = ("x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location")
    is_changed = call.header("x-amz-metadata-directive") == "REPLACE" or any(name in call.headers for name in changes)
    if is_self and not is_changed and not source.is_named_version:
        raise S3Fault("InvalidRequest", _SELF_COPY)


async def _md5(store: Store, source: Source) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    async for piece in pieces(store, stretches(source.extents, 0, source.stored.size_bytes)):
        await store.on_disk(digest.update, piece)
    return digest.hexdigest()


async def copy_bytes(store: Store, source: Source, start: int, end: int, algorithm: str) -> Received:
    """Bytes `start` to `end` (exclusive) of the source as a new file, with the checksum named, if one is."""
    draft = await store.on_disk(Draft, store.shelf)
    md5 = hashlib.md5(usedforsecurity=False)
    digests = {algorithm: checksums.start(algorithm)} if algorithm else {}

    def keep(piece: bytes) -> None:
        draft.write(piece)
        for digest in (md5, *digests.values()):
            digest.update(piece)

    try:
        async for piece in pieces(store, stretches(source.extents, start, end)):
            await store.on_disk(keep, piece)
        await store.on_disk(draft.seal)
    except BaseException:
        draft.discard()
        raise
    values = {name: base64.b64encode(digest.digest()).decode() for name, digest in digests.items()}
    return Received(draft.blob, end - start, md5.hexdigest(), values)
