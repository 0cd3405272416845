"""Other names for keys: made, pointed elsewhere, listed, removed."""

import re
import sqlite3

from vaultstream.local.kms.faults import KmsFault
from vaultstream.local.kms.fields import Fields
from vaultstream.local.kms.keyring import Keyring
from vaultstream.local.kms.keys import milliseconds
from vaultstream.local.kms.lifecycle import continuation

_NAME = re.compile("alias/(?!aws/)[a-zA-Z0-9/_-]{1,250}")


def create(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Names a key."""
    name, now = _name(fields), milliseconds(keyring.clock())
    with keyring.changing() as connection:
        key = keyring.find(fields.text("TargetKeyId"))
        key.need_living()
        try:
            connection.execute("INSERT INTO aliases VALUES (?, ?, ?, ?)", (name, key.key_id, now, now))
        except sqlite3.IntegrityError as error:
            message = f"An alias with the name {keyring.arn(name)} already exists"
            raise KmsFault("AlreadyExistsException", message) from error
    return {}


def update(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Points a name at another key of the same kind."""
    name = _name(fields)
    with keyring.changing() as connection:
        old, new = keyring.find(name, by_alias=True), keyring.find(fields.text("TargetKeyId"))
        new.need_living()
        if (old.spec, old.usage) != (new.spec, new.usage):
            raise KmsFault("ValidationException", "An alias moves only between keys of the same spec and usage.")
        sql = "UPDATE aliases SET key_id = ?, updated_at_ms = ? WHERE name = ?"
        connection.execute(sql, (new.key_id, milliseconds(keyring.clock()), name))
    return {}


def delete(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Removes a name; the key stays."""
    name = _name(fields)
    with keyring.changing() as connection:
        if not connection.execute("DELETE FROM aliases WHERE name = ?", (name,)).rowcount:
            raise KmsFault("NotFoundException", f"Alias {keyring.arn(name)} is not found.")
    return {}


def list_aliases(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """A page of the names, of one key where it is given."""
    keyring.reap()
    limit, marker = fields.number("Limit", 50, 1, 100), fields.text("Marker", "")
    key_id = keyring.find(fields.text("KeyId")).key_id if "KeyId" in fields.values else ""
    sql = "SELECT * FROM aliases WHERE name > ? AND (? = '' OR key_id = ?) ORDER BY name LIMIT ?"
    rows = keyring.rows(sql, marker, key_id, key_id, limit + 1)
    told = [_told(keyring, row) for row in rows[:limit]]
    return {"Aliases": told, **continuation([row["name"] for row in rows], limit)}


def _told(keyring: Keyring, row: sqlite3.Row) -> dict[str, object]:
    return {
        "AliasName": row["name"],
        "AliasArn": keyring.arn(row["name"]),
        "TargetKeyId": row["key_id"],
        "CreationDate": row["created_at_ms"] / 1000,
        "LastUpdatedDate": row["updated_at_ms"] / 1000,
    }


def _name(fields: Fields) -> str:
    name = fields.text("AliasName", limit=256)
    if not _NAME.fullmatch(name):
        raise KmsFault("InvalidAliasNameException", "An alias must look like alias/name, outside alias/aws/.")
    return name
