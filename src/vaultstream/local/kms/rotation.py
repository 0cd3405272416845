"""New key material under the same key, on demand or when its period is over; old versions open their own."""

import secrets
from datetime import timedelta

from vaultstream.local.kms.fields import Fields
from vaultstream.local.kms.keyring import Keyring
from vaultstream.local.kms.keys import SYMMETRIC, Key, milliseconds

MATERIAL_BYTES = 32


def enable(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Turns automatic rotation on, each 90 to 2,560 days."""
    key = _rotatable(keyring, fields)
    days = fields.number("RotationPeriodInDays", 365, 90, 2560)
    _schedule(keyring, key, days)
    return {}


def disable(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Turns automatic rotation off."""
    _schedule(keyring, _rotatable(keyring, fields), 0)
    return {}


def status(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Whether and when a key rotates by itself."""
    key = keyring.find(fields.text("KeyId"))
    told: dict[str, object] = {"KeyId": key.key_id, "KeyRotationEnabled": bool(key.rotation_days)}
    if key.spec == SYMMETRIC and key.next_rotation_at:
        told["RotationPeriodInDays"] = key.rotation_days
        told["NextRotationDate"] = key.next_rotation_at.timestamp()
    return told


def on_demand(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Rotates now."""
    with keyring.changing():
        key = _rotatable(keyring, fields)
        _rotate(keyring, key, "ON_DEMAND")
    return {"KeyId": key.key_id}


def listed(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """The rotations that were made, the newest last."""
    key = keyring.find(fields.text("KeyId"))
    rows = keyring.rows("SELECT * FROM materials WHERE key_id = ? AND version > 1 ORDER BY version", key.key_id)
    rotations = [
        {"KeyId": key.key_id, "RotationDate": row["created_at_ms"] / 1000, "RotationType": row["reason"]}
        for row in rows
    ]
    return {"Rotations": rotations, "Truncated": False}


def rotate_if_due(keyring: Keyring, key: Key) -> Key:
    """The key, rotated if its period is over; checked at use, as a laptop may have slept through the date."""
    if key.next_rotation_at is None or keyring.clock() < key.next_rotation_at:
        return key
    with keyring.changing():
        key = keyring.find(key.key_id)
        if key.next_rotation_at is not None and keyring.clock() >= key.next_rotation_at:
            _rotate(keyring, key, "AUTOMATIC")
            _schedule(keyring, key, key.rotation_days)
        return keyring.find(key.key_id)


def _rotatable(keyring: Keyring, fields: Fields) -> Key:
    key = keyring.find(fields.text("KeyId"))
    key.need_symmetric()
    key.need(key.usage)
    return key


def _rotate(keyring: Keyring, key: Key, reason: str) -> None:
    keyring.add_material(key.key_id, key.version + 1, secrets.token_bytes(MATERIAL_BYTES), reason)


def _schedule(keyring: Keyring, key: Key, days: int) -> None:
    next_at = milliseconds(keyring.clock() + timedelta(days=days)) if days else None
    with keyring.changing() as connection:
        sql = "UPDATE keys SET rotation_days = ?, next_rotation_at_ms = ? WHERE key_id = ?"
        connection.execute(sql, (days, next_at, key.key_id))
