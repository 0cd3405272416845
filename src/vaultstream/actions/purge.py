"""Purge: from the trash out of the vault for ever, in bounded steps that any process can repeat and go on with.

A purge is begun by one transaction and then stands in the table until all is gone. Each step deletes some versions
with their headers, which shreds their keys, and frees their quota in the same transaction; then their objects go.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from vaultstream import quota, table
from vaultstream.access import Deed
from vaultstream.actions import deeds, reach, shred, trash
from vaultstream.actions.again import again
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, items, trash_changes, version_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId
from vaultstream.quota import QuotaChange
from vaultstream.trash import Purge
from vaultstream.versions import StoredVersion

STEPS_AT_ONCE = 2  # what the person who asked waits for; the sweeper does the rest
_ENTRIES_A_STEP = 25
_ITEMS_A_STEP = 25  # up to three changes for each: a transaction has a hundred at most
_LOOK_AGAIN = timedelta(seconds=30)


async def begin(vault: Vault, actor: Actor, item_id: ItemId) -> ItemId:
    """Purge an item of the actor's from the trash, with all that is in it. What is small is gone on return; what is
    large goes on without them. Once more changes nothing while it goes on.

    Raises NOT_FOUND, FORBIDDEN, CONFLICT for what is not the root of something in the trash.
    """
    return await again(lambda: _begin(vault, actor, item_id))


async def _begin(vault: Vault, actor: Actor, item_id: ItemId) -> ItemId:
    it = (await reach.lineage(vault, actor, item_id, Deed.PURGE)).item
    trash.require_thrown_away(it)
    if await vault.records.item(table.purge(it.id)) is None:
        event = deeds.by_person(vault, actor, _named(it, "PURGE_BEGUN"), it.id, topics=_topics(it))
        await _commit_begin(vault, it, event)
    purge = Purge(it.id, it.owner_id, actor.origin.request_id)
    with suppress(VaultError):  # it is begun for good: what fails now, the sweeper does
        await proceed(vault, purge, steps=STEPS_AT_ONCE)
    return it.id


async def fall_due(vault: Vault, item_id: ItemId) -> None:
    """What the sweeper does to what was in the trash for long enough."""
    (it,) = await reach.load(vault, [item_id])
    if it is not None and it.trashed_at is not None:
        event = deeds.by_worker(
            vault, "sweep", _named(it, "PURGE_BEGUN"), it.id, request_id="sweep", topics=_topics(it)
        )
        await _commit_begin(vault, it, event)


async def _commit_begin(vault: Vault, it: Folder | File, event: Event) -> None:
    purge = Purge(it.id, it.owner_id, event.request_id)
    begun = trash_changes.begin_purge(purge, vault.now() + _LOOK_AGAIN)
    await vault.commit([trash_changes.leave_trash(it), begun], [event])


async def proceed(vault: Vault, purge: Purge, *, steps: int) -> bool:
    """Go on with a purge for so many steps; whether all is gone. Each step is done whole or not at all."""
    for _ in range(steps):
        (root,) = await reach.load(vault, [purge.item_id])
        if root is None:
            await vault.commit([trash_changes.end_purge(purge.item_id)])
            return True
        await _step(vault, purge, root)
    return False


async def _step(vault: Vault, purge: Purge, root: Folder | File) -> None:
    if isinstance(root, File):
        await _purge_file(vault, purge, root)
        return
    folder, entries = await _deepest(vault, root)
    for entry in entries:
        await _purge_entry(vault, purge, entry)
    if not entries:
        await _purge_folder(vault, purge, folder)


async def _deepest(vault: Vault, folder: Folder) -> tuple[Folder, list[Item]]:
    """A folder below this one, or itself, from which something can go now: files, or names that are only kept, or
    nothing any more. Every folder on the way down is closed first, so that nothing is put into it behind us.
    """
    while True:
        folder = await _closed(vault, folder)
        pk = table.folder(folder.id).pk
        found = await vault.records.collection(pk, after=table.ENTRY, until=table.ENTRY_END, limit=_ENTRIES_A_STEP)
        leaves = [entry for entry in found if entry["kind"] != items.FOLDER]
        if leaves or not found:
            return folder, leaves
        (child,) = await reach.load(vault, [FolderId(found[0]["id"])])
        if not isinstance(child, Folder):
            return folder, found[:1]
        folder = child


async def _closed(vault: Vault, folder: Folder) -> Folder:
    """The folder marked as in the trash by itself; its entry is not rewritten, for nobody lists it any more."""
    if folder.trashed_at is not None:
        return folder
    closed = folder.trashed(vault.now())
    await vault.commit([changes.replace(closed)])
    return closed


async def _purge_entry(vault: Vault, purge: Purge, entry: Item) -> None:
    if entry["kind"] == items.CLAIM:
        await vault.commit([trash_changes.remove_claim(entry)])
        return
    (file,) = await reach.load(vault, [entry["id"]])
    if file is None:  # another process was here between our two looks
        await vault.commit([trash_changes.remove(table.Key(entry[table.PK], entry[table.SK]))])
    while isinstance(file, File):
        await _purge_file(vault, purge, file)
        (file,) = await reach.load(vault, [file.id])


async def _purge_file(vault: Vault, purge: Purge, file: File) -> None:
    """Some of what belongs to a file, or the rest of it and the file itself: one transaction, guarded by its stamp."""
    key = table.file(file.id)
    found = await vault.records.collection(key.pk, after=key.sk, limit=_ITEMS_A_STEP)
    versions = [version_items.stored_version_from(item) for item in found if item[table.SK].startswith(table.VERSION)]
    freed = _freed(file, versions)
    written = [change for item in found for change in _without(item)] + shred.versions(vault, versions)
    if freed != QuotaChange():
        written.append(changes.move_quota(file.owner_id, freed))
    if len(found) == _ITEMS_A_STEP:
        await vault.commit([changes.replace(replace(file, stamp=file.stamp + 1)), *written])
    else:
        await vault.commit([*_last_of(file), *written], [_purged(vault, purge, file, freed)])
    await shred.now_if_it_goes(vault, versions)


def _freed(file: File, versions: list[StoredVersion]) -> QuotaChange:
    live = sum(each.version.size_bytes for each in versions if each.version.id == file.current.id)
    total = sum(each.version.size_bytes for each in versions)
    if file.trashed_at is not None:
        return quota.free(trash_bytes=total)
    return quota.free(live_bytes=live, version_bytes=total - live)


def _without(item: Item) -> list[Change]:
    """What lies beside a file's versions: comments, shares, links with the way to them and what was guessed at them."""
    sort_key = item[table.SK]
    if sort_key.startswith(table.VERSION):
        return []
    gone = [trash_changes.remove(table.Key(item[table.PK], sort_key))]
    if sort_key.startswith(table.LINK):
        token_sha256 = item["token_sha256"]
        gone += map(trash_changes.remove, (table.link_token(token_sha256), table.link_guesses(token_sha256)))
    return gone


def _last_of(it: File) -> list[Change]:
    """The item itself, with when its versions are to be looked at, and with its entry unless it was thrown away by
    itself.
    """
    gone = [trash_changes.gone(it), trash_changes.remove(table.thinning(it.id))]
    if it.trashed_at is None:
        gone.append(changes.remove_entry(it))
    return gone


async def _purge_folder(vault: Vault, purge: Purge, folder: Folder) -> None:
    """An empty folder with its shares and links; its entry too, unless it is the purge's root."""
    pk = table.folder(folder.id).pk
    found = await vault.records.collection(pk, after=table.ENTRY_END, limit=_ITEMS_A_STEP)
    written = [change for item in found for change in _without(item)]
    if len(found) == _ITEMS_A_STEP:
        await vault.commit(written)
        return
    if folder.id != purge.item_id:
        written.append(changes.remove_entry(folder))
    await vault.commit([trash_changes.gone(folder), *written], [_purged(vault, purge, folder, QuotaChange())])


def _purged(vault: Vault, purge: Purge, it: Folder | File, freed: QuotaChange) -> Event:
    return deeds.by_worker(
        vault,
        "purge",
        _named(it, "PURGED"),
        it.id,
        request_id=purge.request_id,
        topics=_topics(it),
        root_id=purge.item_id,
        freed_bytes=freed.left_bytes,
    )


def _named(it: Folder | File, what: str) -> EventName:
    return EventName[f"{'FOLDER' if isinstance(it, Folder) else 'FILE'}_{what}"]


def _topics(it: Folder | File) -> tuple[str, ...]:
    return tuple(sorted({it.id, it.parent_id or it.id}))
