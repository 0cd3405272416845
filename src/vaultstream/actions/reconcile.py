"""The count of a person's bytes from what is really there: it proves the counters, and mends them where they differ."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from vaultstream import table
from vaultstream.actions import account, deeds, versions
from vaultstream.adapters.records import items, trash_changes, upload_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.ids import UserId
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.users import Storage

COUNT_AGAIN = timedelta(days=1)
_TRIES = 5
_FILES_AT_ONCE = 20
_PAGE = 1000
_UPLOADS_MAX = 1_000_000
_OPEN = {UploadStatus.RECEIVING, UploadStatus.COMPLETING}


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What the counters said and what was counted, while nothing moved in between."""

    counters: Storage
    counted: Storage

    @property
    def agrees(self) -> bool:
        """Whether the sum is proved."""
        return self.counters == self.counted


async def reconcile(vault: Vault, user_id: UserId) -> bool:
    """Count a person's bytes and mend their counters if they differ; whether something was mended.

    A difference counts only if it is seen twice and the counters stand still meanwhile; the mending is conditional
    on them, and leaves an event with both sums. Who is too busy to be counted is counted tomorrow.
    """
    first = await reckon(vault, user_id)
    mended = False
    if first is not None and not first.agrees:
        second = await reckon(vault, user_id)
        if second == first:
            await _mend(vault, user_id, first)
            mended = True
    await vault.commit([trash_changes.count_by(user_id, vault.now() + COUNT_AGAIN)])
    return mended


async def reckon(vault: Vault, user_id: UserId) -> Reckoning | None:
    """The counters beside what was counted; None where they never stood still for as long as that took."""
    before = (await account.viewer(vault, user_id)).storage
    for _ in range(_TRIES):
        counted = await count(vault, user_id, before.quota_bytes)
        after = (await account.viewer(vault, user_id)).storage
        if after == before:
            return Reckoning(before, counted)
        before = after
    return None


async def count(vault: Vault, user_id: UserId, quota_bytes: int) -> Storage:
    """A person's bytes from their files' versions and the uploads that are open, whatever the counters say."""
    total = Storage(quota_bytes, reserved_bytes=sum(each.reserved_bytes for each in await _open(vault, user_id)))
    before = None
    while True:
        page = await vault.records.things(
            table.persons_things(user_id), prefix=f"{items.FILE}#", before=before, limit=_PAGE
        )
        for at in range(0, len(page), _FILES_AT_ONCE):
            counted = await asyncio.gather(*(_of_file(vault, item) for item in page[at : at + _FILES_AT_ONCE]))
            total = _sum(total, counted)
        if len(page) < _PAGE:
            return total
        before = page[-1][table.GSI1.sk]


async def _of_file(vault: Vault, indexed: Item) -> Storage:
    """One file's bytes by its versions; nothing where it is gone since it was indexed."""
    item = await vault.records.item(table.file(indexed["id"]))
    if item is None:
        return Storage(0)
    file: File = items.file_from(item)
    stored = await versions.all_of(vault, file.id)
    live = sum(each.version.size_bytes for each in stored if each.version.id == file.current.id)
    older = sum(each.version.size_bytes for each in stored) - live
    return Storage(0, trash_bytes=live + older) if file.trashed_at else Storage(0, live, older)


def _sum(total: Storage, parts: Iterable[Storage]) -> Storage:
    for part in parts:
        total = replace(
            total,
            live_bytes=total.live_bytes + part.live_bytes,
            version_bytes=total.version_bytes + part.version_bytes,
            trash_bytes=total.trash_bytes + part.trash_bytes,
        )
    return total


async def _open(vault: Vault, user_id: UserId) -> list[Upload]:
    """Every open upload that takes of this person's quota, whoever sends it, by the index of what falls due."""
    ever = datetime.max.replace(tzinfo=UTC)
    shards = table.due_shards(upload_items.DUE)
    found = await asyncio.gather(*(vault.records.due(shard, ever, _UPLOADS_MAX) for shard in shards))
    keys = [table.upload(item["id"]) for shard in found for item in shard if item["owner_id"] == user_id]
    uploads = [upload_items.upload_from(item) for item in await vault.records.items(keys) if item]
    return [each for each in uploads if each.status in _OPEN]


async def _mend(vault: Vault, user_id: UserId, found: Reckoning) -> None:
    event = deeds.by_worker(
        vault,
        "reconcile",
        EventName.QUOTA_CORRECTED,
        user_id,
        request_id="reconcile",
        topics=(user_id,),
        before=asdict(found.counters),
        after=asdict(found.counted),
    )
    await vault.commit([trash_changes.set_counters(user_id, found.counters, found.counted)], [event])
