"""Links ↔ plain items of the table: the link itself, and the way to it from the hash of its token."""

from datetime import datetime, timedelta

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import maybe_moment, maybe_time, moment, time_of
from vaultstream.links import ShareLink, Terms
from vaultstream.shares import Role

_KEPT = timedelta(days=30)  # how long a link that is over can still be looked at


def link_key(link: ShareLink) -> table.Key:
    """Where the link is: in the collection of what it is to."""
    return table.link(link.item_id, link.id.rpartition("_")[2])


def link_item(link: ShareLink) -> Item:
    """The link's own item; the table removes one that ended some time ago."""
    terms = link.terms
    return link_key(link).attributes() | {
        "id": link.id,
        "token_sha256": link.token_sha256,
        "created_by": link.created_by,
        "created_at": moment(link.created_at),
        "role": terms.role.name,
        "starts_at": maybe_moment(terms.starts_at),
        "expires_at": maybe_moment(terms.expires_at),
        "max_downloads": terms.max_downloads,
        "view_only": terms.view_only,
        "password_hash": link.password_hash,
        "downloads": link.downloads,
        "revoked_at": maybe_moment(link.revoked_at),
        "stamp": link.stamp,
        table.GSI1.pk: table.persons_things(link.created_by),
        table.GSI1.sk: f"{table.LINK}{moment(link.created_at)}#{link.id}",
        table.TTL: gone_at(terms.expires_at) if terms.expires_at else None,
    }


def pointer_item(link: ShareLink) -> Item:
    """What is found under the hash of the link's token."""
    expires_at = link.terms.expires_at
    return table.link_token(link.token_sha256).attributes() | {
        "link_id": link.id,
        table.TTL: gone_at(expires_at) if expires_at else None,
    }


def link_from(item: Item) -> ShareLink:
    """The link in its own item."""
    terms = Terms(
        Role[item["role"]],
        maybe_time(item.get("starts_at")),
        maybe_time(item.get("expires_at")),
        item.get("max_downloads"),
        item["view_only"],
    )
    return ShareLink(
        item["id"],
        item["token_sha256"],
        item["created_by"],
        time_of(item["created_at"]),
        terms,
        item.get("password_hash"),
        item["downloads"],
        maybe_time(item.get("revoked_at")),
        item.get("stamp", 1),
    )


def gone_at(ended_at: datetime) -> int:
    """When the table lets go of a link that ended at this moment, in Unix seconds."""
    return int((ended_at + _KEPT).timestamp())
