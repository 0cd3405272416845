"""The changes that shares and links are made of: each with its condition, and what it means when that fails."""

from datetime import datetime

from vaultstream import table
from vaultstream.adapters.records import link_items, share_items
from vaultstream.adapters.records.attributes import Item, to_attributes
from vaultstream.adapters.records.changes import CHANGED_UNDERNEATH, STALE, Change
from vaultstream.adapters.records.moments import moment
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.links import ShareLink
from vaultstream.shares import Share

SHARED_ALREADY = VaultError(
    Code.CONFLICT, "It is shared with this person already: change that share instead.", path=("email",)
)
USED_UP = VaultError(Code.EXPIRED, "All downloads of this link were used: ask for another link.")
# A share that was taken back and given again begins to count anew: only with its time does a stamp tell which it is.
_AS_SEEN = "stamp = :stamp AND created_at = :made"
_FIRST_CHANGE = 2  # a link has the stamp 1 when it is made; those of before stamps were kept have none
TOO_MANY_GUESSES = VaultError(Code.LIMITED, "Too many wrong passwords for this link: wait five minutes.")


def add_share(share: Share, now: datetime) -> Change:
    """A share that was not there, or that had run out."""
    free = "attribute_not_exists(PK) OR expires_at <= :now"
    return _put(share_items.share_item(share), free, {":now": moment(now)}, SHARED_ALREADY)


def replace_share(share: Share) -> Change:
    """A share as it is now, if nobody wrote it since it was read (its stamp was one less)."""
    return _put(share_items.share_item(share), _AS_SEEN, _seen(share, share.stamp - 1), STALE)


def remove_share(share: Share) -> Change:
    """The share goes, whatever was changed in it meanwhile."""
    return _on("Delete", _share_key(share), "attribute_exists(PK)", {}, not_found("share"))


def expire_share(share: Share) -> Change:
    """The share goes, if it is the one that ran out."""
    return _on("Delete", _share_key(share), _AS_SEEN, _seen(share, share.stamp), CHANGED_UNDERNEATH)


def share_stands(share: Share) -> Change:
    """Nothing is written; the share must be the one that was read."""
    return _on("ConditionCheck", _share_key(share), _AS_SEEN, _seen(share, share.stamp), CHANGED_UNDERNEATH)


def item_stays(it: Folder | File) -> Change:
    """Nothing is written; the folder or file must be where it was seen, and not in the trash."""
    condition = "parent_id = :parent AND attribute_not_exists(trashed_at)"
    return _on("ConditionCheck", table.item(it.id), condition, {":parent": it.parent_id}, CHANGED_UNDERNEATH)


def add_link(link: ShareLink) -> list[Change]:
    """A link that was not there, with the way to it."""
    new = "attribute_not_exists(PK)"
    return [
        _put(link_items.link_item(link), new, {}, CHANGED_UNDERNEATH),
        _put(link_items.pointer_item(link), new, {}, CHANGED_UNDERNEATH),
    ]


def amend_link(link: ShareLink) -> list[Change]:
    """Its new terms and password, if nobody changed or revoked it since it was read (its stamp was one less). What
    is counted in it is left alone, and the way to it lasts as long as it does.
    """
    seen = "stamp = :seen" if link.stamp > _FIRST_CHANGE else "(stamp = :seen OR attribute_not_exists(stamp))"
    condition = f"{seen} AND attribute_exists(PK) AND attribute_not_exists(revoked_at)"
    amended = _on("Update", link_items.link_key(link), condition, {}, STALE)
    item, pointer = link_items.link_item(link), link_items.pointer_item(link)
    new = _new(item, ("starts_at", "expires_at", "max_downloads", "view_only", "password_hash", "stamp", table.TTL))
    new["ExpressionAttributeValues"] |= to_attributes({":seen": link.stamp - 1})
    way = {"Key": to_attributes(table.link_token(link.token_sha256).attributes())}
    way |= _new(pointer, ("link_id", table.TTL))
    return [
        Change("Update", {**amended.request, **new}, STALE),
        Change("Update", way, CHANGED_UNDERNEATH),
    ]


def forget_guesses(link: ShareLink) -> Change:
    """What was guessed at an earlier password does not count for the next."""
    key = table.link_guesses(link.token_sha256)
    return Change("Delete", {"Key": to_attributes(key.attributes())}, CHANGED_UNDERNEATH)


def _new(item: Item, names: tuple[str, ...]) -> Item:
    """An update that sets these attributes as the item has them, and removes those that it has not."""
    given = [name for name in names if item[name] is not None]
    gone = [name for name in names if item[name] is None]
    update = "SET " + ", ".join(f"#{name} = :{name}" for name in given)
    if gone:
        update += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    return {
        "UpdateExpression": update,
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": to_attributes({f":{name}": item[name] for name in given}),
    }


def revoke_link(link: ShareLink, now: datetime) -> list[Change]:
    """The link is over and there is no way to it, whatever was counted meanwhile."""
    values = {":now": moment(now), ":ttl": link_items.gone_at(now)}
    update = "SET revoked_at = :now, #ttl = :ttl"
    revoked = _on("Update", link_items.link_key(link), "attribute_exists(PK)", values, not_found("link"))
    named = {"UpdateExpression": update, "ExpressionAttributeNames": {"#ttl": table.TTL}}
    key = table.link_token(link.token_sha256)
    pointer = Change("Delete", {"Key": to_attributes(key.attributes())}, CHANGED_UNDERNEATH)
    return [Change(revoked.verb, {**revoked.request, **named}, revoked.refused), pointer]


def count_download(link: ShareLink) -> Change:
    """One download more, if the link is not revoked and has one left."""
    condition = "attribute_not_exists(revoked_at) AND attribute_exists(PK)"
    condition += " AND (attribute_not_exists(max_downloads) OR downloads < max_downloads)"
    counted = _on("Update", link_items.link_key(link), condition, {":one": 1}, USED_UP)
    return Change("Update", {**counted.request, "UpdateExpression": "ADD downloads :one"}, USED_UP)


def begin_guesses(link: ShareLink, now: datetime, until: datetime) -> Change:
    """The first guess at a link's password in a new span of time, if there is none that goes on."""
    item = table.link_guesses(link.token_sha256).attributes() | {
        "guesses": 1,
        "until": moment(until),
        table.TTL: int(until.timestamp()),
    }
    over = "attribute_not_exists(PK) OR #until <= :now"
    change = _put(item, over, {":now": moment(now)}, CHANGED_UNDERNEATH)
    return Change("Put", {**change.request, "ExpressionAttributeNames": {"#until": "until"}}, CHANGED_UNDERNEATH)


def count_guess(link: ShareLink, most: int) -> Change:
    """One guess more at a link's password, if there were not too many."""
    key = table.link_guesses(link.token_sha256)
    counted = _on("Update", key, "guesses < :most", {":most": most, ":one": 1}, TOO_MANY_GUESSES)
    return Change("Update", {**counted.request, "UpdateExpression": "ADD guesses :one"}, TOO_MANY_GUESSES)


def forgive_guess(link: ShareLink) -> Change:
    """The last guess was right: it does not count."""
    key = table.link_guesses(link.token_sha256)
    counted = _on("Update", key, "guesses > :none", {":none": 0, ":less": -1}, CHANGED_UNDERNEATH)
    return Change("Update", {**counted.request, "UpdateExpression": "ADD guesses :less"}, CHANGED_UNDERNEATH)


def _seen(share: Share, stamp: int) -> Item:
    return {":stamp": stamp, ":made": moment(share.created_at)}


def _share_key(share: Share) -> table.Key:
    return table.grant(share.item_id, share.grantee_id)


def _put(item: Item, condition: str, values: Item, refused: VaultError) -> Change:
    request: Item = {"Item": to_attributes(item), "ConditionExpression": condition}
    if values:
        request["ExpressionAttributeValues"] = to_attributes(values)
    return Change("Put", request, refused)


def _on(verb: str, key: table.Key, condition: str, values: Item, refused: VaultError) -> Change:
    request: Item = {"Key": to_attributes(key.attributes()), "ConditionExpression": condition}
    if values:
        request["ExpressionAttributeValues"] = to_attributes(values)
    return Change(verb, request, refused)
