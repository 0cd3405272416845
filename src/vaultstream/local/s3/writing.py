"""PutObject and the deletes: a body becomes durable first, then one transaction makes it the object."""

from dataclasses import replace

from starlette.responses import Response

from vaultstream.local.s3 import settings, versions
from vaultstream.local.s3.answers import document, empty
from vaultstream.local.s3.call import Call, clean_key
from vaultstream.local.s3.descriptions import asked_attributes, asked_encryption, checksum_headers, outcome_headers
from vaultstream.local.s3.documents import Node, parse, text
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.intake import receive
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import NULL_VERSION, Attributes, Extent, StoredObject
from vaultstream.local.s3.store import Tell
from vaultstream.local.s3.versions import NewObject, Removal

_MAX_DELETES = 1000


async def put_object(call: Call) -> Response:
    """Stores the body; `If-None-Match: *` and `If-Match` are decided inside the transaction."""
    attributes, encryption = asked_attributes(call), asked_encryption(call)
    await call.store.ledger.run(lambda tx: versions.need_bucket(tx, call.bucket))
    received = await receive(call)
    new = NewObject(
        bucket=call.bucket,
        key=call.key,
        etag=received.etag,
        stored_at=call.store.clock(),
        attributes=attributes,
        extents=[Extent(received.blob, received.size_bytes)] if received.blob else [],
        checksums=received.checksums,
        if_match=call.header("if-match"),
        if_none_match=call.header("if-none-match"),
    )

    def work(tx: Transaction) -> StoredObject:
        chosen = encryption or settings.default_encryption(tx, call.bucket)
        return versions.put(tx, replace(new, attributes=replace(attributes, encryption=chosen)))

    stored = await call.store.commit("ObjectCreated:Put", [received.blob], work)
    headers = {"etag": f'"{stored.etag}"', **outcome_headers(stored), **checksum_headers(stored.checksums)}
    return empty(200, headers)


async def delete_object(call: Call) -> Response:
    """Deletes the object or the version named; what is not there counts as deleted."""
    (removal,) = await _remove(call, [(call.key, call.query.get("versionId", ""))])
    headers = {} if removal.version_id == NULL_VERSION else {"x-amz-version-id": removal.version_id}
    return empty(204, {**headers, **({"x-amz-delete-marker": "true"} if removal.is_marker else {})})


async def delete_objects(call: Call) -> Response:
    """Deletes up to 1,000 keys in one transaction."""
    root = parse(await call.document(), "Delete")
    named = [
        (clean_key((one.findtext("Key") or "").encode()), text(one, "VersionId")) for one in root.findall("Object")
    ]
    if not 1 <= len(named) <= _MAX_DELETES or not all(key for key, _ in named):
        raise S3Fault("MalformedXML")
    removals = await _remove(call, named)
    if text(root, "Quiet") == "true":
        return document("DeleteResult", [])
    return document("DeleteResult", [_deleted(*pair) for pair in zip(named, removals, strict=True)])


async def _remove(call: Call, named: list[tuple[str, str]]) -> list[Removal]:
    store = call.store

    def work(tx: Transaction) -> tuple[list[Removal], list[Tell]]:
        removals, tells = [], []
        for key, version_id in named:
            removal = versions.remove(tx, call.bucket, key, version_id, store.clock())
            name = "ObjectRemoved:DeleteMarkerCreated" if removal.made_marker else "ObjectRemoved:Delete"
            gone = StoredObject(0, call.bucket, key, removal.version_id, True, 0, "", store.clock(), Attributes(), {})
            tells.append(store.tell(tx, name, gone))
            removals.append(removal)
        return removals, tells

    removals, tells = await store.ledger.run(work)
    for tell in tells:
        tell()
    return removals


def _deleted(named: tuple[str, str], removal: Removal) -> Node:
    key, version_id = named
    told: list[Node] = [("Key", key)]
    if version_id:
        told.append(("VersionId", version_id))
    if removal.is_marker:
        told += [("DeleteMarker", True), ("DeleteMarkerVersionId", removal.version_id)]
    return "Deleted", told
