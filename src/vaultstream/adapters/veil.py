"""Hides what a cursor says from whoever carries it: the place after something unseen must not give its name away."""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vaultstream.errors import Code, VaultError

_KEY_BYTES = 64  # two keys of AES-256, as RFC 5297 has it
_INFO = b"vaultstream cursor veil"


class Veil:
    """AES-SIV (RFC 5297) under a key that every instance derives from the same secret.

    The same text is covered alike each time, so that a page that has not changed has the same cursors.
    """

    __slots__ = ("_cipher",)

    def __init__(self, secret: str) -> None:
        """Takes a secret of the deployment's; with another one, what was covered before is refused."""
        key = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_INFO).derive(secret.strip().encode())
        self._cipher = AESSIV(key)

    def cover(self, text: str, context: str) -> str:
        """The text in base64url, unreadable, and good in this context only."""
        sealed = self._cipher.encrypt(text.encode(), [context.encode()])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def uncover(self, covered: str, context: str) -> str:
        """The text that was covered in this context; raises INVALID for anything else."""
        try:
            sealed = base64.urlsafe_b64decode(covered.encode("ascii") + b"=" * (-len(covered) % 4))
            return self._cipher.decrypt(sealed, [context.encode()]).decode()
        except (binascii.Error, ValueError, InvalidTag):
            raise VaultError(
                Code.INVALID, "Take the cursor from an earlier page of the same list.", path=("after",)
            ) from None
