"""The changes that access tokens are made of: each with its condition, and what it means when that fails."""

from datetime import datetime

from vaultstream import table
from vaultstream.adapters.records import token_items
from vaultstream.adapters.records.attributes import Item, to_attributes
from vaultstream.adapters.records.changes import CHANGED_UNDERNEATH, Change
from vaultstream.adapters.records.moments import moment
from vaultstream.ids import UserId
from vaultstream.tokens import AccessToken, Roll


def add_token(token: AccessToken) -> list[Change]:
    """A token that was not there, with the way to it."""
    new = {"ConditionExpression": "attribute_not_exists(PK)"}
    made = (token_items.token_item(token), token_items.secret_item(token))
    return [Change("Put", {"Item": to_attributes(item), **new}, CHANGED_UNDERNEATH) for item in made]


def revoke_token(token: AccessToken, now: datetime) -> list[Change]:
    """The token is over and there is no way to it, whatever was noted of its use meanwhile."""
    values = {":now": moment(now), ":ttl": int((now + token_items.KEPT).timestamp())}
    update = "SET revoked_at = :now, #ttl = :ttl"
    condition = "attribute_exists(PK) AND attribute_not_exists(revoked_at)"
    revoked = _update(token_items.key_of(token.user_id, token.id), update, condition, values)
    named = Change("Update", {**revoked.request, "ExpressionAttributeNames": {"#ttl": table.TTL}}, revoked.refused)
    key = to_attributes(table.access_token(token.secret_sha256).attributes())
    return [named, Change("Delete", {"Key": key}, CHANGED_UNDERNEATH)]


def note_use(token: AccessToken, now: datetime, before: datetime) -> list[Change]:
    """When the token was last used, if that was noted `before` then or never, and it is not revoked."""
    keys = (token_items.key_of(token.user_id, token.id), table.access_token(token.secret_sha256))
    condition = "attribute_exists(PK) AND (attribute_not_exists(last_used_at) OR last_used_at <= :before)"
    values = {":now": moment(now), ":before": moment(before)}
    return [_update(key, "SET last_used_at = :now", condition, values) for key in keys]


def keep_roll(user_id: UserId, roll: Roll) -> Change:
    """A person's roll as it is now, if nobody wrote it since it was read (its stamp was one less)."""
    request: Item = {"Item": to_attributes(token_items.roll_item(user_id, roll))}
    if roll.stamp == 1:
        request["ConditionExpression"] = "attribute_not_exists(PK)"
    else:
        request["ConditionExpression"] = "stamp = :seen"
        request["ExpressionAttributeValues"] = to_attributes({":seen": roll.stamp - 1})
    return Change("Put", request, CHANGED_UNDERNEATH)


def _update(key: table.Key, update: str, condition: str, values: Item) -> Change:
    request = {
        "Key": to_attributes(key.attributes()),
        "UpdateExpression": update,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": to_attributes(values),
    }
    return Change("Update", request, CHANGED_UNDERNEATH)
