"""The trash: what was thrown away keeps its place and its versions, and comes back to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from vaultstream import cursors, names, quota, table
from vaultstream.access import Deed
from vaultstream.actions import account, browse, deeds, depth, reach, versions
from vaultstream.actions.again import again
from vaultstream.actions.placing import require_version
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, items, trash_changes, trash_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.records.moments import moment
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId
from vaultstream.quota import QuotaChange

_PAGE_MAX = 100
_NUMBERS_AT_ONCE = 50
_NUMBERS_MAX = 1000


class OnConflict(StrEnum):
    """What to do where another item has the name by now."""

    SKIP = "SKIP"
    REPLACE = "REPLACE"
    KEEP_BOTH = "KEEP_BOTH"


class Place(StrEnum):
    """Where a restored item is."""

    ORIGINAL = "ORIGINAL"
    TOP_FOLDER = "TOP_FOLDER"
    STILL_IN_TRASH = "STILL_IN_TRASH"


@dataclass(frozen=True, slots=True)
class Restored:
    """An item after a restore, and where it is now; `replaced` went to the trash in its stead."""

    item: Folder | File
    place: Place
    replaced: Folder | File | None = None


@dataclass(frozen=True, slots=True)
class TrashPage:
    """Some of what a person has thrown away, the newest first, and the cursor of each; `end` is where to go on."""

    items: tuple[Folder | File, ...]
    cursors: tuple[str, ...]
    has_next: bool
    end: str | None = None


async def page(vault: Vault, actor: Actor, first: int, after: str | None = None) -> TrashPage:
    """The actor's own trash: what was thrown away by itself, not what lies in it.

    Two round trips. A program that is bound to a folder sees what was thrown away there, so its pages may be short.
    """
    limit = min(first, _PAGE_MAX)
    start = cursors.decode(after, prefix=table.TRASHED) if after else None
    pk = table.trash_of(actor.user_id)
    found = await vault.reads.collection(pk, trash_items.trashed_from, after=start, limit=limit + 1, forward=False)
    known = await reach.load(vault, [item_id for _, item_id in found[:limit]])
    marks = [cursors.encode(place) for place, _ in found[:limit]]
    shown = [
        (it, mark)
        for it, mark in zip(await browse.readable(vault, actor, known), marks, strict=True)
        if it is not None and it.trashed_at is not None and it.owner_id == actor.user_id
    ]
    end = marks[-1] if marks else None
    return TrashPage(tuple(it for it, _ in shown), tuple(mark for _, mark in shown), len(found) > limit, end)


async def throw_away(vault: Vault, actor: Actor, item_id: ItemId, *, if_version: int | None = None) -> Folder | File:
    """The item in its owner's trash, with all that is in it: one transaction, however much that is.

    A file's bytes count as trash from now on. A folder's contents go on counting as what they are: nothing below
    it is written, so that it comes back whole and at once.
    """
    return await again(lambda: _throw_away(vault, actor, item_id, if_version))


async def _throw_away(vault: Vault, actor: Actor, item_id: ItemId, if_version: int | None) -> Folder | File:
    it = (await reach.lineage(vault, actor, item_id, Deed.DELETE)).item
    require_version(it, if_version)
    trashed, written, moved = await _into_trash(vault, it)
    if moved != QuotaChange():
        written.append(changes.move_quota(it.owner_id, moved))
    await vault.commit([*written, changes.remove_entry(it)], [_told(vault, actor, trashed, "TRASHED")])
    return trashed


async def _into_trash(vault: Vault, it: Folder | File) -> tuple[Folder | File, list[Change], QuotaChange]:
    """The item in the trash and the changes that make it so, but for its entry and the quota."""
    now = vault.now()
    moved = quota.trash(*await _held_bytes(vault, it))
    trashed = it.trashed(now)
    purge_at = now + timedelta(seconds=vault.settings.trash_ttl_seconds)
    return trashed, [changes.replace(trashed), trash_changes.keep_trashed(trashed, purge_at)], moved


async def _held_bytes(vault: Vault, it: Folder | File) -> tuple[int, int]:
    if isinstance(it, Folder):
        return 0, 0
    return versions.held_bytes(it, await versions.all_of(vault, it.id))


async def restore(
    vault: Vault,
    actor: Actor,
    item_id: ItemId,
    *,
    on_conflict: OnConflict = OnConflict.KEEP_BOTH,
    if_version: int | None = None,
) -> Restored:
    """The item back in its place with all that is in it; in the top folder where its place is gone.

    Where another item has its name: SKIP leaves it in the trash, REPLACE throws that other one away, KEEP_BOTH gives
    this one a number. Raises NOT_FOUND, FORBIDDEN, CONFLICT, NAME_TAKEN, QUOTA_EXCEEDED (for who is over their quota).
    """
    return await again(lambda: _restore(vault, actor, item_id, on_conflict, if_version))


async def _restore(
    vault: Vault, actor: Actor, item_id: ItemId, on_conflict: OnConflict, if_version: int | None
) -> Restored:
    it = (await reach.lineage(vault, actor, item_id, Deed.RESTORE)).item
    require_version(it, if_version)
    require_thrown_away(it)
    way, place = await _home(vault, actor, it)
    home = way[0]
    occupant = await _occupant(vault, home.id, it.name)
    if occupant is not None and on_conflict is OnConflict.SKIP:
        return Restored(it, Place.STILL_IN_TRASH)
    if occupant is not None and on_conflict is OnConflict.REPLACE:
        return await _replacing(vault, actor, it, way, place, occupant)
    name = it.name if occupant is None else await _free_name(vault, home.id, it.name)
    now = vault.now()
    restored = it.restored(home.id, name, now)
    returned = quota.restore(*await _held_bytes(vault, it))
    written = [*_back(it, restored, way), changes.add_entry(restored, now)]
    written.append(changes.move_quota(it.owner_id, returned, within=True))
    await vault.commit(written, [_told(vault, actor, restored, "RESTORED", **_whereto(it, restored, place))])
    return Restored(restored, place)


def require_thrown_away(it: Folder | File) -> None:
    """Refuse what is not the root of something in the trash."""
    if it.trashed_at is None:
        path = ("folderId" if isinstance(it, Folder) else "fileId",)
        raise VaultError(
            Code.CONFLICT, "It was not thrown away by itself: look for a folder above it in the trash.", path=path
        )


async def _home(vault: Vault, actor: Actor, it: Folder | File) -> tuple[tuple[Folder, ...], Place]:
    """Its own folder and all above it, if that still leads to the top and has room; else the top folder."""
    levels = it.height + 1 if isinstance(it, Folder) else 0
    try:
        way = await depth.room_below(vault, actor, FolderId(it.parent_id or ""), levels)
    except VaultError as error:
        if error.code not in {Code.NOT_FOUND, Code.FORBIDDEN, Code.INVALID}:
            raise
    else:
        if way[-1].is_root:
            return way, Place.ORIGINAL
    if actor.is_bound:
        raise VaultError(Code.FORBIDDEN, "Its folder is gone, and the top folder is not within this token's bounds.")
    top = (await account.viewer(vault, it.owner_id)).root_folder_id
    return await depth.room_below(vault, actor, top, levels), Place.TOP_FOLDER


async def _occupant(vault: Vault, folder_id: FolderId, name: str) -> Item | None:
    """The entry that has this name; None also for one that was only kept for an upload, and expired."""
    entry = await vault.records.item(table.entry(folder_id, names.fold(name)))
    if entry is None or (entry["kind"] == items.CLAIM and entry["expires_at"] < moment(vault.now())):
        return None
    return entry


def _back(it: Folder | File, restored: Folder | File, way: Sequence[Folder]) -> list[Change]:
    return [changes.replace(restored), trash_changes.leave_trash(it), *map(changes.in_place, way)]


async def _replacing(
    vault: Vault, actor: Actor, it: Folder | File, way: tuple[Folder, ...], place: Place, entry: Item
) -> Restored:
    """Take the name from whoever has it, which goes to the trash: both in one transaction."""
    occupant = items.child_from(entry)
    (occupant,) = await reach.load(vault, [occupant.id]) if occupant else (None,)
    if occupant is None:
        raise changes.name_taken(it.name)
    trashed, written, moved = await _into_trash(vault, occupant)
    restored = it.restored(way[0].id, it.name, vault.now())
    returned = quota.restore(*await _held_bytes(vault, it))
    written += [*_back(it, restored, way), trash_changes.take_entry(restored, occupant.id)]
    written.append(changes.move_quota(it.owner_id, returned + moved, within=True))
    back = _told(vault, actor, restored, "RESTORED", **_whereto(it, restored, place))
    told = [_told(vault, actor, trashed, "TRASHED"), back]
    await vault.commit(written, told)
    return Restored(restored, place, trashed)


async def _free_name(vault: Vault, folder_id: FolderId, name: str) -> str:
    """The first numbered name that nobody has."""
    for start in range(2, _NUMBERS_MAX, _NUMBERS_AT_ONCE):
        tried = [names.numbered(name, number) for number in range(start, start + _NUMBERS_AT_ONCE)]
        taken = await vault.records.items([table.entry(folder_id, names.fold(each)) for each in tried])
        for each, entry in zip(tried, taken, strict=True):
            if entry is None:
                return each
    raise changes.name_taken(name)


def _whereto(it: Folder | File, restored: Folder | File, place: Place) -> dict[str, Any]:  # Any: JSON values
    return {"place": place.value, "from_id": it.parent_id, "parent_id": restored.parent_id}


def _told(vault: Vault, actor: Actor, it: Folder | File, what: str, **details: Any) -> Event:
    kind = "FOLDER" if isinstance(it, Folder) else "FILE"
    topics = tuple(sorted({it.id, it.parent_id or it.id}))
    name = EventName[f"{kind}_{what}"]
    return deeds.by_person(vault, actor, name, it.id, topics=topics, **details)
