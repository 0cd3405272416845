"""GetObject and HeadObject: conditions, ranges, parts, and the bytes while they are read."""

from contextlib import ExitStack

from starlette.responses import Response

from vaultstream.local.s3 import conditions, versions
from vaultstream.local.s3.answers import ObjectAnswer, empty, stretches
from vaultstream.local.s3.call import Call
from vaultstream.local.s3.descriptions import checksum_headers, stored_headers
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import Extent, StoredObject
from vaultstream.local.s3.shelf import Lease

_OVERRIDES = (
    "content-type",
    "content-language",
    "expires",
    "cache-control",
    "content-disposition",
    "content-encoding",
)


async def get_object(call: Call) -> Response:
    """The object or a range of it, read from the disk only as far as asked."""
    with ExitStack() as stack:
        lease = stack.enter_context(call.store.lease())
        found, extents = await _located(call, lease)
        if not found.is_readable(call.store.clock()):
            raise S3Fault("InvalidObjectState")
        status, headers, (start, end) = _answer(call, found, extents)
        return ObjectAnswer(call.store, status, headers, stretches(extents, start, end), stack.pop_all())


async def head_object(call: Call) -> Response:
    """What a GET would say, without the bytes; an archived object can be asked about."""
    with call.store.lease() as lease:
        found, extents = await _located(call, lease)
    status, headers, _ = _answer(call, found, extents)
    return empty(status, headers)


async def _located(call: Call, lease: Lease) -> tuple[StoredObject, list[Extent]]:
    def look_up(tx: Transaction) -> tuple[StoredObject, list[Extent]]:
        found = versions.find(tx, call.bucket, call.key, call.query.get("versionId", ""))
        extents = versions.extents(tx, found)
        lease.take(extent.blob for extent in extents)
        return found, extents

    found, extents = await call.store.ledger.run(look_up)
    conditions.check(call.headers, found.etag, found.stored_at)
    return found, extents


def _answer(call: Call, found: StoredObject, extents: list[Extent]) -> tuple[int, dict[str, str], tuple[int, int]]:
    headers = stored_headers(found, call.store.clock())
    for name in _OVERRIDES:
        if value := call.query.get(f"response-{name}"):
            headers[name] = value
    span = conditions.wanted_bytes(call.header("range"), found.size_bytes)
    if number := call.query.get("partNumber"):
        span = _part_span(extents, number, found.size_bytes)
        if extents and extents[0].part_number:
            headers["x-amz-mp-parts-count"] = str(len(extents))
    elif call.header("x-amz-checksum-mode") == "ENABLED" and span is None:
        headers |= checksum_headers(found.checksums, found.attributes.checksum_type)
    start, end = span or (0, found.size_bytes)
    headers["content-length"] = str(end - start)
    if span is None or not found.size_bytes:
        return 200, headers, (start, end)
    headers["content-range"] = f"bytes {start}-{end - 1}/{found.size_bytes}"
    return 206, headers, (start, end)


def _part_span(extents: list[Extent], asked: str, size_bytes: int) -> tuple[int, int]:
    """Where a part lies; an object that was not made of parts is its own part 1."""
    if not (asked.isascii() and asked.isdigit()) or not 1 <= int(asked) <= 10_000:
        raise S3Fault("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    at = 0
    if not extents or not extents[0].part_number:
        extents = [Extent("", size_bytes, 1)]
    for position, extent in enumerate(extents, 1):
        if position == int(asked):
            return at, at + extent.size_bytes
        at += extent.size_bytes
    raise S3Fault("InvalidPartNumber")
