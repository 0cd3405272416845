"""Finds what is packed in a stream of bytes, and unpacks it in small steps: zip, gzip, bzip2, xz, the streams of PDFs.

Packed content is looked for at every place, and no archive's own directory is believed, so a zip behind a picture or
one whose directory lies hides nothing. Formats: APPNOTE.TXT 6.3.10 (zip), RFC 1952 (gzip), xz 1.2.1, ISO 32000-1 7.3.8.
"""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache

import yara_x

STEP_BYTES = 256 << 10

# Found by the rules' own engine: five searches of Python's would take six times as long.
_MARKS = """rule packed {
  strings:
    $zip = { 50 4B 03 04 }
    $directory = { 50 4B 01 02 }
    $gzip = { 1F 8B 08 }
    $bzip2 = /BZh[1-9]1AY&SY/
    $xz = { FD 37 7A 58 5A 00 }
    $pdf = /stream\\r?\\nx[\\x01\\x5e\\x9c\\xda]/
  condition:
    any of them
}"""
MARK_BYTES = 10  # of the longest
_LOCAL_HEADER = struct.Struct("<6xHH8xIxxxxHH")
_DIRECTORY_ENTRY = struct.Struct("<8xHH34x")
# All that ever had a meaning. What claims another can be opened by nobody, and nearly all noise with the mark does.
_ZIP_METHODS = frozenset({*range(21), *range(93, 100)})
_ENCRYPTED, _SIZE_FOLLOWS, _SIZE_ELSEWHERE = 0x1, 0x8, 0xFFFFFFFF
_STORED, _DEFLATED, _BZIPPED, _XZIPPED = 0, 8, 12, 95
_DAMAGE = (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError)
# At the start of a file these say that it is an archive which is not unpacked here.
_FOREIGN = (
    b"7z\xbc\xaf'\x1c",
    b"Rar!\x1a\x07",
    b"MSCF\0\0\0\0",
    b"(\xb5/\xfd",
    b'\x04"M\x18',
    b"\x1f\x9d",
    b"\x1f\xa0",
)
FOREIGN_BYTES = max(map(len, _FOREIGN))


class Damage(Enum):
    """What it says of a file that something in it cannot be unpacked to its end."""

    TELLS = "its header is no accident: something stays unseen"
    LATE_TELLS = "it may have been an accident, unless much of it could be unpacked"
    TELLS_NOTHING = "viewers show as much of it as was seen here"


class Cut(Exception):
    """A header that goes on behind the bytes at hand."""


class Damaged(Exception):
    """What looked packed cannot be unpacked."""


class Decoder:
    """Unpacks one member, at most `STEP_BYTES` at a time: feed with `step`, and with nothing until it `needs_input`."""

    def __init__(self, decompressor: "zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor") -> None:
        self._decompressor = decompressor
        self._tail = b""
        self.needs_input = True

    @property
    def rest(self) -> bytes | None:
        """What came after the member's end; None before it."""
        return self._decompressor.unused_data if self._decompressor.eof else None

    def step(self, data: bytes) -> bytes:
        """The next unpacked bytes. Raises Damaged."""
        try:
            out = self._decompressor.decompress(self._tail + data, STEP_BYTES)
        except _DAMAGE as error:
            raise Damaged from error
        if isinstance(self._decompressor, (bz2.BZ2Decompressor, lzma.LZMADecompressor)):
            self.needs_input = self._decompressor.needs_input
        else:
            self._tail = self._decompressor.unconsumed_tail
            self.needs_input = not self._tail and len(out) < STEP_BYTES
        return out


@dataclass(frozen=True, slots=True)
class Member:
    """Something packed: where its content starts in the buffer, and what unpacks it.

    `stored_bytes` are there as they are, and may be packed as well. `doubt` says why it cannot be unpacked,
    `needs_help` that another engine might do it.
    """

    start: int
    decoder: Decoder | None = None
    stored_bytes: int = 0
    damage: Damage = Damage.TELLS
    doubt: str | None = None
    needs_help: bool = False


@cache
def _marks() -> yara_x.Rules:
    return yara_x.compile(_MARKS)


def candidates(data: bytes) -> list[tuple[int, str]]:
    """Where something packed may begin, in order, and what it would be."""
    matching = yara_x.Scanner(_marks()).scan(data).matching_rules
    return sorted(
        (match.offset, pattern.identifier)
        for rule in matching
        for pattern in rule.patterns
        for match in pattern.matches
    )


def member_at(data: bytes, place: int, kind: str, *, at_start: bool, at_end: bool) -> Member | None:
    """The member that begins there; None where it is none. Raises Cut where more bytes are needed to tell.

    `at_start` says that nothing came before it, `at_end` that no more bytes will come.
    """
    try:
        return _READERS[kind](data, place, at_start)
    except Cut:
        if at_end:
            return None
        raise


def is_foreign(head: bytes) -> bool:
    """Whether a file that begins so is an archive of a kind that is not unpacked here."""
    return head.startswith(_FOREIGN)


def _zip(data: bytes, place: int, _at_start: bool) -> Member | None:
    if len(data) - place < _LOCAL_HEADER.size:
        raise Cut
    flags, method, packed_bytes, name_bytes, extra_bytes = _LOCAL_HEADER.unpack_from(data, place)
    start = place + _LOCAL_HEADER.size + name_bytes + extra_bytes
    if start > len(data):
        raise Cut
    is_known = method in _ZIP_METHODS  # else it is noise
    if is_known and (doubtful := _doubtful(start, flags, method)) is not None:
        return doubtful
    if method in _METHODS:
        return Member(start, _METHODS[method]())
    # The directory may say that it is deflated all the same, and most programs go by that.
    has_size = is_known and not flags & _SIZE_FOLLOWS and packed_bytes != _SIZE_ELSEWHERE
    maybe = _METHODS[_DEFLATED]()
    return Member(start, maybe, stored_bytes=packed_bytes if has_size else 0, damage=Damage.TELLS_NOTHING)


def _directory(data: bytes, place: int, _at_start: bool) -> Member | None:
    """An entry of a zip's directory. Most programs go by it and not by what stands before the content, so what it says
    of an entry that cannot be opened counts too.
    """
    if len(data) - place < _DIRECTORY_ENTRY.size:
        raise Cut
    flags, method = _DIRECTORY_ENTRY.unpack_from(data, place)
    return _doubtful(place + _DIRECTORY_ENTRY.size, flags, method) if method in _ZIP_METHODS else None


def _doubtful(start: int, flags: int, method: int) -> Member | None:
    """An entry of a zip whose content is not seen; None for the others."""
    if flags & _ENCRYPTED:
        return Member(start, doubt="It holds encrypted files.")
    if method != _STORED and method not in _METHODS:
        return Member(start, doubt="It holds files that are packed in a rare way.", needs_help=True)
    return None


def _gzip(_data: bytes, place: int, at_start: bool) -> Member:
    return Member(place, Decoder(zlib.decompressobj(wbits=31)), damage=_damage(at_start))


def _bzip2(_data: bytes, place: int, at_start: bool) -> Member:
    return Member(place, Decoder(bz2.BZ2Decompressor()), damage=_damage(at_start))


def _xz(_data: bytes, place: int, at_start: bool) -> Member:
    return Member(place, _xz_decoder(), damage=_damage(at_start))


def _pdf(data: bytes, place: int, _at_start: bool) -> Member:
    start = data.index(b"\nx", place) + 3  # behind zlib's own header: its checksum is wrong in many a good PDF
    return Member(start, Decoder(zlib.decompressobj(wbits=-15)), damage=Damage.TELLS_NOTHING)


def _xz_decoder() -> Decoder:
    return Decoder(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=128 << 20))


def _damage(at_start: bool) -> Damage:
    return Damage.TELLS if at_start else Damage.LATE_TELLS


_READERS: dict[str, Callable[[bytes, int, bool], Member | None]] = {
    "$zip": _zip,
    "$directory": _directory,
    "$gzip": _gzip,
    "$bzip2": _bzip2,
    "$xz": _xz,
    "$pdf": _pdf,
}
_METHODS: dict[int, Callable[[], Decoder]] = {
    _DEFLATED: lambda: Decoder(zlib.decompressobj(wbits=-15)),
    _BZIPPED: lambda: Decoder(bz2.BZ2Decompressor()),
    _XZIPPED: _xz_decoder,
}
