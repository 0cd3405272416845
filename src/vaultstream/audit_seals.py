"""Personal fields of the audit log, sealed under a key of their person: without the key they are noise for ever.

AES-SIV (RFC 5297) is deterministic: the same address of the same person has one sealed text, so it can be looked for,
and an event that is stored twice is the same twice. Of two people the same address has two.
"""

import base64
import binascii

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

KEY_BYTES = 64
ERASED = "erased"  # what is recorded of, and shown for, a person whose key is gone
_PREFIX = "sealed:"


def seal(key: bytes, field: str, text: str) -> str:
    """The text as it is recorded; an empty one says nothing and stays."""
    if not text:
        return ""
    sealed = AESSIV(key).encrypt(text.encode(), [field.encode()])
    return _PREFIX + base64.urlsafe_b64encode(sealed).decode()


def unseal(key: bytes | None, field: str, text: str) -> str:
    """What was sealed; ERASED without the key it was sealed with."""
    if not text.startswith(_PREFIX):
        return text
    if key is None:
        return ERASED
    try:
        sealed = base64.urlsafe_b64decode(text.removeprefix(_PREFIX))
        return AESSIV(key).decrypt(sealed, [field.encode()]).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return ERASED
