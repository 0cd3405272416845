"""The ciphertext of a symmetric key: AES-256-GCM whose additional data is the encryption context.

blob = 01 | key id[16] | material version u32 | nonce[12] | ciphertext | tag[16], integers big-endian.
The additional data is the blob's own first 21 bytes, then a u32 count and, sorted by the bytes of the name,
u32 length | name | u32 length | value of each pair: no two contexts give the same bytes. Nonces are random, so
one version of a key may seal 2**32 messages; a laptop does not come near.
"""

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
_HEADER = struct.Struct(">B16sI")
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Sealed:
    """A blob taken apart; its parts are claims until `open_sealed` has verified them."""

    key_id: str
    version: int
    header: bytes
    nonce: bytes
    ciphertext: bytes


def seal(
    material: bytes, key_id: str, version: int, nonce: bytes, plaintext: bytes, context: Mapping[str, str]
) -> bytes:
    """The blob of `plaintext`; the caller gives 12 fresh random bytes as the nonce."""
    header = _HEADER.pack(_FORMAT, uuid.UUID(key_id).bytes, version)
    return header + nonce + AESGCM(material).encrypt(nonce, plaintext, header + encode_context(context))


def take_apart(blob: bytes) -> Sealed:
    """The parts of a blob; raises ValueError for what was never one."""
    body = _HEADER.size + NONCE_BYTES
    if len(blob) < body + 16 or blob[0] != _FORMAT:
        raise ValueError("not a ciphertext of this KMS")
    _, key_id, version = _HEADER.unpack_from(blob)
    header, nonce = blob[: _HEADER.size], blob[_HEADER.size : body]
    return Sealed(str(uuid.UUID(bytes=key_id)), version, header, nonce, blob[body:])


def open_sealed(material: bytes, sealed: Sealed, context: Mapping[str, str]) -> bytes:
    """The plaintext; raises ValueError if a byte of the blob or of the context differs."""
    try:
        return AESGCM(material).decrypt(sealed.nonce, sealed.ciphertext, sealed.header + encode_context(context))
    except InvalidTag as error:
        raise ValueError("the ciphertext or its encryption context was changed") from error


def encode_context(context: Mapping[str, str]) -> bytes:
    """The canonical bytes of an encryption context."""
    pairs = sorted((name.encode(), value.encode()) for name, value in context.items())
    parts = [struct.pack(">I", len(pairs))]
    for pair in pairs:
        for part in pair:
            parts += (struct.pack(">I", len(part)), part)
    return b"".join(parts)
