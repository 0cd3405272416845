"""Checksums that a sender may give with a piece of an upload, in the tus protocol's form."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from vaultstream.errors import Code, VaultError


class Algorithm(StrEnum):
    """What Tus-Checksum-Algorithm announces, best first. tus demands SHA-1; none of them guards against malice."""

    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"


@dataclass(frozen=True, slots=True)
class Checksum:
    """The digest that the bytes of one request must have."""

    algorithm: Algorithm
    digest: bytes

    def __post_init__(self) -> None:
        """Refuse a digest of the wrong length."""
        if len(self.digest) != hashlib.new(self.algorithm, usedforsecurity=False).digest_size:
            raise VaultError(Code.INVALID, f"A {self.algorithm} digest has another length.")

    @classmethod
    def parse(cls, text: str) -> "Checksum":
        """Read an Upload-Checksum value, "<algorithm> <base64>"; raises INVALID for anything else."""
        name, _, encoded = text.partition(" ")
        if name not in set(Algorithm):
            raise VaultError(Code.INVALID, f"Upload-Checksum takes one of: {', '.join(Algorithm)}.")
        try:
            digest = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise VaultError(Code.INVALID, "Upload-Checksum takes an algorithm, a space and base64.") from None
        if base64.b64encode(digest).decode() != encoded:
            raise VaultError(Code.INVALID, "The base64 of Upload-Checksum is not in its one lawful form.")
        return cls(Algorithm(name), digest)
