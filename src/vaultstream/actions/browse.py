"""What a person may look at, in batches: each item collection is one Query, and access is never skipped."""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from vaultstream import access, cursors, dependencies, table
from vaultstream.access import Deed
from vaultstream.actions import account, reach
from vaultstream.actions.together import together
from vaultstream.actor import Actor
from vaultstream.adapters.records import items, version_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, UserId
from vaultstream.users import Acquaintance, User
from vaultstream.versions import StoredVersion, Version

_PAGE_MAX = 100
_FILE = table.file("").sk
_Child = tuple[str, Folder | File]  # the cursor of an entry, and what it lists


@dataclass(frozen=True, slots=True)
class FolderPageKey:
    """Which children of a folder: the first so many (1 to 100) after a cursor."""

    folder_id: FolderId
    first: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class FolderPage:
    """A folder with some of its children by name, and the cursor of each."""

    folder: Folder
    children: tuple[Folder | File, ...]
    cursors: tuple[str, ...]
    has_next: bool


@dataclass(frozen=True, slots=True)
class VersionPageKey:
    """Which versions of a file: the newest so many (1 to 100) after a cursor."""

    file_id: FileId
    first: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class FileCollection:
    """A file with some of its versions, the newest first, and the cursor of each."""

    file: File
    versions: tuple[Version, ...]
    cursors: tuple[str, ...]
    has_next: bool


async def readable(vault: Vault, actor: Actor, found: Sequence[Folder | File | None]) -> list[Folder | File | None]:
    """The same, with None for what the actor may not know of. One's own needs no look at what is above it, unless it
    is a program that asks, which may be bound to a folder.
    """

    def is_own(it: Folder | File) -> bool:
        return it.owner_id == actor.user_id and not actor.is_bound

    others = [it for it in found if it is not None and not is_own(it)]
    now, seen = vault.now(), set[str]()
    for lineage in await reach.lineages(vault, actor, others):
        if access.decide(actor.user_id, Deed.READ, lineage, now).allowed:
            seen.add(lineage.item.id)
    return [it if it is not None and (is_own(it) or it.id in seen) else None for it in found]


async def capabilities(
    vault: Vault, actor: Actor, wanted: Sequence[Folder | File], *, seen: Mapping[FolderId, Folder] = reach.NONE_SEEN
) -> list[Mapping[Deed, bool]]:
    """What the actor may do to each, by the function that enforces it; `seen` is as `reach.lineages` takes it."""
    now = vault.now()
    known = await reach.lineages(vault, actor, wanted, seen=seen)
    return [access.capabilities(actor.user_id, lineage, now) for lineage in known]


def alike(actor: Actor) -> Callable[[Folder | File], Hashable]:
    """What is the same for items with which the actor may do the same, so that one of them is enough to ask about."""
    return partial(access.alike, actor.user_id)


async def viewer(vault: Vault, actor: Actor) -> User | Acquaintance:
    """The actor's own account, as far as they see it."""
    return _known_as(actor, await account.viewer(vault, actor.user_id), shares=True)


async def users(vault: Vault, ids: Sequence[UserId]) -> list[User | None]:
    """People whom something names that the actor may see (its caller has seen to that), in one round trip."""
    return await vault.reads.items([table.user(user_id) for user_id in ids], items.user_from)


def known_as(actor: Actor, user: User | None, *, shares: bool) -> User | Acquaintance | None:
    """What the actor sees of a person: of themselves all; of another the name, and the address where they share.

    To a program that is bound to a folder, its own person is one who shares.
    """
    return None if user is None else _known_as(actor, user, shares=shares)


def _known_as(actor: Actor, user: User, *, shares: bool) -> User | Acquaintance:
    is_own = user.id == actor.user_id
    if is_own and not actor.is_bound:
        return user
    return Acquaintance(user.id, user.display_name, user.created_at, user.email if shares or is_own else None)


async def folders(vault: Vault, actor: Actor, ids: Sequence[FolderId]) -> list[Folder | None]:
    """Folders that the actor may read, in one round trip; None for every other."""
    found = await readable(vault, actor, await reach.load(vault, ids))
    return [folder if isinstance(folder, Folder) else None for folder in found]


async def files(vault: Vault, actor: Actor, ids: Sequence[FileId]) -> list[File | None]:
    """Files that the actor may read, in one round trip; None for every other."""
    found = await readable(vault, actor, await reach.load(vault, ids))
    return [file if isinstance(file, File) else None for file in found]


async def folder_pages(vault: Vault, actor: Actor, keys: Sequence[FolderPageKey]) -> list[FolderPage | None]:
    """A page of each folder; None where the actor may not read it. One Query a folder, all at once."""
    return await together(_folder_page(vault, actor, key) for key in keys)


async def _folder_page(vault: Vault, actor: Actor, key: FolderPageKey) -> FolderPage | None:
    """The first page holds the folder's own item, which sorts before its entries; a later one begins after it."""
    pk, limit = table.folder(key.folder_id).pk, min(key.first, _PAGE_MAX) + 1
    if key.after is None:
        folder, entries = await _first_entries(vault, key.folder_id, limit)
    else:
        after = cursors.decode(key.after, prefix=table.ENTRY)
        dependencies.read_now()
        folder, entries = await asyncio.gather(
            vault.reads.item(table.folder(key.folder_id), items.folder_from), _entries(vault, pk, after, limit)
        )
    if folder is None or await readable(vault, actor, [folder]) == [None]:
        return None
    page = entries[: limit - 1]
    marks, children = zip(*page, strict=True) if page else ((), ())
    return FolderPage(folder, children, marks, len(entries) >= limit)


async def _first_entries(vault: Vault, folder_id: FolderId, limit: int) -> tuple[Folder | None, list[_Child]]:
    key = table.folder(folder_id)
    found = await vault.reads.collection(key.pk, _marked, until=table.ENTRY_END, limit=limit + 1)
    place, head = found[0] if found else ("", None)
    if place != key.sk or head is None or not isinstance(folder := head[1], Folder):
        return None, []
    entries = _listed(found[1:])
    if len(found) == limit + 1 and len(entries) < limit:
        entries += await _entries(vault, key.pk, found[-1][0], limit - len(entries))
    return folder, entries


async def _entries(vault: Vault, pk: str, after: str, limit: int) -> list[_Child]:
    """So many entries after a sort key; names that are only kept for an upload do not count."""
    entries: list[_Child] = []
    while len(entries) < limit:
        asked = limit - len(entries)
        found = await vault.reads.collection(pk, _marked, after=after, until=table.ENTRY_END, limit=asked)
        entries += _listed(found)
        if len(found) < asked:
            break
        after = found[-1][0]
    return entries


def _marked(item: Item) -> _Child | None:
    child = items.child_from(item)
    return None if child is None else (cursors.encode(item[table.SK]), child)


def _listed(found: Sequence[tuple[str, _Child | None]]) -> list[_Child]:
    return [child for _, child in found if child is not None]


async def file_collections(vault: Vault, actor: Actor, keys: Sequence[VersionPageKey]) -> list[FileCollection | None]:
    """Versions of each file; None where the actor may not read it. All at once."""
    return await together(_file_collection(vault, actor, key) for key in keys)


async def _file_collection(vault: Vault, actor: Actor, key: VersionPageKey) -> FileCollection | None:
    """Read backwards: the newest versions sort last, the file's own item first, so one Query has it all as long
    as the page is not full.
    """
    file_key, limit = table.file(key.file_id), min(key.first, _PAGE_MAX) + 1
    after = cursors.decode(key.after, prefix=table.VERSION) if key.after is not None else table.VERSION_END
    found = await vault.reads.collection(file_key.pk, _shown, after=after, limit=limit + 1, forward=False)
    versions = [(place, it) for place, it in found if isinstance(it, Version)]
    last = found[-1][1] if found else None
    file = last if isinstance(last, File) else await vault.reads.item(file_key, items.file_from)
    if file is None or await readable(vault, actor, [file]) == [None]:
        return None
    page = versions[: limit - 1]
    marks = tuple(cursors.encode(place) for place, _ in page)
    return FileCollection(file, tuple(it for _, it in page), marks, len(versions) >= limit)


def _shown(item: Item) -> File | Version | None:
    """What a page shows of a file's collection."""
    if item[table.SK].startswith(table.VERSION):
        return version_items.stored_version_from(item).version
    return items.file_from(item) if item[table.SK] == _FILE else None


async def ancestors(vault: Vault, actor: Actor, folder_ids: Sequence[FolderId]) -> list[tuple[Folder, ...]]:
    """The way down to each folder, itself included, as far as the actor may see it; one round trip a level."""
    known: dict[FolderId, Folder | None] = {}
    wanted = set(folder_ids)
    for _ in range(reach.DEPTH_MAX + 1):
        if not wanted:
            break
        ids = sorted(wanted)
        known |= dict(zip(ids, await folders(vault, actor, ids), strict=True))
        parents = {folder.parent_id for folder_id in ids if (folder := known[folder_id]) and folder.parent_id}
        wanted = {parent for parent in parents if parent not in known}
    return [_way_down(known, folder_id) for folder_id in folder_ids]


def _way_down(known: dict[FolderId, Folder | None], folder_id: FolderId | None) -> tuple[Folder, ...]:
    way: list[Folder] = []
    while folder_id is not None and (folder := known.get(folder_id)) is not None and len(way) <= reach.DEPTH_MAX:
        way.append(folder)
        folder_id = folder.parent_id
    return tuple(reversed(way))


async def stored_version(vault: Vault, file: File, number: int | None) -> StoredVersion | None:
    """A version with its sealed bytes, of a file that the caller has been let to; the current one for None."""
    wanted = file.current.number if number is None else number
    item = await vault.records.item(table.version(file.id, wanted))
    return version_items.stored_version_from(item) if item else None
