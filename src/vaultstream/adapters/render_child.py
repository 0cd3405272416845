"""Draws pictures, drawings, PDFs, text and the covers of Office documents."""

import io
import math
import zipfile
import zlib
from encodings import cp437  # noqa: F401  # zipfile asks for it when the disk can no longer be read

import pypdfium2
import pyvips

from vaultstream.adapters.render_confined import refuse_giants, series
from vaultstream.adapters.render_text import page_of
from vaultstream.renderings import (
    DAMAGED_DOCUMENT,
    THUMBNAIL_EDGES_PX,
    RenderFailed,
    Rendering,
    SourceKind,
    Unsupported,
)

_EDGE_PX = THUMBNAIL_EDGES_PX[-1]
_PDF_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
_COVERS = ("Thumbnails/thumbnail.png", "docProps/thumbnail.jpeg", "docProps/thumbnail.png")
_COVER_BYTES_MAX = 16 << 20


def draw(source: bytes, kind: SourceKind) -> Rendering:
    """The rendering of a file of that kind."""
    return _DRAWN[kind](source)


def render_picture(source: bytes) -> Rendering:
    """The first picture of a raster file, upright, in sRGB; its size is judged before a pixel is decoded."""
    header = pyvips.Image.new_from_buffer(source, "", access="sequential")
    refuse_giants(header.width, header.height)
    fields = header.get_fields()
    size = (header.width, header.height)
    if "orientation" in fields and header.get("orientation") in _SIDEWAYS:
        size = (header.height, header.width)
    # Colour management takes 100 ms, so it is left out where it would change nothing.
    managed = "icc-profile-data" in fields or header.interpretation == "cmyk"
    profile = {"output_profile": "srgb"} if managed else {}
    # `fail_on` goes to the loader as an option: thumbnail's own argument of that name has no effect in 8.18.
    largest = pyvips.Image.thumbnail_buffer(
        source, _EDGE_PX, height=_EDGE_PX, size="down", option_string="[fail_on=truncated]", **profile
    )
    return Rendering(series(largest), *size)


def render_drawing(source: bytes) -> Rendering:
    """An SVG at the largest size there is. librsvg gets bytes without an address, and so opens nothing but `data:`."""
    header = pyvips.Image.svgload_buffer(source)
    longest = max(header.width, header.height)
    return Rendering(series(pyvips.Image.svgload_buffer(source, scale=_EDGE_PX / longest)), header.width, header.height)


def render_pdf(source: bytes) -> Rendering:
    """The first page with its form fields, on white. No script runs: this PDFium is built without an engine."""
    try:
        document = pypdfium2.PdfDocument(source)
        if len(document) == 0:
            raise RenderFailed("This PDF has no pages.")
        document.init_forms()
        page = document[0]
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PDF_WRONG_PASSWORD:
            raise Unsupported("This PDF asks for a password.") from None
        raise RenderFailed("This PDF is damaged.") from None
    width, height = page.get_size()
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise RenderFailed("This PDF's first page has no size.")
    bitmap = page.render(scale=_EDGE_PX / math.ceil(max(width, height)), rev_byteorder=True, prefer_bgrx=True)
    drawn = pyvips.Image.new_from_memory(bytes(bitmap.buffer), bitmap.width, bitmap.height, 4, "uchar")
    opaque = drawn.extract_band(0, n=3).copy(interpretation="srgb")
    return Rendering(series(opaque), math.ceil(width), math.ceil(height))


def render_text(source: bytes) -> Rendering:
    """The first page."""
    return render_pdf(page_of(source))


def render_office(source: bytes) -> Rendering:
    """The picture of itself that a document carries: OpenDocument always does, Office where its author asked for it."""
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as document:
            for name in _COVERS:
                if name in document.NameToInfo and document.NameToInfo[name].file_size <= _COVER_BYTES_MAX:
                    with document.open(name) as cover:
                        return render_picture(cover.read(_COVER_BYTES_MAX))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError):
        raise RenderFailed(DAMAGED_DOCUMENT) from None
    raise Unsupported("This document carries no preview of itself.")


_DRAWN = {
    SourceKind.PICTURE: render_picture,
    SourceKind.DRAWING: render_drawing,
    SourceKind.PDF: render_pdf,
    SourceKind.TEXT: render_text,
    SourceKind.OFFICE: render_office,
}
