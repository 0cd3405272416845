"""S3's additional checksums: the five algorithms, and how those of parts make that of the whole object."""

import base64
import hashlib
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol

from vaultstream.local.s3.faults import S3Fault

# Reflected polynomials and widths in bits, from the CRC catalogue (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME).
_CRCS: dict[str, tuple[int, int]] = {
    "CRC32": (0xEDB88320, 32),
    "CRC32C": (0x82F63B78, 32),
    "CRC64NVME": (0x9A6C9329AC4BC9B5, 64),
}
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


class Digest(Protocol):
    """A running checksum; two kinds exist, hashlib's and the cyclic ones below."""

    def update(self, data: bytes, /) -> None:
        """Takes the next bytes."""

    def digest(self) -> bytes:
        """The checksum so far, big-endian."""


def start(algorithm: str) -> Digest:
    """A fresh checksum; `algorithm` is one of `ALGORITHMS`."""
    if algorithm in _CRCS:
        return _Cyclic(algorithm)
    return hashlib.new(algorithm, usedforsecurity=False)


def named(value: str) -> str:
    """The algorithm that a header names, in upper case; `InvalidRequest` for one that S3 does not know."""
    if value.upper() not in ALGORITHMS:
        raise S3Fault("InvalidRequest", "Checksum algorithm provided is unsupported.")
    return value.upper()


def composite(algorithm: str, parts: Sequence[str]) -> str:
    """The checksum of the parts' checksums, with their number after a dash."""
    total = start(algorithm)
    for part in parts:
        total.update(base64.b64decode(part))
    return f"{base64.b64encode(total.digest()).decode()}-{len(parts)}"


def full_object(algorithm: str, parts: Sequence[tuple[str, int]]) -> str:
    """The checksum of the joined parts, from each part's (checksum, size in bytes); cyclic algorithms only."""
    polynomial, width = _CRCS[algorithm]
    total = 0
    for checksum, size_bytes in parts:
        shift = _power_of_x(8 * size_bytes, polynomial, width)
        total = _multiply(total, shift, polynomial, width) ^ int.from_bytes(base64.b64decode(checksum), "big")
    return base64.b64encode(total.to_bytes(width // 8, "big")).decode()


def joined_md5(etags: Sequence[str]) -> str:
    """The MD5 of the parts' MD5s, in hexadecimal: the first half of a multipart ETag."""
    return hashlib.md5(b"".join(bytes.fromhex(etag) for etag in etags), usedforsecurity=False).hexdigest()


class _Cyclic:
    def __init__(self, algorithm: str) -> None:
        self._step = zlib.crc32 if algorithm == "CRC32" else _table_step(*_CRCS[algorithm])
        self._bytes = _CRCS[algorithm][1] // 8
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._bytes, "big")


@cache
def _table_step(polynomial: int, width: int) -> Callable[[bytes, int], int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)  # noqa: PLW2901 - eight steps of one register
        table.append(value)
    ones = (1 << width) - 1

    def step(data: bytes, value: int) -> int:
        register = value ^ ones
        for byte in data:
            register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
        return register ^ ones

    return step


def _multiply(left: int, right: int, polynomial: int, width: int) -> int:
    """The product modulo the polynomial, in the reflected form: bit `width - 1` stands for x to the power 0."""
    product = 0
    for bit in range(width - 1, -1, -1):
        if left >> bit & 1:
            product ^= right
        right = right >> 1 ^ (polynomial if right & 1 else 0)
    return product


def _power_of_x(exponent: int, polynomial: int, width: int) -> int:
    result, square = 1 << (width - 1), 1 << (width - 2)
    while exponent:
        if exponent & 1:
            result = _multiply(result, square, polynomial, width)
        square = _multiply(square, square, polynomial, width)
        exponent >>= 1
    return result
