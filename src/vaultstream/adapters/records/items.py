"""Nouns ↔ plain items of the table: people, folders, files and their entries."""

from datetime import timedelta
from typing import Any

from vaultstream import names, table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import maybe_moment, maybe_time, moment, time_of
from vaultstream.adapters.records.trash_items import QUOTA_DUE, due
from vaultstream.adapters.records.version_items import shown, version_from
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.users import Storage, User

FILE = "FILE"
FOLDER = "FOLDER"
_FIRST_COUNT = timedelta(days=1)
CLAIM = "CLAIM"  # an entry that only keeps a name for an upload on its way


def user_item(user: User) -> Item:
    """A person with the counters of their quota; `left_bytes` is kept, since a condition cannot add."""
    storage = user.storage
    return table.user(user.id).attributes() | {
        "id": user.id,
        "email": user.email,
        "display_name": user.display_name,
        "root_folder_id": user.root_folder_id,
        "created_at": moment(user.created_at),
        "quota_bytes": storage.quota_bytes,
        "left_bytes": storage.left_bytes,
        "live_bytes": storage.live_bytes,
        "version_bytes": storage.version_bytes,
        "trash_bytes": storage.trash_bytes,
        "reserved_bytes": storage.reserved_bytes,
        **due(QUOTA_DUE, user.id, user.created_at + _FIRST_COUNT),
    }


def user_from(item: Item) -> User:
    """The person in an item."""
    storage = Storage(
        item["quota_bytes"],
        item["live_bytes"],
        item["version_bytes"],
        item["trash_bytes"],
        item["reserved_bytes"],
    )
    return User(
        item["id"],
        item["email"],
        item["display_name"],
        item["root_folder_id"],
        storage,
        time_of(item["created_at"]),
    )


def _common(it: Folder | File) -> Item:
    return {
        "id": it.id,
        "owner_id": it.owner_id,
        "parent_id": it.parent_id,
        "name": it.name,
        "created_at": moment(it.created_at),
        "updated_at": moment(it.updated_at),
        "trashed_at": maybe_moment(it.trashed_at),
        "revision": it.revision,
        "stamp": it.stamp,
    }


def listed(it: Folder | File) -> Item:
    """All that a listing shows of a folder or file, without keys."""
    if isinstance(it, Folder):
        return _common(it) | {"kind": FOLDER, "height": it.height}
    return _common(it) | {"kind": FILE, "tags": list(it.tags), "current": shown(it.current)}


def item_of(it: Folder | File) -> Item:
    """The folder's or file's own item, with its index keys."""
    key = table.folder(it.id) if isinstance(it, Folder) else table.file(it.id)
    kind = FOLDER if isinstance(it, Folder) else FILE
    indexed = {
        table.GSI1.pk: table.persons_things(it.owner_id),
        table.GSI1.sk: f"{kind}#{moment(it.updated_at)}#{it.id}",
        table.GSI2.pk: table.owners_names(it.owner_id),
        table.GSI2.sk: names.fold(it.name) or "/",
    }
    return key.attributes() | indexed | listed(it)


def entry_of(it: Folder | File) -> Item:
    """The entry of a folder or file in its parent's collection."""
    if it.parent_id is None:
        raise ValueError("a top folder has no entry")
    return table.entry(it.parent_id, names.fold(it.name)).attributes() | listed(it)


def folder_from(item: Item) -> Folder:
    """The folder in its own item, or in its entry."""
    return Folder(**_fields(item), height=item.get("height", 0))


def file_from(item: Item) -> File:
    """The file in its own item, or in its entry."""
    return File(**_fields(item), tags=tuple(item["tags"]), current=version_from(item["current"]))


def noun_from(item: Item) -> Folder | File:
    """The folder or file in its own item, or in its entry."""
    return folder_from(item) if item["kind"] == FOLDER else file_from(item)


def child_from(entry: Item) -> Folder | File | None:
    """What an entry lists; None where it only keeps a name."""
    return None if entry["kind"] == CLAIM else noun_from(entry)


def _fields(item: Item) -> dict[str, Any]:
    return {
        "id": item["id"],
        "owner_id": item["owner_id"],
        "parent_id": item.get("parent_id"),
        "name": item["name"],
        "created_at": time_of(item["created_at"]),
        "updated_at": time_of(item["updated_at"]),
        "trashed_at": maybe_time(item.get("trashed_at")),
        "revision": item["revision"],
        "stamp": item["stamp"],
    }
