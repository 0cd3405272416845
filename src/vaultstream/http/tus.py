"""The headers of tus 1.0 (tus.io/protocols/resumable-upload), read strictly and without effect."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from vaultstream.checksums import Algorithm, Checksum
from vaultstream.errors import Code, VaultError, not_found
from vaultstream.ids import FileId, FolderId, kind_of

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration"
ALGORITHMS = ",".join(Algorithm)
OFFSET_STREAM = "application/offset+octet-stream"
METADATA_CHARACTERS_MAX = 4096

_NUMBER = re.compile("[0-9]{1,18}")
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]+")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What Upload-Metadata says of the file; `text` is the header as it came, to be echoed."""

    text: str = ""
    name: str | None = None
    content_type: str | None = None
    folder_id: FolderId | None = None
    file_id: FileId | None = None
    sha256: str | None = None


def metadata(header: str | None) -> Metadata:
    """Read Upload-Metadata; keys that mean nothing here are in the text only.

    Whether name, type and digest are lawful is for the deed to say.

    Raises INVALID for what is malformed, NOT_FOUND for a folderId or fileId that can name nothing.
    """
    if header is None or not header.strip(" \t"):
        return Metadata()
    values = _pairs(header)
    file_id, folder_id = values.get("fileId"), values.get("folderId")
    return Metadata(
        text=header,
        name=_text(values, "filename"),
        content_type=_text(values, "filetype"),
        folder_id=FolderId(_id(folder_id, "folder")) if folder_id else None,
        file_id=FileId(_id(file_id, "file")) if file_id else None,
        sha256=(_text(values, "sha256") or "").lower() or None,
    )


def new_length(headers: Mapping[str, str], length_max_bytes: int) -> int | None:
    """The length of an upload to create in bytes; None where Upload-Defer-Length puts it off."""
    deferred, given = headers.get("upload-defer-length"), headers.get("upload-length")
    if (deferred is None) == (given is None):
        raise VaultError(Code.INVALID, "Give either Upload-Length or Upload-Defer-Length.")
    if deferred is not None and deferred != "1":
        raise VaultError(Code.INVALID, "Upload-Defer-Length takes 1 and nothing else.")
    return late_length(headers, length_max_bytes)


def late_length(headers: Mapping[str, str], length_max_bytes: int) -> int | None:
    """Upload-Length in bytes, if it is there; raises TOO_LARGE past what this vault takes."""
    given = headers.get("upload-length")
    if given is None:
        return None
    length_bytes = _number("Upload-Length", given)
    if length_bytes > length_max_bytes:
        raise VaultError(Code.TOO_LARGE, f"A file has at most {length_max_bytes} bytes here.")
    return length_bytes


def offset(headers: Mapping[str, str]) -> int:
    """Upload-Offset in bytes, which every PATCH has."""
    given = headers.get("upload-offset")
    if given is None:
        raise VaultError(Code.INVALID, "Give the Upload-Offset at which these bytes begin.")
    return _number("Upload-Offset", given)


def checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Upload-Checksum, if it is there."""
    given = headers.get("upload-checksum")
    return None if given is None else Checksum.parse(given)


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Idempotency-Key, with or without the quotes its Internet-Draft has; the deed says what is lawful."""
    given = headers.get("idempotency-key")
    return given[1:-1] if given is not None and re.fullmatch('".*"', given) else given


def is_offset_stream(headers: Mapping[str, str]) -> bool:
    """Whether the body is declared to be what tus sends."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == OFFSET_STREAM


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether bytes follow the headers."""
    return "transfer-encoding" in headers or headers.get("content-length", "0").strip("0") != ""


def _pairs(header: str) -> dict[str, bytes]:
    if len(header) > METADATA_CHARACTERS_MAX:
        raise VaultError(Code.INVALID, f"Upload-Metadata has at most {METADATA_CHARACTERS_MAX} characters.")
    values: dict[str, bytes] = {}
    for pair in header.split(","):
        key, _, encoded = pair.strip(" \t").partition(" ")
        if not _KEY.fullmatch(key) or key in values:
            raise VaultError(Code.INVALID, "The keys of Upload-Metadata are plain, and each is there once.")
        values[key] = _base64(encoded)
    return values


def _base64(encoded: str) -> bytes:
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or base64.b64encode(data).decode() != encoded:
        raise VaultError(Code.INVALID, "The values of Upload-Metadata are base64, with its padding.")
    return data


def _text(values: Mapping[str, bytes], key: str) -> str | None:
    try:
        return values.get(key, b"").decode() or None
    except UnicodeDecodeError:
        raise VaultError(Code.INVALID, f"The {key} in Upload-Metadata is not UTF-8.", path=(key,)) from None


def _id(value: bytes, kind: str) -> str:
    text = value.decode("ascii", "replace")
    if kind_of(text) != kind:
        raise not_found(kind)
    return text


def _number(header: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise VaultError(Code.INVALID, f"{header} takes a whole number of bytes.")
    return int(text)
