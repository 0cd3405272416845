"""RestoreObject and object tags: what can be said of a version without touching its bytes."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from starlette.responses import Response

from vaultstream.local.s3 import lifecycle, versions
from vaultstream.local.s3.answers import document, empty
from vaultstream.local.s3.call import Call
from vaultstream.local.s3.descriptions import checked_tags
from vaultstream.local.s3.documents import Node, parse, text
from vaultstream.local.s3.faults import S3Fault
from vaultstream.local.s3.ledger import Transaction
from vaultstream.local.s3.objects import ARCHIVED, LONG_AGO, StoredObject
from vaultstream.local.s3.store import Tell


async def restore_object(call: Call) -> Response:
    """Makes an archived object readable for some days, after the restore delay; asking again extends it."""
    days = text(parse(await call.document(), "RestoreRequest"), "Days")
    if not (days.isascii() and days.isdigit()) or not 1 <= int(days) <= 36_500:
        raise S3Fault("MalformedXML", "Days must be a positive number.")
    store, now = call.store, call.store.clock()

    def work(tx: Transaction) -> tuple[bool, Tell]:
        found = _find(tx, call)
        if found.attributes.storage_class not in ARCHIVED:
            raise S3Fault("InvalidObjectState", "Restore is not allowed, as the storage class is not an archive.")
        if found.is_restoring(now):
            raise S3Fault("RestoreAlreadyInProgress")
        is_extension = found.is_restored(now)
        ready_at = LONG_AGO if is_extension else now + store.restore_delay
        versions.restore(tx, found, ready_at, max(now, ready_at) + timedelta(days=int(days)))
        return is_extension, store.tell(tx, "ObjectRestore:Post", found)

    is_extension, post = await store.ledger.run(work)
    post()
    if not is_extension:
        store.later(store.restore_delay, partial(lifecycle.look, store))
    return empty(200 if is_extension else 202)


async def get_tags(call: Call) -> Response:
    """The tags of a version."""
    found = await call.store.ledger.run(lambda tx: _find(tx, call))
    tags: list[Node] = [("Tag", [("Key", name), ("Value", value)]) for name, value in found.attributes.tags.items()]
    return document("Tagging", [("TagSet", tags)])


async def put_tags(call: Call) -> Response:
    """Replaces the tags of a version."""
    root = parse(await call.document(), "Tagging")
    pairs = [(one.findtext("Key") or "", one.findtext("Value") or "") for one in root.iterfind("TagSet/Tag")]
    await _set_tags(call, checked_tags(pairs))
    return empty(200)


async def delete_tags(call: Call) -> Response:
    """Removes the tags of a version."""
    await _set_tags(call, {})
    return empty(204)


async def _set_tags(call: Call, tags: dict[str, str]) -> None:
    def work(tx: Transaction) -> None:
        found = _find(tx, call)
        versions.amend(tx, found, replace(found.attributes, tags=tags))

    await call.store.ledger.run(work)


def _find(tx: Transaction, call: Call) -> StoredObject:
    return versions.find(tx, call.bucket, call.key, call.query.get("versionId", ""))
