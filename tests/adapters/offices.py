"""Office documents made by code, and programs that stand in for LibreOffice."""

import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.adapters import corpus

MISSING = "LibreOffice is not installed"
RICH_TEXT = b"{\\rtf1 Hello}"
PDF = corpus.pdf(b"1 0 0 rg 0 0 100 100 re f 0 0 1 rg 100 0 100 100 re f")
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_OPEN = "urn:oasis:names:tc:opendocument:xmlns"
_SPACES = " ".join(
    f'xmlns:{short}="{_OPEN}:{full}:1.0"'
    for short, full in {
        "office": "office",
        "draw": "drawing",
        "text": "text",
        "table": "table",
        "svg": "svg-compatible",
        "script": "script",
    }.items()
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument"
_WORDS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_CELLS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def is_installed() -> bool:
    """Whether the real thing is there."""
    return shutil.which("soffice") is not None


@contextmanager
def stand_in(script: str) -> Iterator[Path]:
    """The folder of a `program/soffice.bin` that runs this in bash; in it PDF is a picture of two halves.

    It is open to everybody, for root's is run by nobody.
    """
    with tempfile.TemporaryDirectory(prefix="office-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "halves.pdf").write_bytes(PDF)
        (folder / "program").mkdir()
        (folder / "program" / "soffice").touch(mode=0o755)
        program = folder / "program" / "soffice.bin"
        program.write_text(f"#!/bin/bash\nPDF={folder}/halves.pdf\n{script}\n")
        program.chmod(0o755)
        yield folder


def package(parts: dict[str, str | bytes]) -> bytes:
    """A zip, its first part stored as OpenDocument wants its first."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for number, (name, part) in enumerate(parts.items()):
            zipped.writestr(name, part, zipfile.ZIP_DEFLATED if number else zipfile.ZIP_STORED)
    return out.getvalue()


def open_document(kind: str, body: str, scripts: str = "", **more: str) -> bytes:
    """An OpenDocument with this in its body, and more parts; `kind` is text, spreadsheet or presentation."""
    content = (
        f'{_XML}<office:document-content {_SPACES} xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.2">'
        f"{scripts}<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    media = f"application/vnd.oasis.opendocument.{kind}"
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'
    entries = entry.format("/", media) + "".join(entry.format(part, "text/xml") for part in ("content.xml", *more))
    manifest = f'{_XML}<manifest:manifest xmlns:manifest="{_OPEN}:manifest:1.0">{entries}</manifest:manifest>'
    return package({"mimetype": media, "META-INF/manifest.xml": manifest, "content.xml": content, **more})


def office_package(main: str, type_: str, parts: dict[str, str]) -> bytes:
    """An Office Open XML package whose main part is of that type."""
    content_types = (
        f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{_TYPE}.{type_}.main+xml"/></Types>'
    )
    return package({"[Content_Types].xml": content_types, "_rels/.rels": _related(main, "officeDocument"), **parts})


def _related(target: str, kind: str) -> str:
    return (
        f'{_XML}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/></Relationships>'
    )


def docx(pages: int = 1) -> bytes:
    """A letter of so many pages of some 500 words; each names its number."""
    filling = "The quick brown fox jumps over the lazy dog. " * 60
    broken = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
    body = broken.join(f"<w:p><w:r><w:t>Page {page}: {filling}</w:t></w:r></w:p>" for page in range(1, pages + 1))
    document = f"{_XML}<w:document {_WORDS}><w:body>{body}</w:body></w:document>"
    return office_package("word/document.xml", "wordprocessingml.document", {"word/document.xml": document})


def xlsx(rows: int = 3) -> bytes:
    """A sheet of numbers."""
    cells = "".join(f'<row r="{row}"><c r="A{row}"><v>{row}</v></c></row>' for row in range(1, rows + 1))
    book = f'{_XML}<workbook {_CELLS} xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>'
    return office_package(
        "xl/workbook.xml",
        "spreadsheetml.sheet",
        {
            "xl/workbook.xml": book + "</workbook>",
            "xl/_rels/workbook.xml.rels": _related("worksheets/sheet1.xml", "worksheet"),
            "xl/worksheets/sheet1.xml": f"{_XML}<worksheet {_CELLS}><sheetData>{cells}</sheetData></worksheet>",
        },
    )


def odp() -> bytes:
    """Two slides."""
    frame = (
        '<draw:frame svg:x="2cm" svg:y="2cm" svg:width="15cm" svg:height="4cm"><draw:text-box><text:p>Hello</text:p>'
    )
    slide = f"{frame}</draw:text-box></draw:frame>"
    return open_document("presentation", f'<draw:page draw:name="a">{slide}</draw:page><draw:page draw:name="b"/>')


def compound_file(class_id: bytes = bytes(16), *streams: str, sector_bytes: int = 512) -> bytes:
    """What Office before 2007 begins with: a header, a directory with a root of that class and these streams."""
    header = corpus.OLE + bytes(22) + (sector_bytes.bit_length() - 1).to_bytes(2, "little") + bytes(16)
    header += (1).to_bytes(4, "little")  # the directory's first sector, after one of nothing
    entries = [corpus.wide("Root Entry").ljust(80, b"\0") + class_id, *map(corpus.wide, streams)]
    directory = b"".join(entry.ljust(128, b"\0") for entry in entries)
    return header.ljust(2 * sector_bytes, b"\0") + directory.ljust(sector_bytes, b"\0")


def walls_are_allowed() -> bool:
    """Whether this kernel lets this user have namespaces of his own, with what it takes to mount in them."""
    tried = ["unshare", "-Urmpn", "--fork", "mount", "-t", "tmpfs", "none", "/proc"]
    return (
        shutil.which("unshare") is not None and subprocess.run(tried, capture_output=True, check=False).returncode == 0
    )
