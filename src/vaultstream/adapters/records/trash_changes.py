"""The changes by which things go to the trash, come back from it, and are gone for ever."""

from datetime import datetime

from vaultstream import table
from vaultstream.adapters.records import items, trash_items
from vaultstream.adapters.records.attributes import Item, to_attributes
from vaultstream.adapters.records.changes import CHANGED_UNDERNEATH, STALE, Change
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, ItemId, UserId
from vaultstream.trash import Purge, Shred
from vaultstream.users import Storage
from vaultstream.versions import StoredVersion

NOT_IN_TRASH = VaultError(Code.CONFLICT, "It is no longer in the trash: it was restored, or is being purged.")
_COUNTERS = ("left_bytes", "live_bytes", "version_bytes", "trash_bytes", "reserved_bytes")


def keep_trashed(it: Folder | File, purge_at: datetime) -> Change:
    """It stands in its owner's trash until it is restored or purged."""
    return _put(trash_items.trashed_item(it, purge_at))


def leave_trash(it: Folder | File) -> Change:
    """It stands in the trash no longer: of a restore and a purge at once, one is refused."""
    return _on("Delete", trash_items.trashed_key(it), "attribute_exists(PK)", {}, NOT_IN_TRASH)


def take_entry(it: Folder | File, occupant_id: ItemId) -> Change:
    """The entry becomes this item's, if it is still the occupant's."""
    request = {"Item": to_attributes(items.entry_of(it)), "ConditionExpression": "id = :occupant"}
    values = {"ExpressionAttributeValues": to_attributes({":occupant": occupant_id})}
    return Change("Put", request | values, CHANGED_UNDERNEATH)


def begin_purge(purge: Purge, again_at: datetime) -> Change:
    """The purge is under way."""
    return _put(trash_items.purge_item(purge, again_at))


def end_purge(item_id: ItemId) -> Change:
    """The purge is done."""
    return remove(table.purge(item_id))


def gone(it: Folder | File) -> Change:
    """The folder or file is no more, if nobody wrote it since it was read."""
    return _on("Delete", table.item(it.id), "stamp = :seen", {":seen": it.stamp}, STALE)


def drop_version(stored: StoredVersion) -> Change:
    """A version with its headers, and so with its keys, is no more."""
    key = table.version(stored.version.file_id, stored.version.number)
    return _on("Delete", key, "attribute_exists(PK)", {}, CHANGED_UNDERNEATH)


def keep_shred(shred: Shred, again_at: datetime) -> Change:
    """These objects are to be removed."""
    return _put(trash_items.shred_item(shred, again_at))


def end_shred(shred: Shred) -> Change:
    """These objects are removed."""
    return remove(table.shred(shred.version_id))


def remove(key: table.Key) -> Change:
    """Whatever stands there goes."""
    return Change("Delete", {"Key": to_attributes(key.attributes())}, CHANGED_UNDERNEATH)


def remove_claim(entry: Item) -> Change:
    """A name that was only kept for an upload is free, if it still is."""
    key = table.Key(entry[table.PK], entry[table.SK])
    return _on("Delete", key, "upload_id = :of", {":of": entry["upload_id"]}, CHANGED_UNDERNEATH)


def thin_by(file_id: FileId, at: datetime) -> Change:
    """The file's versions are to be looked at by this time, or earlier where that was said before."""
    place = trash_items.due(trash_items.THIN_DUE, file_id, at)
    return Change(
        "Update",
        {
            "Key": to_attributes(table.thinning(file_id).attributes()),
            "UpdateExpression": "SET GSI3PK = if_not_exists(GSI3PK, :pk), GSI3SK = if_not_exists(GSI3SK, :sk), "
            "file_id = :file",
            "ExpressionAttributeValues": to_attributes(
                {":pk": place[table.GSI3.pk], ":sk": place[table.GSI3.sk], ":file": file_id}
            ),
        },
        CHANGED_UNDERNEATH,
    )


def thin_again(file_id: FileId, at: datetime) -> Change:
    """The file's versions were looked at, and are to be again at this time."""
    place = trash_items.due(trash_items.THIN_DUE, file_id, at)
    return _put(table.thinning(file_id).attributes() | {"file_id": file_id} | place)


def set_counters(user_id: UserId, seen: Storage, right: Storage) -> Change:
    """A person's counters as they were counted, if they still are as they were seen."""
    values = {f":{name}": getattr(right, name) for name in _COUNTERS}
    values |= {f":seen_{name}": getattr(seen, name) for name in _COUNTERS}
    condition = " AND ".join(f"{name} = :seen_{name}" for name in _COUNTERS)
    changed = _on("Update", table.user(user_id), condition, values, CHANGED_UNDERNEATH)
    update = "SET " + ", ".join(f"{name} = :{name}" for name in _COUNTERS)
    return Change("Update", {**changed.request, "UpdateExpression": update}, CHANGED_UNDERNEATH)


def count_by(user_id: UserId, at: datetime) -> Change:
    """The person's bytes are to be counted anew at this time."""
    place = trash_items.due(trash_items.QUOTA_DUE, user_id, at)
    values = {":pk": place[table.GSI3.pk], ":sk": place[table.GSI3.sk]}
    changed = _on("Update", table.user(user_id), "attribute_exists(PK)", values, CHANGED_UNDERNEATH)
    update = {"UpdateExpression": "SET GSI3PK = :pk, GSI3SK = :sk"}
    return Change("Update", {**changed.request, **update}, CHANGED_UNDERNEATH)


def _put(item: Item) -> Change:
    return Change("Put", {"Item": to_attributes(item)}, CHANGED_UNDERNEATH)


def _on(verb: str, key: table.Key, condition: str, values: Item, refused: VaultError) -> Change:
    request: Item = {"Key": to_attributes(key.attributes()), "ConditionExpression": condition}
    if values:
        request["ExpressionAttributeValues"] = to_attributes(values)
    return Change(verb, request, refused)
