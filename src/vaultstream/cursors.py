"""Opaque cursors: a sort key in base64url, under a check that tells a cursor from garbage."""

import base64
import binascii
import zlib

from vaultstream.errors import Code, VaultError


def encode(sort_key: str) -> str:
    """The cursor that stands for the place just after this sort key."""
    raw = sort_key.encode()
    return base64.urlsafe_b64encode(zlib.crc32(raw).to_bytes(4) + raw).decode().rstrip("=")


def decode(cursor: str, *, prefix: str) -> str:
    """The sort key within a cursor, which must begin with `prefix`; raises INVALID for anything else."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        sort_key = raw[4:].decode()
    except (binascii.Error, ValueError):
        raise _bad() from None
    lawful = zlib.crc32(raw[4:]).to_bytes(4) == raw[:4] and sort_key.startswith(prefix)
    if not lawful or encode(sort_key) != cursor:
        raise _bad()
    return sort_key


def _bad() -> VaultError:
    return VaultError(
        Code.INVALID, "Take the cursor from an earlier page of the same list, unchanged.", path=("after",)
    )
