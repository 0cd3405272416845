"""A key's life: made, described, listed, disabled, given a deadline, saved from it; its policy and tags."""

import json
import secrets
import sqlite3
import uuid
from datetime import timedelta

from vaultstream.local.kms import signing
from vaultstream.local.kms.faults import KmsFault, invalid
from vaultstream.local.kms.fields import Fields
from vaultstream.local.kms.keyring import ACCOUNT, Keyring
from vaultstream.local.kms.keys import SYMMETRIC, Key, KeyState, Usage, milliseconds
from vaultstream.local.kms.rotation import MATERIAL_BYTES
from vaultstream.local.kms.signatures import MAC_BYTES, mac_algorithm

_SPECS = (SYMMETRIC, *signing.SPECS, *MAC_BYTES)
_MAX_POLICY = 32_768
_DEFAULT_POLICY = {
    "Version": "2012-10-17",
    "Id": "key-default-1",
    "Statement": [
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


def create(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Makes a key; its secret is on the disk, wrapped, before its id is told."""
    old_name = fields.choice("CustomerMasterKeySpec", SYMMETRIC, _SPECS)
    spec = fields.choice("KeySpec", old_name, _SPECS)
    usage = Usage(fields.choice("KeyUsage", Usage.ENCRYPT_DECRYPT, tuple(Usage)))
    if usage is not _usage(spec):
        raise invalid(f"KeyUsage {usage} is not compatible with KeySpec {spec} in the local KMS.")
    if fields.flag("MultiRegion") or fields.text("Origin", "AWS_KMS") != "AWS_KMS":
        raise KmsFault("UnsupportedOperationException", "Keys of the local KMS are its own, in one region.")
    description, tags = fields.text("Description", "", limit=8192), fields.tags()
    policy = _checked_policy(fields.text("Policy", json.dumps(_DEFAULT_POLICY), limit=_MAX_POLICY))
    material = _new_material(spec)
    key_id = str(uuid.uuid4())
    row = (key_id, description, spec, usage, KeyState.ENABLED, milliseconds(keyring.clock()), policy)
    with keyring.changing() as connection:
        connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, NULL, 1, 0, NULL, ?)", row)
        keyring.add_material(key_id, 1, material, "CREATED")
        _add_tags(connection, key_id, tags)
    return {"KeyMetadata": _metadata(keyring.find(key_id))}


def describe(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """What is known of a key."""
    return {"KeyMetadata": _metadata(keyring.find(fields.text("KeyId"), by_alias=True))}


def list_keys(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """A page of the keys."""
    keyring.reap()
    limit, marker = fields.number("Limit", 100, 1, 1000), fields.text("Marker", "")
    rows = keyring.rows("SELECT key_id FROM keys WHERE key_id > ? ORDER BY key_id LIMIT ?", marker, limit + 1)
    names = [row["key_id"] for row in rows]
    keys = [{"KeyId": name, "KeyArn": keyring.arn(f"key/{name}")} for name in names[:limit]]
    return {"Keys": keys, **continuation(names, limit)}


def continuation(names: list[str], limit: int) -> dict[str, object]:
    """How a page of `limit` names ends, when one more was read."""
    return {"Truncated": True, "NextMarker": names[limit - 1]} if len(names) > limit else {"Truncated": False}


def enable(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Lets a key be used again."""
    return _set_state(keyring, fields, KeyState.ENABLED)


def disable(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Stops all use of a key until it is enabled."""
    return _set_state(keyring, fields, KeyState.DISABLED)


def schedule_deletion(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Destroys a key in 7 to 30 days; until then it cannot be used, but can be saved."""
    days = fields.number("PendingWindowInDays", 30, 7, 30)
    with keyring.changing() as connection:
        key = keyring.find(fields.text("KeyId"))
        key.need_living()
        deletion_at = keyring.clock() + timedelta(days=days)
        sql = "UPDATE keys SET state = ?, deletion_at_ms = ? WHERE key_id = ?"
        connection.execute(sql, (KeyState.PENDING_DELETION, milliseconds(deletion_at), key.key_id))
    return {
        "KeyId": key.arn,
        "DeletionDate": deletion_at.timestamp(),
        "KeyState": KeyState.PENDING_DELETION,
        "PendingWindowInDays": days,
    }


def cancel_deletion(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Saves a key from its deletion; it comes back disabled."""
    with keyring.changing() as connection:
        key = keyring.find(fields.text("KeyId"))
        if key.state is not KeyState.PENDING_DELETION:
            raise KmsFault("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
        sql = "UPDATE keys SET state = ?, deletion_at_ms = NULL WHERE key_id = ?"
        connection.execute(sql, (KeyState.DISABLED, key.key_id))
    return {"KeyId": key.arn}


def get_policy(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """The key's policy; it is kept, not enforced."""
    key = keyring.find(fields.text("KeyId"))
    return {"Policy": key.policy, "PolicyName": fields.choice("PolicyName", "default", ("default",))}


def put_policy(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Replaces the key's policy."""
    fields.choice("PolicyName", "default", ("default",))
    policy = _checked_policy(fields.text("Policy", limit=_MAX_POLICY))
    with keyring.changing() as connection:
        key = keyring.find(fields.text("KeyId"))
        key.need_living()
        connection.execute("UPDATE keys SET policy = ? WHERE key_id = ?", (policy, key.key_id))
    return {}


def tag(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Adds or changes tags."""
    with keyring.changing() as connection:
        key = keyring.find(fields.text("KeyId"))
        key.need_living()
        _add_tags(connection, key.key_id, fields.tags())
    return {}


def untag(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """Removes tags."""
    with keyring.changing() as connection:
        key = keyring.find(fields.text("KeyId"))
        key.need_living()
        pairs = [(key.key_id, name) for name in fields.names("TagKeys")]
        connection.executemany("DELETE FROM tags WHERE key_id = ? AND name = ?", pairs)
    return {}


def list_tags(keyring: Keyring, fields: Fields) -> dict[str, object]:
    """The tags of a key."""
    key = keyring.find(fields.text("KeyId"))
    rows = keyring.rows("SELECT name, value FROM tags WHERE key_id = ? ORDER BY name", key.key_id)
    return {"Tags": [{"TagKey": row["name"], "TagValue": row["value"]} for row in rows], "Truncated": False}


def _usage(spec: str) -> Usage:
    if spec == SYMMETRIC:
        return Usage.ENCRYPT_DECRYPT
    return Usage.GENERATE_VERIFY_MAC if spec in MAC_BYTES else Usage.SIGN_VERIFY


def _new_material(spec: str) -> bytes:
    if spec in signing.SPECS:
        return signing.make(spec)
    return secrets.token_bytes(MAC_BYTES.get(spec, MATERIAL_BYTES))


def _set_state(keyring: Keyring, fields: Fields, state: KeyState) -> dict[str, object]:
    with keyring.changing() as connection:
        key = keyring.find(fields.text("KeyId"))
        key.need_living()
        connection.execute("UPDATE keys SET state = ? WHERE key_id = ?", (state, key.key_id))
    return {}


def _checked_policy(policy: str) -> str:
    try:
        is_object = isinstance(json.loads(policy), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise KmsFault("MalformedPolicyDocumentException", "The policy must be a JSON object.")
    return policy


def _add_tags(connection: sqlite3.Connection, key_id: str, tags: list[tuple[str, str]]) -> None:
    rows = [(key_id, name, value) for name, value in tags]
    connection.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", rows)


def _metadata(key: Key) -> dict[str, object]:
    told: dict[str, object] = {
        "AWSAccountId": ACCOUNT,
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": key.created_at.timestamp(),
        "Enabled": key.state is KeyState.ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": False,
    }
    if key.deletion_at:
        told["DeletionDate"] = key.deletion_at.timestamp()
    algorithms = {
        Usage.ENCRYPT_DECRYPT: ("EncryptionAlgorithms", (SYMMETRIC,)),
        Usage.SIGN_VERIFY: ("SigningAlgorithms", signing.algorithms(key.spec)),
        Usage.GENERATE_VERIFY_MAC: ("MacAlgorithms", (mac_algorithm(key.spec),)),
    }
    name, values = algorithms[key.usage]
    return {**told, name: values}
