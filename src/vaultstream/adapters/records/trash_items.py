"""What is in the trash, and what is on its way out of it ↔ plain items of the table, all with a time that falls due."""

from datetime import datetime

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import moment
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import ItemId
from vaultstream.trash import Purge, Shred

TRASH_DUE = "TRASH"
PURGE_DUE = "PURGE"
SHRED_DUE = "SHRED"
THIN_DUE = "THIN"
QUOTA_DUE = "QUOTA"


def trashed_key(it: Folder | File) -> table.Key:
    """Where the root of what was thrown away stands in its owner's trash."""
    if it.trashed_at is None:
        raise ValueError("it is not in the trash")
    return table.trashed(it.owner_id, moment(it.trashed_at), it.id)


def trashed_item(it: Folder | File, purge_at: datetime) -> Item:
    """Its place in the trash, and when it falls due to be purged."""
    return trashed_key(it).attributes() | {"item_id": it.id} | due(TRASH_DUE, it.id, purge_at)


def trashed_from(item: Item) -> ItemId:
    """What stands in this place of the trash."""
    found: ItemId = item["item_id"]
    return found


def purge_item(purge: Purge, again_at: datetime) -> Item:
    """A purge under way, and when the sweeper goes on with it."""
    fields = {"item_id": purge.item_id, "owner_id": purge.owner_id, "request_id": purge.request_id}
    return table.purge(purge.item_id).attributes() | fields | due(PURGE_DUE, purge.item_id, again_at)


def purge_from(item: Item) -> Purge:
    """The purge in its item."""
    return Purge(item["item_id"], item["owner_id"], item["request_id"])


def shred_item(shred: Shred, again_at: datetime) -> Item:
    """Objects to remove, and when the sweeper does it if nobody has."""
    fields = {"version_id": shred.version_id, "object_keys": list(shred.object_keys)}
    return table.shred(shred.version_id).attributes() | fields | due(SHRED_DUE, shred.version_id, again_at)


def shred_from(item: Item) -> Shred:
    """The objects in an item."""
    return Shred(item["version_id"], tuple(item["object_keys"]))


def due(kind: str, unique: str, at: datetime) -> Item:
    """The place in the index of due work."""
    return {table.GSI3.pk: table.due_shard(kind, unique), table.GSI3.sk: f"{moment(at)}#{unique}"}
