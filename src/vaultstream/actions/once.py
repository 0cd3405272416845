"""Idempotency: the same key with the same input has the same answer for a day, and is done once.

Keys are each asker's own: a person's programs are told from the person, and from one another.
"""

import hashlib
import json
from datetime import timedelta

from vaultstream import table
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError

_KEPT = timedelta(hours=24)
KEY_CHARACTERS_MAX = 128


def fingerprint(*wanted: object) -> str:
    """What tells one input from another: SHA-256 of its JSON."""
    return hashlib.sha256(json.dumps(wanted, default=str).encode()).hexdigest()


async def answered(vault: Vault, actor: Actor, key: str | None, print_: str) -> str | None:
    """The id that the deed with this key has answered with, if it was done; CONFLICT for another input."""
    if key is None:
        return None
    if not 0 < len(key) <= KEY_CHARACTERS_MAX or not key.isprintable():
        raise VaultError(
            Code.INVALID,
            f"An idempotency key has 1 to {KEY_CHARACTERS_MAX} printable characters.",
            path=("idempotencyKey",),
        )
    item = await vault.records.item(table.once(actor.id, key))
    if item is None or item[table.TTL] <= vault.now().timestamp():
        return None
    if item["fingerprint"] != print_:
        raise VaultError(
            Code.CONFLICT,
            "This idempotency key was used for another input: take a new one.",
            path=("idempotencyKey",),
        )
    return str(item["answer"])


def remembering(vault: Vault, actor: Actor, key: str | None, print_: str, answer: str) -> list[Change]:
    """The change that keeps the answer, first in the deed's own transaction; none without a key.

    First, because of two equal requests at once the later one is to hear that, not that its own twin took the name.
    """
    if key is None:
        return []
    now = vault.now()
    return [changes.remember(actor.id, key, print_, answer, now=now, expires_at=now + _KEPT)]
