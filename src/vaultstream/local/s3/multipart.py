"""The multipart operations: create, upload or copy a part, list, complete, abort."""

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

from starlette.responses import Response

from vaultstream.local.s3 import checksums, conditions, copying, listing, settings, uploads
from vaultstream.local.s3.answers import document, empty
from vaultstream.local.s3.call import Call
from vaultstream.local.s3.descriptions import (
    asked_attributes,
    asked_encryption,
    checksum_headers,
    encryption_headers,
    outcome_headers,
    timestamp,
)
from vaultstream.local.s3.documents import Node, parse, text
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.intake import Received, named_checksums, receive
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import StoredObject
from vaultstream.local.s3.paging import encoded, page_size
from vaultstream.local.s3.uploads import Completion, NamedPart, Part, Upload

_NUMBER = re.compile("[0-9]{1,5}")


async def create_upload(call: Call) -> Response:
    """Opens an upload with the attributes its object will have."""
    attributes, encryption = asked_attributes(call), asked_encryption(call)

    def work(tx: Transaction) -> Upload:
        chosen = encryption or settings.default_encryption(tx, call.bucket)
        return uploads.begin(tx, call.bucket, call.key, replace(attributes, encryption=chosen), call.store.clock())

    upload = await call.store.ledger.run(work)
    headers = encryption_headers(upload.attributes.encryption)
    if attributes.checksum_algorithm:
        headers["x-amz-checksum-algorithm"] = attributes.checksum_algorithm
        headers["x-amz-checksum-type"] = attributes.checksum_type
    told = [("Bucket", call.bucket), ("Key", call.key), ("UploadId", upload.upload_id)]
    return document("InitiateMultipartUploadResult", told, headers)


async def upload_part(call: Call) -> Response:
    """Stores a part from the body, or from another object where `x-amz-copy-source` names one."""
    number = _part_number(call.query.get("partNumber", ""))
    upload = await _find(call)
    if "x-amz-copy-source" in call.headers:
        return await _copy_part(call, upload, number)
    algorithm = upload.attributes.checksum_algorithm
    received = await receive(call, also=[algorithm] if algorithm else [])
    await _keep_part(call, upload, number, received)
    headers = {"etag": f'"{received.etag}"', **encryption_headers(upload.attributes.encryption)}
    return empty(200, {**headers, **checksum_headers(received.checksums)})


async def list_parts(call: Call) -> Response:
    """A page of the parts stored so far."""
    upload = await _find(call)
    limit, marker = page_size(call, "max-parts"), call.query.get("part-number-marker") or "0"
    after = 0 if marker == "0" else _part_number(marker)
    everything = await call.store.ledger.run(lambda tx: uploads.parts(tx, upload))
    rest = [part for part in everything if part.part_number > after]
    page = rest[:limit]
    told: list[Node] = [
        ("Bucket", call.bucket),
        ("Key", call.key),
        ("UploadId", upload.upload_id),
        ("PartNumberMarker", after),
        ("NextPartNumberMarker", page[-1].part_number if page else after),
        ("MaxParts", limit),
        ("IsTruncated", len(rest) > limit),
        ("StorageClass", upload.attributes.storage_class),
    ]
    return document("ListPartsResult", [*told, *(("Part", _part_node(part)) for part in page)])


async def complete_upload(call: Call) -> Response:
    """Makes the object; nothing is copied, so it takes one transaction whatever the size."""
    upload = await _find(call)
    root = parse(await call.document(), "CompleteMultipartUpload")
    named = [_named_part(element) for element in root.findall("Part")]
    request = Completion(named, call.store.clock(), call.header("if-match"), call.header("if-none-match"))
    stored = await call.store.commit("ObjectCreated:CompleteMultipartUpload", [], _completing(call, upload, request))
    told: list[Node] = [
        ("Location", str(call.request.url.replace(query=""))),
        ("Bucket", call.bucket),
        ("Key", call.key),
        ("ETag", f'"{stored.etag}"'),
        *((f"Checksum{name}", value) for name, value in stored.checksums.items()),
    ]
    if stored.checksums:
        told.append(("ChecksumType", stored.attributes.checksum_type))
    return document("CompleteMultipartUploadResult", told, outcome_headers(stored))


async def abort_upload(call: Call) -> Response:
    """Ends an upload and frees its parts."""
    upload = await _find(call)
    await call.store.ledger.run(lambda tx: uploads.abort(tx, upload))
    return empty(204)


async def list_uploads(call: Call) -> Response:
    """A page of the bucket's open uploads."""
    limit, prefix = page_size(call, "max-uploads"), call.query.get("prefix", "")
    after = (call.query.get("key-marker", ""), call.query.get("upload-id-marker", ""))
    if after[0] and not after[1]:
        after = (after[0], "~")  # an id is hexadecimal, so this passes over the whole key
    found = await call.store.ledger.run(lambda tx: listing.open_uploads(tx, call.bucket, prefix, after, limit + 1))
    page, is_truncated = found[:limit], len(found) > limit
    told: list[Node] = [
        ("Bucket", call.bucket),
        ("KeyMarker", encoded(call, call.query.get("key-marker", ""))),
        ("UploadIdMarker", after[1].strip("~")),
        ("Prefix", encoded(call, prefix)),
        ("MaxUploads", limit),
        ("IsTruncated", is_truncated),
    ]
    if "encoding-type" in call.query:
        told.append(("EncodingType", "url"))
    if is_truncated:
        told += [("NextKeyMarker", encoded(call, page[-1].key)), ("NextUploadIdMarker", page[-1].upload_id)]
    return document("ListMultipartUploadsResult", [*told, *(("Upload", _upload_node(call, one)) for one in page)])


async def _find(call: Call) -> Upload:
    upload_id = call.query["uploadId"]
    return await call.store.ledger.run(lambda tx: uploads.find(tx, call.bucket, call.key, upload_id))


async def _keep_part(call: Call, upload: Upload, number: int, received: Received) -> Part:
    now = call.store.clock()
    part = Part(number, received.blob, received.size_bytes, received.etag, received.checksums, now)
    try:
        await call.store.ledger.run(lambda tx: uploads.put_part(tx, upload, part))
    except BaseException:
        call.store.forget([received.blob])
        raise
    return part


async def _copy_part(call: Call, upload: Upload, number: int) -> Response:
    with call.store.lease() as lease:
        source = await copying.find_source(call, lease)
        size_bytes = source.stored.size_bytes
        span = conditions.wanted_bytes(call.header("x-amz-copy-source-range"), size_bytes) or (0, size_bytes)
        algorithm = upload.attributes.checksum_algorithm
        received = await copying.copy_bytes(call.store, source, *span, algorithm)
    part = await _keep_part(call, upload, number, received)
    told = [("LastModified", timestamp(part.stored_at)), ("ETag", f'"{part.etag}"'), *_checksum_nodes(part)]
    return document("CopyPartResult", told, encryption_headers(upload.attributes.encryption))


def _completing(call: Call, upload: Upload, request: Completion) -> Callable[[Transaction], StoredObject]:
    promised = named_checksums(call)

    def work(tx: Transaction) -> StoredObject:
        stored = uploads.complete(tx, upload, request)
        if any(stored.checksums.get(name) != value for name, value in promised.items()):
            raise S3Fault("BadDigest", "The checksum of the whole object does not match that of its parts.")
        if call.header("x-amz-mp-object-size") not in ("", str(stored.size_bytes)):
            raise S3Fault("InvalidRequest", "The provided 'x-amz-mp-object-size' does not match the parts.")
        return stored

    return work


def _named_part(element: Element) -> NamedPart:
    values = {name: text(element, f"Checksum{name}") for name in checksums.ALGORITHMS}
    named = {name: value for name, value in values.items() if value}
    return NamedPart(_part_number(text(element, "PartNumber")), text(element, "ETag"), named)


def _part_number(value: str) -> int:
    if not _NUMBER.fullmatch(value) or not 1 <= int(value) <= uploads.MAX_PART_NUMBER:
        raise S3Fault("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    return int(value)


def _part_node(part: Part) -> list[Node]:
    return [
        ("PartNumber", part.part_number),
        ("LastModified", timestamp(part.stored_at)),
        ("ETag", f'"{part.etag}"'),
        ("Size", part.size_bytes),
        *_checksum_nodes(part),
    ]


def _checksum_nodes(part: Part) -> list[Node]:
    return [(f"Checksum{name}", value) for name, value in part.checksums.items()]


def _upload_node(call: Call, upload: Upload) -> list[Node]:
    return [
        ("Key", encoded(call, upload.key)),
        ("UploadId", upload.upload_id),
        ("StorageClass", upload.attributes.storage_class),
        ("Initiated", timestamp(upload.begun_at)),
    ]
