"""Shares ↔ plain items of the table."""

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import maybe_moment, maybe_time, moment, time_of
from vaultstream.shares import Role, Share

DUE = "SHARE"


def share_item(share: Share) -> Item:
    """A share's own item, in the collection of what is shared; one that expires is in the index of due work."""
    item = table.grant(share.item_id, share.grantee_id).attributes() | {
        "item_id": share.item_id,
        "grantee_id": share.grantee_id,
        "role": share.role.name,
        "granted_by": share.granted_by,
        "created_at": moment(share.created_at),
        "expires_at": maybe_moment(share.expires_at),
        "stamp": share.stamp,
        table.GSI1.pk: table.persons_things(share.grantee_id),
        table.GSI1.sk: f"GRANT#{moment(share.created_at)}#{share.item_id}",
    }
    if share.expires_at is not None:
        item[table.GSI3.pk] = table.due_shard(DUE, share.id)
        item[table.GSI3.sk] = f"{moment(share.expires_at)}#{share.id}"
    return item


def share_from(item: Item) -> Share:
    """The share in its item."""
    return Share(
        item["item_id"],
        item["grantee_id"],
        Role[item["role"]],
        item["granted_by"],
        time_of(item["created_at"]),
        maybe_time(item.get("expires_at")),
        item["stamp"],
    )
