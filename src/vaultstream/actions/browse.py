"""What a person may look at, in batches: each item collection is one Query, and access is never skipped."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from vaultstream import access, cursors, table
from vaultstream.access import Deed
from vaultstream.actions import account
from vaultstream.actor import Actor
from vaultstream.adapters.records import items, version_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.vault import Vault
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, UserId
from vaultstream.users import User
from vaultstream.versions import StoredVersion, Version

DEPTH_MAX = 64
_PAGE_MAX = 100


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


def may_read(actor: Actor, item: Folder | File | None) -> bool:
    """Whether the actor may know of this item at all."""
    return item is not None and access.decide(actor.user_id, Deed.READ, item).allowed


async def viewer(vault: Vault, actor: Actor) -> User:
    """The actor's own account."""
    return await account.viewer(vault, actor.user_id)


async def users(vault: Vault, actor: Actor, ids: Sequence[UserId]) -> list[User | None]:
    """People whom the actor may know of (as yet, only themselves), in one round trip; None for every other."""
    seen = [user_id for user_id in ids if user_id == actor.user_id]
    found = await vault.records.items([table.user(user_id) for user_id in seen])
    known = {user.id: user for item in found if item for user in [items.user_from(item)]}
    return [known.get(user_id) for user_id in ids]


async def folders(vault: Vault, actor: Actor, ids: Sequence[FolderId]) -> list[Folder | None]:
    """Folders that the actor may read, in one round trip; None for every other."""
    found = await vault.records.items([table.folder(folder_id) for folder_id in ids])
    nouns = [items.folder_from(item) if item else None for item in found]
    return [folder if may_read(actor, folder) else None for folder in nouns]


async def files(vault: Vault, actor: Actor, ids: Sequence[FileId]) -> list[File | None]:
    """Files that the actor may read, in one round trip; None for every other."""
    found = await vault.records.items([table.file(file_id) for file_id in ids])
    nouns = [items.file_from(item) if item else None for item in found]
    return [file if may_read(actor, file) else None for file in nouns]


async def folder_pages(vault: Vault, actor: Actor, keys: Sequence[FolderPageKey]) -> list[FolderPage | None]:
    """A page of each folder; None where the actor may not read it. One Query a folder, all at once."""
    return list(await asyncio.gather(*(_folder_page(vault, actor, key) for key in keys)))


async def _folder_page(vault: Vault, actor: Actor, key: FolderPageKey) -> FolderPage | None:
    """The first page holds the folder's own item, which sorts before its entries; a later one begins after it."""
    pk, limit = table.folder(key.folder_id).pk, min(key.first, _PAGE_MAX) + 1
    if key.after is None:
        folder_item, entries = await _first_entries(vault, key.folder_id, limit)
    else:
        after = cursors.decode(key.after, prefix=table.ENTRY)
        folder_item, entries = await asyncio.gather(
            vault.records.item(table.folder(key.folder_id)), _entries(vault, pk, after, limit)
        )
    folder = items.folder_from(folder_item) if folder_item else None
    if folder is None or not may_read(actor, folder):
        return None
    page = entries[: limit - 1]
    children = tuple(child for child in map(items.child_from, page) if child is not None)
    marks = tuple(cursors.encode(entry[table.SK]) for entry in page)
    return FolderPage(folder, children, marks, len(entries) >= limit)


async def _first_entries(vault: Vault, folder_id: FolderId, limit: int) -> tuple[Item | None, list[Item]]:
    key = table.folder(folder_id)
    found = await vault.records.collection(key.pk, until=table.ENTRY_END, limit=limit + 1)
    if not found or found[0][table.SK] != key.sk:
        return None, []
    entries = [item for item in found[1:] if item["kind"] != items.CLAIM]
    if len(found) == limit + 1 and len(entries) < limit:
        entries += await _entries(vault, key.pk, found[-1][table.SK], limit - len(entries))
    return found[0], entries


async def _entries(vault: Vault, pk: str, after: str, limit: int) -> list[Item]:
    """So many entries after a sort key; names that are only kept for an upload do not count."""
    entries: list[Item] = []
    while len(entries) < limit:
        asked = limit - len(entries)
        found = await vault.records.collection(pk, after=after, until=table.ENTRY_END, limit=asked)
        entries += [item for item in found if item["kind"] != items.CLAIM]
        if len(found) < asked:
            break
        after = found[-1][table.SK]
    return entries


async def file_collections(vault: Vault, actor: Actor, keys: Sequence[VersionPageKey]) -> list[FileCollection | None]:
    """Versions of each file; None where the actor may not read it. All at once."""
    return list(await asyncio.gather(*(_file_collection(vault, actor, key) for key in keys)))


async def _file_collection(vault: Vault, actor: Actor, key: VersionPageKey) -> FileCollection | None:
    """Read backwards: the newest versions sort last, the file's own item first, so one Query has it all as long
    as the page is not full.
    """
    file_key, limit = table.file(key.file_id), min(key.first, _PAGE_MAX) + 1
    after = cursors.decode(key.after, prefix=table.VERSION) if key.after is not None else table.VERSION_END
    found = await vault.records.collection(file_key.pk, after=after, limit=limit + 1, forward=False)
    versions = [item for item in found if item[table.SK].startswith(table.VERSION)]
    file_item = found[-1] if found and found[-1][table.SK] == file_key.sk else await vault.records.item(file_key)
    file = items.file_from(file_item) if file_item else None
    if file is None or not may_read(actor, file):
        return None
    page = versions[: limit - 1]
    nouns = tuple(version_items.stored_version_from(item).version for item in page)
    marks = tuple(cursors.encode(item[table.SK]) for item in page)
    return FileCollection(file, nouns, marks, len(versions) >= limit)


async def ancestors(vault: Vault, actor: Actor, folder_ids: Sequence[FolderId]) -> list[tuple[Folder, ...]]:
    """The way down to each folder, itself included, as far as the actor may see it; one round trip a level."""
    known: dict[FolderId, Folder | None] = {}
    wanted = set(folder_ids)
    for _ in range(DEPTH_MAX + 1):
        if not wanted:
            break
        ids = sorted(wanted)
        known |= dict(zip(ids, await folders(vault, actor, ids), strict=True))
        parents = {folder.parent_id for folder_id in ids if (folder := known[folder_id]) and folder.parent_id}
        wanted = {parent for parent in parents if parent not in known}
    return [_way_down(known, folder_id) for folder_id in folder_ids]


def _way_down(known: dict[FolderId, Folder | None], folder_id: FolderId | None) -> tuple[Folder, ...]:
    way: list[Folder] = []
    while folder_id is not None and (folder := known.get(folder_id)) is not None and len(way) <= DEPTH_MAX:
        way.append(folder)
        folder_id = folder.parent_id
    return tuple(reversed(way))


async def stored_version(vault: Vault, file: File, number: int | None) -> StoredVersion | None:
    """A version with its sealed bytes, of a file that the caller has been let to; the current one for None."""
    wanted = file.current.number if number is None else number
    item = await vault.records.item(table.version(file.id, wanted))
    return version_items.stored_version_from(item) if item else None
