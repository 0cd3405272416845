"""Small pictures of a file: what they are, which files have them, and how one process hands them to another."""

import codecs
import struct
from dataclasses import dataclass
from enum import IntEnum

# The longest side of each picture that is made, in pixels, smallest first.
THUMBNAIL_EDGES_PX = (96, 320, 1024)
# Bytes from the start of a file that are enough to tell its kind.
SNIFF_BYTES = 1024
# The reason given for every file that reaches a limit of time or memory.
TOO_COSTLY = "Drawing this file takes more time or memory than a preview is worth."

# Bytes of a text that are enough for its first page.
TEXT_BYTES = 16 << 10

# How rich text begins, and what Office wrote before 2007 (MS-CFB 2.2).
RICH_TEXT = b"{\\rtf"
COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DAMAGED_DOCUMENT = "This document is damaged or incomplete."
OTHER_KIND = "No preview is made of this kind of file."

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis"})
_FILM_BRANDS = (
    b"isom",
    b"iso",
    b"mp4",
    b"avc1",
    b"qt  ",
    b"M4V",
    b"M4A",
    b"M4B",
    b"3gp",
    b"3g2",
    b"f4v",
    b"MSNV",
    b"dash",
)
_TEXT_TYPES = (
    "text/",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-",
    "application/sql",
)
_UNKNOWN_TYPES = frozenset({"", "application/octet-stream"})
_DOCUMENTS_BEGIN = (b"mimetypeapplication/vnd.oasis.opendocument.", b"[Content_Types].xml", b"_rels/.rels")
# What a recording is kept in, by its first bytes, in FFmpeg's words. Playlists, which name other files, are not here.
_RECORDINGS = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
    (b"\xff\xf2", "mp3"),
    (b"FLV\x01", "flv"),
    (b"0&\xb2u\x8ef\xcf\x11", "asf"),
)


class Unsupported(Exception):
    """No picture is made of this kind or size of file; `reason` is a sentence for its owner."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RenderFailed(Exception):
    """This file is broken, or takes more than a picture is worth; `reason` is a sentence for its owner."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RenderKilled(RenderFailed):
    """What drew it was killed, by the kernel for want of memory or by somebody: for its own costs, or for others'."""


class SourceKind(IntEnum):
    """How a source is drawn; the number stands in the request to the child process."""

    PICTURE = 1
    PDF = 2
    DRAWING = 3
    TEXT = 4
    OFFICE = 5
    HEIC = 6
    RECORDING = 7
    LONG_RECORDING = 8  # which is not sent: the child asks for what it needs
    BARE_OFFICE = 9  # a document that carries no picture of itself: drawn by LibreOffice or not at all


@dataclass(frozen=True, slots=True)
class RenderedImage:
    """One WebP picture, without metadata. It fits a square of `edge_px`; sizes in pixels."""

    width: int
    height: int
    edge_px: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Rendering:
    """The pictures of one source, smallest first, and the size it is shown at (pixels; points for a PDF page).

    Pictures are never enlarged: a source smaller than an edge ends the series with a picture of its own size.
    """

    images: tuple[RenderedImage, ...]
    width: int
    height: int


def source_kind(head: bytes, content_type: str) -> SourceKind | None:
    """What the first `SNIFF_BYTES` of a file really are, or None for what is not drawn.

    `content_type` is the uploader's word and decides nothing but this: a PDF may begin with up to 1,024 foreign
    bytes (ISO 32000-1, annex H.3.4.1), and only what calls itself one is searched for its header.
    """
    kind = _kind_of_picture(head)
    if kind is None and recording_format(head) is not None:
        kind = SourceKind.RECORDING
    if kind is None and _is_pdf(head, content_type):
        kind = SourceKind.PDF
    if kind is None and _is_office(head, content_type):
        kind = SourceKind.OFFICE
    if kind is None and head.startswith((RICH_TEXT, COMPOUND_FILE)):
        kind = SourceKind.BARE_OFFICE
    if kind is None and _is_text(head):
        if b"<svg" in head and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return SourceKind.DRAWING
        if content_type.startswith(_TEXT_TYPES) or content_type in _UNKNOWN_TYPES:
            return SourceKind.TEXT
    return kind


def recording_format(head: bytes) -> str | None:
    """FFmpeg's name for what keeps a recording that begins so; None for what is none."""
    if head[4:8] == b"ftyp" and any(brand.startswith(_FILM_BRANDS) for brand in _brands(head)):
        return "mov"
    if head[:4] == b"RIFF":
        return {b"AVI ": "avi", b"WAVE": "wav"}.get(head[8:12])
    return next((name for magic, name in _RECORDINGS if head.startswith(magic)), None)


def _kind_of_picture(head: bytes) -> SourceKind | None:
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")) or _is_tiff(head):
        return SourceKind.PICTURE
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return SourceKind.PICTURE
    if head[4:8] == b"ftyp" and _brands(head) & _AVIF_BRANDS:
        return SourceKind.PICTURE
    if head[4:8] == b"ftyp" and _brands(head) & _HEIC_BRANDS:
        return SourceKind.HEIC
    return None


def _is_pdf(head: bytes, content_type: str) -> bool:
    return head.startswith(b"%PDF-") or (content_type == "application/pdf" and b"%PDF-" in head)


def _is_office(head: bytes, content_type: str) -> bool:
    """A zip that says by its first entry, or is said, to be a document (ECMA-376 part 2; OpenDocument 1.3 part 2)."""
    named = content_type.startswith("application/vnd.openxmlformats-officedocument.")
    return head.startswith(b"PK\x03\x04") and (named or head.startswith(_DOCUMENTS_BEGIN, 30))


def _is_text(head: bytes) -> bool:
    """UTF-8, though it may end in the middle of a character, with no control character that no text has."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(text) and all(letter >= " " or letter in "\t\n\r\f\x1b" for letter in text)


def _is_tiff(head: bytes) -> bool:
    return head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00\x08\x00\x00\x00", b"MM\x00+\x00\x08\x00\x00"))


def _brands(head: bytes) -> set[bytes]:
    """The major and compatible brands of an ISO base media file (ISO/IEC 14496-12, 4.3)."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))}


# What the child asks for, any number of times, before it answers; all integers big-endian:
#   asks     04 | u64 start | u32 length
# The child's answer:
#   drawn    01 | u32 width | u32 height | u8 count | { u16 edge | u16 width | u16 height | u32 size | data }*
#   refused  02 | reason (UTF-8)          failed  03 | reason (UTF-8)
_DRAWN, _REFUSED, _FAILED = 1, 2, 3
ASKS = b"\x04"
ASKED = struct.Struct("!QI")
ASKED_BYTES = 1 << 20  # at most, at a time
_SOURCE = struct.Struct("!IIB")
_IMAGE = struct.Struct("!HHHI")


def packed(answer: Rendering | Unsupported | RenderFailed) -> bytes:
    """The answer as bytes."""
    if isinstance(answer, Unsupported):
        return bytes([_REFUSED]) + answer.reason.encode()
    if isinstance(answer, RenderFailed):
        return bytes([_FAILED]) + answer.reason.encode()
    parts = [bytes([_DRAWN]), _SOURCE.pack(answer.width, answer.height, len(answer.images))]
    for image in answer.images:
        parts.append(_IMAGE.pack(image.edge_px, image.width, image.height, len(image.data)))
        parts.append(image.data)
    return b"".join(parts)


def unpacked(answer: bytes) -> Rendering:
    """The rendering in an answer. Raises what the answer says, or ValueError for bytes that are no lawful answer.

    The writer has read a hostile file and may have been taken over, so nothing of the answer is taken on trust.
    """
    status, body = answer[:1], answer[1:]
    if status == bytes([_REFUSED]):
        raise Unsupported(body.decode())
    if status == bytes([_FAILED]):
        raise RenderFailed(body.decode())
    if status != bytes([_DRAWN]) or len(body) < _SOURCE.size:
        raise ValueError("no such answer")
    width, height, count = _SOURCE.unpack_from(body)
    images: list[RenderedImage] = []
    at = _SOURCE.size
    for _ in range(count):
        image = _unpacked_image(body, at)
        images.append(image)
        at += _IMAGE.size + len(image.data)
    edges = tuple(image.edge_px for image in images)
    if at != len(body) or not edges or edges != THUMBNAIL_EDGES_PX[: len(edges)]:
        raise ValueError("the answer does not hold the pictures that were asked for")
    return Rendering(tuple(images), width, height)


def _unpacked_image(body: bytes, at: int) -> RenderedImage:
    if len(body) < at + _IMAGE.size:
        raise ValueError("the answer ends early")
    edge_px, width, height, size_bytes = _IMAGE.unpack_from(body, at)
    start = at + _IMAGE.size
    data = body[start : start + size_bytes]
    fits = 0 < width <= edge_px and 0 < height <= edge_px
    if len(data) != size_bytes or data[:4] != b"RIFF" or data[8:12] != b"WEBP" or not fits:
        raise ValueError("the answer holds something other than a picture")
    return RenderedImage(width, height, edge_px, data)
