"""The changes a transaction is made of: each with its condition, and what it means when that fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vaultstream import names, table
from vaultstream.adapters.records import items, upload_items, version_items
from vaultstream.adapters.records.attributes import Item, to_attributes
from vaultstream.adapters.records.moments import moment
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import TokenId, UserId
from vaultstream.quota import QuotaChange
from vaultstream.uploads import Part, Upload
from vaultstream.users import User
from vaultstream.versions import StoredVersion

STALE = VaultError(Code.STALE, "It was changed meanwhile: load it again, then repeat.")
LEASE_LOST = VaultError(Code.UPLOAD_BUSY, "Another request took this upload over: ask for its offset again.")


def changed_underneath() -> VaultError:
    """The refusal when others came between. Made anew each time: a shared one would keep every frame it passed."""
    return VaultError(Code.CONFLICT, "Somebody else was changing the same thing: try again.")


CHANGED_UNDERNEATH = changed_underneath()


def name_taken(name: str) -> VaultError:
    """The refusal when a folder already has a child under this name."""
    return VaultError(Code.NAME_TAKEN, f"The folder already has an item named “{name}”.", path=("name",))


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of TransactWriteItems without its table, and the failure to raise when its condition fails."""

    verb: str
    request: Mapping[str, Any]  # Any: DynamoDB's own request shape
    refused: VaultError

    @property
    def writes(self) -> bool:
        """Whether it is more than a condition."""
        return self.verb != "ConditionCheck"

    @property
    def partition(self) -> str:
        """The collection that it changes."""
        partition: str = self.request["Item" if self.verb == "Put" else "Key"][table.PK]["S"]
        return partition

    def refusal(self) -> VaultError:
        """What to raise: like `refused`, and of its own."""
        return VaultError(self.refused.code, self.refused.message, path=self.refused.path)


def _put(item: Item, condition: str | None, values: Item, refused: VaultError, **aliases: str) -> Change:
    request: dict[str, Any] = {"Item": to_attributes(item)}  # Any: DynamoDB's own request shape
    return Change("Put", request | _condition(condition, values, aliases), refused)


def _condition(condition: str | None, values: Item, aliases: Mapping[str, str]) -> dict[str, Any]:
    request: dict[str, Any] = {}  # Any: DynamoDB's own request shape
    if condition:
        request["ConditionExpression"] = condition
    if values:
        request["ExpressionAttributeValues"] = to_attributes(values)
    if aliases:
        request["ExpressionAttributeNames"] = {f"#{alias}": name for alias, name in aliases.items()}
    return request


def add_user(user: User) -> Change:
    """A person who was not there."""
    return _put(items.user_item(user), "attribute_not_exists(PK)", {}, CHANGED_UNDERNEATH)


def claim_email(email: str, user_id: UserId) -> Change:
    """The address becomes this person's, if it is nobody's."""
    item = table.email_claim(email).attributes() | {"user_id": user_id}
    return _put(item, "attribute_not_exists(PK)", {}, CHANGED_UNDERNEATH)


def add(it: Folder | File) -> Change:
    """A folder or file that was not there."""
    return _put(items.item_of(it), "attribute_not_exists(PK)", {}, CHANGED_UNDERNEATH)


def replace(it: Folder | File, refused: VaultError = STALE) -> Change:
    """A folder or file as it is now, if nobody wrote it since it was read (its stamp was one less)."""
    return _put(items.item_of(it), "stamp = :seen", {":seen": it.stamp - 1}, refused)


def present(key: table.Key) -> Change:
    """Nothing is written; the folder or file must be there and not in the trash when the rest is."""
    condition = "attribute_exists(PK) AND attribute_not_exists(trashed_at)"
    request = {"Key": to_attributes(key.attributes()), "ConditionExpression": condition}
    return Change("ConditionCheck", request, CHANGED_UNDERNEATH)


def in_place(folder: Folder) -> Change:
    """Nothing is written; the folder must still be where it was seen, so that two moves make no circle, and not in
    the trash.
    """
    if folder.parent_id is None:
        return present(table.folder(folder.id))
    values = to_attributes({":parent": folder.parent_id})
    request = {
        "Key": to_attributes(table.folder(folder.id).attributes()),
        "ConditionExpression": "parent_id = :parent AND attribute_not_exists(trashed_at)",
        "ExpressionAttributeValues": values,
    }
    return Change("ConditionCheck", request, CHANGED_UNDERNEATH)


def add_entry(it: Folder | File, now: datetime) -> Change:
    """The entry under its name, if that name is free or only kept by an upload that expired."""
    free = "attribute_not_exists(PK) OR (#kind = :claim AND expires_at < :now)"
    values = {":claim": items.CLAIM, ":now": moment(now)}
    return _put(items.entry_of(it), free, values, name_taken(it.name), kind="kind")


def replace_entry(it: Folder | File, *, of: str | None = None) -> Change:
    """The entry as it is now, if it is this item's (or is the claim of the upload `of`)."""
    if of is not None:
        condition, values = "upload_id = :of", {":of": of}
    else:
        condition, values = "id = :id", {":id": it.id}
    return _put(items.entry_of(it), condition, values, CHANGED_UNDERNEATH)


def remove_entry(it: Folder | File) -> Change:
    """The entry goes, if it is this item's."""
    if it.parent_id is None:
        raise ValueError("a top folder has no entry")
    return _remove(table.entry(it.parent_id, names.fold(it.name)), "id = :id", {":id": it.id})


def _remove(key: table.Key, condition: str, values: Item) -> Change:
    request = {"Key": to_attributes(key.attributes())} | _condition(condition, values, {})
    return Change("Delete", request, CHANGED_UNDERNEATH)


def claim_name(upload: Upload, now: datetime) -> Change:
    """The name is kept for this upload until it expires, if it is free."""
    target = upload.target
    item = table.entry(target.parent_id, names.fold(target.name)).attributes() | {
        "kind": items.CLAIM,
        "upload_id": upload.id,
        "expires_at": moment(upload.expires_at),
        table.TTL: int(upload.expires_at.timestamp()),
    }
    free = "attribute_not_exists(PK) OR (#kind = :claim AND expires_at < :now)"
    values = {":claim": items.CLAIM, ":now": moment(now)}
    return _put(item, free, values, name_taken(target.name), kind="kind")


def drop_claim(upload: Upload) -> Change:
    """The name that was kept for this upload is free again."""
    target = upload.target
    key = table.entry(target.parent_id, names.fold(target.name))
    return _remove(key, "upload_id = :of", {":of": upload.id})


def add_version(stored: StoredVersion) -> Change:
    """A version under a number that was free."""
    item = version_items.version_item(stored)
    return _put(item, "attribute_not_exists(PK)", {}, CHANGED_UNDERNEATH)


def replace_version(stored: StoredVersion) -> Change:
    """A version as it is now; the file's stamp, in the same transaction, guards it."""
    return _put(version_items.version_item(stored), "attribute_exists(PK)", {}, CHANGED_UNDERNEATH)


def add_upload(upload: Upload) -> Change:
    """An upload that was not there."""
    return _put(upload_items.upload_item(upload), "attribute_not_exists(PK)", {}, CHANGED_UNDERNEATH)


def take_lease(upload: Upload, now: datetime) -> Change:
    """The upload with its epoch bumped, if it stands as it was read and nobody holds it.

    The epoch alone would not tell: who read while another request held the lease has that request's epoch, but not
    what it committed at its end.
    """
    progress = upload.progress
    condition = "epoch = :seen AND #status = :same AND (attribute_not_exists(lease_until) OR lease_until < :now)"
    condition += " AND offset_bytes = :offset AND "
    values = {":seen": upload.epoch - 1, ":same": upload.status.value, ":now": moment(now)}
    values[":offset"] = progress.offset_bytes
    if progress.tail_epoch is None:
        condition += "attribute_not_exists(tail_epoch)"
    else:
        condition += "tail_epoch = :tail"
        values[":tail"] = progress.tail_epoch
    return _put(upload_items.upload_item(upload), condition, values, LEASE_LOST, status="status")


def replace_upload(upload: Upload, *, seen: Upload | None = None) -> Change:
    """The upload as it is now, if this epoch still holds it and it is not over.

    With `seen`, only if it also stands as it was seen then: within one epoch an upload grows, and reserves as it does.
    """
    condition = "epoch = :epoch AND #status IN (:receiving, :completing)"
    values = {":epoch": upload.epoch, ":receiving": "RECEIVING", ":completing": "COMPLETING"}
    if seen is not None:
        condition += " AND #status = :same AND offset_bytes = :offset AND reserved_bytes = :reserved"
        values |= {":same": seen.status.value, ":offset": seen.progress.offset_bytes, ":reserved": seen.reserved_bytes}
    return _put(upload_items.upload_item(upload), condition, values, LEASE_LOST, status="status")


def add_part(upload: Upload, part: Part) -> Change:
    """A part that S3 acknowledged; the upload's epoch, in the same transaction, guards it."""
    return _put(upload_items.part_item(upload, part), None, {}, CHANGED_UNDERNEATH)


def move_quota(user_id: UserId, change: QuotaChange, *, within: bool = False) -> Change:
    """Move bytes between the counters of a person; what is taken from `left_bytes` must be there. With `within`,
    whoever is over their quota is refused even what takes nothing of it.
    """
    values = {
        ":left": change.left_bytes,
        ":live": change.live_bytes,
        ":version": change.version_bytes,
        ":trash": change.trash_bytes,
        ":reserved": change.reserved_bytes,
        ":needed": max(0, -change.left_bytes),
    }
    request = {
        "Key": to_attributes(table.user(user_id).attributes()),
        "UpdateExpression": "ADD left_bytes :left, live_bytes :live, version_bytes :version, "
        "trash_bytes :trash, reserved_bytes :reserved",
        "ConditionExpression": "left_bytes >= :needed" if change.left_bytes < 0 or within else "attribute_exists(PK)",
    }
    if change.left_bytes >= 0 and not within:
        del values[":needed"]
    full = VaultError(Code.QUOTA_EXCEEDED, "The quota has no room for this: delete something or ask for more.")
    return Change("Update", request | {"ExpressionAttributeValues": to_attributes(values)}, full)


def remember(
    actor_id: UserId | TokenId, key: str, fingerprint: str, answer: str, *, now: datetime, expires_at: datetime
) -> Change:
    """The answer to this idempotency key, if it has none or one that expired."""
    item = table.once(actor_id, key).attributes() | {
        "fingerprint": fingerprint,
        "answer": answer,
        "expires_at": moment(expires_at),
        table.TTL: int(expires_at.timestamp()),
    }
    busy = VaultError(Code.CONFLICT, "The same request is under way: send it again to have its answer.")
    free = "attribute_not_exists(PK) OR #ttl <= :now"
    return _put(item, free, {":now": int(now.timestamp())}, busy, ttl=table.TTL)


def emit(event: Event) -> Change:
    """The event's place in the outbox: with the change it tells of, or not at all."""
    item = table.outbox(event.id).attributes() | {"event": event.to_message()}
    return _put(item, None, {}, CHANGED_UNDERNEATH)
