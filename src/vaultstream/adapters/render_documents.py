"""Which of LibreOffice's filters read an Office document and write its PDF, by what it really is.

A filter is always named, for LibreOffice reads what it does not know as text.
"""

import io
import zipfile
import zlib
from dataclasses import dataclass
from encodings import cp437  # noqa: F401  # zipfile asks for it when the disk can no longer be read
from uuid import UUID

from vaultstream.renderings import COMPOUND_FILE, DAMAGED_DOCUMENT, OTHER_KIND, RICH_TEXT, RenderFailed, Unsupported

_PASSWORD = "This document asks for a password."  # noqa: S105  # a sentence
_DAMAGED_OR_LOCKED = "This document is damaged, or asks for a password."
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
_LISTING_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Filters:
    """LibreOffice's names for what reads a document and for what writes its PDF; why it would not be read."""

    reads: str
    writes: str
    refused: str = DAMAGED_DOCUMENT


_RICH_TEXT = Filters("Rich Text Format", "writer_pdf_Export")
_OPEN_DOCUMENTS = {
    "text": Filters("writer8", "writer_pdf_Export"),
    "spreadsheet": Filters("calc8", "calc_pdf_Export"),
    "presentation": Filters("impress8", "impress_pdf_Export"),
    "graphics": Filters("draw8", "draw_pdf_Export"),
}
_PACKAGES = {
    "word": Filters("MS Word 2007 XML", "writer_pdf_Export"),
    "xl": Filters("Calc MS Excel 2007 XML", "calc_pdf_Export"),
    "ppt": Filters("Impress MS PowerPoint 2007 XML", "impress_pdf_Export"),
}
_WORD = Filters("MS Word 97", "writer_pdf_Export", _DAMAGED_OR_LOCKED)
_EXCEL = Filters("MS Excel 97", "calc_pdf_Export", _DAMAGED_OR_LOCKED)
_POWERPOINT = Filters("MS PowerPoint 97", "impress_pdf_Export", _DAMAGED_OR_LOCKED)
# A compound file tells its class; where a program wrote none, a stream that only such files have (MS-DOC, XLS, PPT).
_CLASSES = {
    UUID("00020906-0000-0000-c000-000000000046"): _WORD,
    UUID("00020820-0000-0000-c000-000000000046"): _EXCEL,
    UUID("64818d10-4f9b-11cf-86ea-00aa00b929e8"): _POWERPOINT,
}
_STREAMS = {
    "PowerPoint Document".encode("utf-16-le"): _POWERPOINT,
    "WordDocument".encode("utf-16-le"): _WORD,
    "Workbook".encode("utf-16-le"): _EXCEL,
}
_LOCKED_STREAM = "EncryptedPackage".encode("utf-16-le")


def filters(document: bytes) -> Filters:
    """The filters for a document. Unsupported for other kinds and locked ones, RenderFailed for what is broken."""
    if document.startswith(RICH_TEXT):
        return _RICH_TEXT
    if document.startswith(COMPOUND_FILE):
        return _of_compound_file(document)
    try:
        with zipfile.ZipFile(io.BytesIO(document)) as package:
            return _of_package(package)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError):
        raise RenderFailed(DAMAGED_DOCUMENT) from None


def _of_package(package: zipfile.ZipFile) -> Filters:
    kind = _listing(package, "mimetype").decode("ascii", "replace").strip()
    if b"encryption-data" in _listing(package, "META-INF/manifest.xml"):
        raise Unsupported(_PASSWORD)
    found = _OPEN_DOCUMENTS.get(kind.removeprefix(_OPEN_DOCUMENT).removesuffix("-template"))
    folders = {name.partition("/")[0] for name in package.NameToInfo}
    chosen = found or next((each for folder, each in _PACKAGES.items() if folder in folders), None)
    if chosen is None:
        raise Unsupported(OTHER_KIND)
    return chosen


def _listing(package: zipfile.ZipFile, name: str) -> bytes:
    """The beginning of a part; nothing where there is none."""
    if name not in package.NameToInfo:
        return b""
    with package.open(name) as part:
        return part.read(_LISTING_BYTES_MAX)


def _of_compound_file(document: bytes) -> Filters:
    if _LOCKED_STREAM in document:
        raise Unsupported(_PASSWORD)
    # MS-CFB 2.2 and 2.6: the root is the first entry of the directory, and has its class at byte 80.
    sector_bytes = 1 << min(int.from_bytes(document[30:32], "little"), 12)
    root = (int.from_bytes(document[48:52], "little") + 1) * sector_bytes
    class_id = document[root + 80 : root + 96]
    if len(class_id) != 16:
        raise RenderFailed(DAMAGED_DOCUMENT)
    streams = (each for name, each in _STREAMS.items() if name in document)
    chosen = _CLASSES.get(UUID(bytes_le=class_id)) or next(streams, None)
    if chosen is None:
        raise Unsupported(OTHER_KIND)
    return chosen
