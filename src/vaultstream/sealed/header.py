"""The header of a sealed file: sealed data keys, encryption context and key commitment, written and proven."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from itertools import pairwise
from struct import Struct
from typing import Final, Self

from cryptography.exceptions import InvalidTag

from vaultstream.sealed.format import COMMIT_KEY_BYTES, FRAME_BYTES, MESSAGE_ID_BYTES, TAG_BYTES, SealedError
from vaultstream.sealed.keys import SUITE, DataKey, FrameKey, derive

VERSION: Final = b"\x02"
FRAMED: Final = b"\x02"
HEADER_IV: Final = bytes(12)
"""Lawful because no frame has it: frame numbers start at 1."""

KMS_PROVIDER: Final = "aws-kms"
RESERVED_PREFIX: Final = "aws-crypto-"

_U16: Final = Struct(">H")
_U32: Final = Struct(">I")
_U16_MAX: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class EncryptedDataKey:
    """A data key as one provider sealed it; from KMS, the info is a key ARN, the ciphertext a CiphertextBlob."""

    provider_id: str
    provider_info: bytes
    ciphertext: bytes = field(repr=False)

    @classmethod
    def from_kms(cls, key_arn: str, ciphertext: bytes) -> Self:
        """What GenerateDataKey answered: its KeyId, which is the key's ARN, and its CiphertextBlob."""
        return cls(KMS_PROVIDER, key_arn.encode(), ciphertext)

    @property
    def key_arn(self) -> str:
        """ARN of the KMS key that opens this data key; SealedError for another provider's."""
        if self.provider_id != KMS_PROVIDER:
            raise SealedError("the data key was not sealed by KMS")
        return _text(self.provider_info)


@dataclass(frozen=True, slots=True)
class Header:
    """A header as read. Nothing in it is proven before `open_header` has accepted the same bytes."""

    message_id: bytes
    context: Mapping[str, str]
    edks: tuple[EncryptedDataKey, ...]
    frame_bytes: int
    commit_key: bytes = field(repr=False)
    authenticated: bytes = field(repr=False)
    tag: bytes = field(repr=False)


def build_header(
    data_key: DataKey,
    message_id: bytes,
    context: Mapping[str, str],
    edks: Sequence[EncryptedDataKey],
    frame_bytes: int = FRAME_BYTES,
) -> bytes:
    """The header of a new message. Call it once for a data key and message id: its IV is always zero.

    Raises SealedError for a context that is not ASCII or uses a reserved key, for no sealed data key, for one
    of KMS that is not named by a key ARN, and for anything longer than its 16-bit length field can say.
    """
    frame_key = derive(data_key, message_id, frame_bytes)
    authenticated = b"".join(
        (
            VERSION,
            SUITE,
            message_id,
            _sized(_context_bytes(context)),
            _edks_bytes(edks),
            FRAMED,
            _U32.pack(frame_bytes),
            frame_key.commit_key,
        )
    )
    return authenticated + frame_key.frames.encrypt(HEADER_IV, b"", authenticated)


def parse_header(data: bytes) -> Header:
    """Takes a header apart without a key. Raises SealedError unless every byte has its one lawful place."""
    cursor = _Cursor(data)
    if cursor.take(len(VERSION)) != VERSION or cursor.take(len(SUITE)) != SUITE:
        raise SealedError("the header is not of version 2 with suite 0478")
    message_id = cursor.take(MESSAGE_ID_BYTES)
    context = _read_context(cursor.sized())
    edks = _read_edks(cursor)
    if cursor.take(len(FRAMED)) != FRAMED:
        raise SealedError("the header is not of a framed message")
    frame_bytes = cursor.u32()
    if not 1 <= frame_bytes < 2**31:
        raise SealedError("the header has an unlawful frame length")
    commit_key = cursor.take(COMMIT_KEY_BYTES)
    authenticated = data[: cursor.position]
    tag = cursor.take(TAG_BYTES)
    cursor.require_end()
    return Header(message_id, context, edks, frame_bytes, commit_key, authenticated, tag)


def open_header(header_bytes: bytes, data_key: DataKey, expected_context: Mapping[str, str]) -> FrameKey:
    """Proves a header with its data key and gives the key of its frames.

    Raises SealedError where the data key is not the committed one, a byte was changed, or the encryption
    context is not exactly the expected one.
    """
    header = parse_header(header_bytes)
    frame_key = derive(data_key, header.message_id, header.frame_bytes)
    if not compare_digest(frame_key.commit_key, header.commit_key):
        raise SealedError("the data key is not the one the header commits to")
    try:
        frame_key.frames.decrypt(HEADER_IV, header.tag, header.authenticated)
    except InvalidTag:
        raise SealedError("the header does not authenticate") from None
    if dict(header.context) != dict(expected_context):
        raise SealedError("the header has another encryption context than expected")
    return frame_key


def _sized(data: bytes) -> bytes:
    if len(data) > _U16_MAX:
        raise SealedError("a header field is longer than 65,535 bytes")
    return _U16.pack(len(data)) + data


def _context_bytes(context: Mapping[str, str]) -> bytes:
    if not context:
        return b""
    if len(context) > _U16_MAX:
        raise SealedError("the encryption context has more than 65,535 entries")
    return _U16.pack(len(context)) + b"".join(
        _sized(_context_text(text)) for key in sorted(context) for text in (_lawful_key(key), context[key])
    )


def _lawful_key(key: str) -> str:
    if not key or key.startswith(RESERVED_PREFIX):
        raise SealedError("an encryption context key is empty or reserved")
    return key


def _context_text(text: str) -> bytes:
    """ASCII only: stock SDKs disagree about the sort order of what lies beyond it."""
    if not text.isascii():
        raise SealedError("the encryption context is not plain ASCII")
    return text.encode("ascii")


def _edks_bytes(edks: Sequence[EncryptedDataKey]) -> bytes:
    if not 1 <= len(edks) <= _U16_MAX:
        raise SealedError("a header has 1 to 65,535 sealed data keys")
    if any(edk.provider_id == KMS_PROVIDER and not _is_key_arn(edk.key_arn) for edk in edks):
        raise SealedError("a KMS data key is named by its key ARN, never by an alias")
    fields = ((edk.provider_id.encode(), edk.provider_info, edk.ciphertext) for edk in edks)
    return _U16.pack(len(edks)) + b"".join(_sized(part) for edk in fields for part in edk)


def _is_key_arn(name: str) -> bool:
    """An alias may point elsewhere tomorrow, and the stock keyrings refuse it."""
    return name.startswith("arn:") and ":kms:" in name and ":key/" in name and name.isascii()


def _read_context(data: bytes) -> dict[str, str]:
    if not data:
        return {}
    cursor = _Cursor(data)
    pairs = [(cursor.sized(), cursor.sized()) for _ in range(cursor.u16())]
    cursor.require_end()
    keys = [key for key, _ in pairs]
    if not keys or any(first >= second for first, second in pairwise(keys)):
        raise SealedError("the encryption context is not sorted, or names a key twice")
    return {_text(key): _text(value) for key, value in pairs}


def _read_edks(cursor: "_Cursor") -> tuple[EncryptedDataKey, ...]:
    count = cursor.u16()
    if not count:
        raise SealedError("the header has no sealed data key")
    return tuple(EncryptedDataKey(_text(cursor.sized()), cursor.sized(), cursor.sized()) for _ in range(count))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise SealedError("a header field is not UTF-8") from None


class _Cursor:
    """Reads fields one after another and refuses to read past the end."""

    __slots__ = ("_data", "position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        stop = self.position + count
        if stop > len(self._data):
            raise SealedError("the header is cut short")
        taken = self._data[self.position : stop]
        self.position = stop
        return taken

    def u16(self) -> int:
        return int.from_bytes(self.take(_U16.size))

    def u32(self) -> int:
        return int.from_bytes(self.take(_U32.size))

    def sized(self) -> bytes:
        return self.take(self.u16())

    def require_end(self) -> None:
        if self.position != len(self._data):
            raise SealedError("there are bytes after the end of the header")
