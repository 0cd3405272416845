"""Entries as Redis keeps them: encrypted, and readable only in the place and the world that they were made for.

Each entry has a key of its own, derived from its name, the world it was read in and its collection's token. An entry
that was damaged, moved, or made under another token does not open, so there is nothing to compare and to forget.
"""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_NONCE_BYTES = 12
_NAME_BYTES = 16
_INFO = b"vaultstream cache entries"


class Seal:
    """AES-256-GCM under keys that every instance derives from the same secret."""

    __slots__ = ("_root",)

    def __init__(self, secret: str) -> None:
        """Takes a secret of the deployment's; what was sealed under another does not open."""
        self._root = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_INFO).derive(secret.strip().encode())

    def name(self, partition: str, shape: bytes) -> str:
        """The key of an entry: what a reader asked for may be a name, and is not to be seen in Redis."""
        return f"e:{{{partition}}}{hmac.digest(self._root, shape, 'sha256')[:_NAME_BYTES].hex()}"

    def closed(self, name: str, world: str, token: bytes, plain: bytes) -> bytes:
        """The entry of this name, world and token."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(name, world, token).encrypt(nonce, plain, None)

    def opened(self, name: str, world: str, token: bytes, entry: bytes) -> bytes | None:
        """What the entry holds; None where it is not of this name, world and token, or not whole."""
        try:
            return self._cipher(name, world, token).decrypt(entry[:_NONCE_BYTES], entry[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, name: str, world: str, token: bytes) -> AESGCM:
        place = f"{len(name)} {len(world)} {name} {world} ".encode() + token
        return AESGCM(hmac.digest(self._root, place, "sha256"))
