"""The first page of a text, as a PDF: PDFium has Courier built in, so this needs no font of the system."""

import codecs
from encodings import cp1252  # WinAnsiEncoding (ISO 32000-1, annex D); later the disk cannot be read

from vaultstream.renderings import Unsupported

_COLUMNS, _LINES = 100, 65
_TAB = 4
_COURIER = cp1252.Codec()
_FOREIGN_PART = 0.2  # of a page; with more of it in other scripts a page of question marks would say nothing


def page_of(source: bytes) -> bytes:
    """A one-page PDF of the text's beginning. Raises Unsupported for scripts that Courier does not have."""
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(source).removeprefix("\ufeff")
    lines = [piece for line in text.splitlines()[:_LINES] for piece in _wrapped(line)][:_LINES]
    text = "".join(lines)
    foreign = len(text) - len(_COURIER.encode(text, "ignore")[0])
    if foreign > len(text) * _FOREIGN_PART:
        raise Unsupported("No preview is made of text in this script.")
    encoded = [_COURIER.encode(line, "replace")[0] for line in lines]
    return _pdf(b"".join(b"(%s) '\n" % _escaped(line) for line in encoded))


def _wrapped(line: str) -> list[str]:
    clean = "".join(max(letter, " ") for letter in line.expandtabs(_TAB))
    return [clean[start : start + _COLUMNS] for start in range(0, max(1, len(clean)), _COLUMNS)]


def _escaped(line: bytes) -> bytes:
    return line.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _pdf(drawn: bytes) -> bytes:
    content = b"BT /F1 9 Tf 11 TL 36 756 Td\n" + drawn + b"ET"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>"
    fonts = b"/Resources << /Font << /F1 5 0 R >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R %s >>" % fonts
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        font,
    )
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, count = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, start))
