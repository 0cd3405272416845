"""Access tokens ↔ plain items of the table: the token among its person's, and the same by the hash of its secret."""

from datetime import timedelta
from typing import Any

from vaultstream import table
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.records.moments import maybe_moment, maybe_time, moment, time_of
from vaultstream.ids import TokenId, UserId
from vaultstream.tokens import AccessToken, Grant, Roll, Scope

KEPT = timedelta(days=30)  # how long a token that is over can still be looked at


def key_of(user_id: UserId, token_id: TokenId) -> table.Key:
    """Where the token is: among its person's."""
    return table.persons_token(user_id, token_id.removeprefix("token_"))


def token_item(token: AccessToken) -> Item:
    """The token's own item; the table removes one that ended some time ago."""
    ttl = {table.TTL: int((token.expires_at + KEPT).timestamp())}
    return key_of(token.user_id, token.id).attributes() | _fields(token) | ttl


def secret_item(token: AccessToken) -> Item:
    """What is found under the hash of the secret: all that lets a program in, so that one read does."""
    ttl = {table.TTL: int(token.expires_at.timestamp())}
    return table.access_token(token.secret_sha256).attributes() | _fields(token) | ttl


def _fields(token: AccessToken) -> Item:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "scopes": sorted(token.grant.scopes),
        "folder_id": token.grant.folder_id,
        "name": token.name,
        "secret_sha256": token.secret_sha256,
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
        "last_used_at": maybe_moment(token.last_used_at),
        "revoked_at": maybe_moment(token.revoked_at),
    }


def token_from(item: Item) -> AccessToken:
    """The token in either item."""
    return AccessToken(
        user_id=item["user_id"],
        grant=Grant(item["id"], frozenset(map(Scope, item["scopes"])), item.get("folder_id")),
        name=item["name"],
        secret_sha256=item["secret_sha256"],
        created_at=time_of(item["created_at"]),
        expires_at=time_of(item["expires_at"]),
        last_used_at=maybe_time(item.get("last_used_at")),
        revoked_at=maybe_time(item.get("revoked_at")),
    )


def roll_item(user_id: UserId, roll: Roll) -> Item:
    """Which tokens of a person may be good."""
    ends: dict[str, Any] = {token_id: moment(end) for token_id, end in roll.ends.items()}  # Any: text, as items have it
    return table.token_roll(user_id).attributes() | {"ends": ends, "stamp": roll.stamp}


def roll_from(item: Item | None) -> Roll:
    """The roll in its item; an empty one where a person never had a token."""
    if item is None:
        return Roll({})
    return Roll({TokenId(token_id): time_of(end) for token_id, end in item["ends"].items()}, item["stamp"])
