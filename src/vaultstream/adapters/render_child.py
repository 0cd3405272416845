"""The program that draws one untrusted file: it gives up its rights, reads the file, answers, and ends.

Run by `renderer.py` as `python -I -m vaultstream.adapters.render_child MEMORY CPU WALL` (bytes, seconds, seconds).
It says READY, reads `u8 kind | u64 size`, says READY, reads those bytes and writes one answer (`renderings.py`).
"""

import math
import os
import resource
import signal
import struct
import sys

import pypdfium2
import pyvips

from vaultstream.renderings import (
    THUMBNAIL_EDGES_PX,
    TOO_COSTLY,
    RenderedImage,
    RenderFailed,
    Rendering,
    SourceKind,
    Unsupported,
    packed,
)

READY = b"R"
REQUEST = struct.Struct("!BQ")
MAX_SOURCE_PIXELS = 100_000_000

_NOBODY = 65534
_PDF_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD
_LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif")
_SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height


def main() -> None:
    """Draw the one file on standard input."""
    memory_bytes, cpu_seconds, wall_seconds = map(int, sys.argv[1:4])
    confine(memory_bytes, cpu_seconds)
    os.write(1, READY)
    request = sys.stdin.buffer.read(REQUEST.size)
    if len(request) < REQUEST.size:
        return  # never used, or the parent is gone
    os.write(1, READY)
    kind, size_bytes = REQUEST.unpack(request)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)  # ends this process even where the parent is gone
    sys.stdout.buffer.write(packed(answer_to(sys.stdin.buffer.read(size_bytes), SourceKind(kind))))


def confine(memory_bytes: int, cpu_seconds: int) -> None:
    """Give up what drawing does not need, so that a file which takes over this process gains little.

    Nothing can be written to a disk, not even a core dump. RLIMIT_NPROC stays: it counts all processes of a user.
    """
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
    pyvips.cache_set_max(0)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    limits = {
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CPU: (cpu_seconds, cpu_seconds + 1),  # SIGXCPU first, which tells the parent why
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (16, 16),
    }
    for name, limit in limits.items():
        resource.setrlimit(name, limit)


def answer_to(source: bytes, kind: SourceKind) -> Rendering | Unsupported | RenderFailed:
    """The rendering, or why there is none."""
    try:
        return render_pdf(source) if kind is SourceKind.PDF else render_picture(source)
    except (Unsupported, RenderFailed) as refusal:
        return refusal
    except pyvips.Error:
        return RenderFailed("This picture is damaged or incomplete.")
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PDF_WRONG_PASSWORD:
            return Unsupported("This PDF asks for a password.")
        return RenderFailed("This PDF is damaged.")
    except MemoryError:
        return RenderFailed(TOO_COSTLY)


def render_picture(source: bytes) -> Rendering:
    """The first picture of a raster file, upright, in sRGB; its size is judged before a pixel is decoded."""
    header = pyvips.Image.new_from_buffer(source, "", access="sequential")
    if header.width * header.height > MAX_SOURCE_PIXELS:
        raise RenderFailed(f"This picture has more than {MAX_SOURCE_PIXELS // 1_000_000} million pixels.")
    fields = header.get_fields()
    size = (header.width, header.height)
    if "orientation" in fields and header.get("orientation") in _SIDEWAYS:
        size = (header.height, header.width)
    # Colour management takes 100 ms, so it is left out where it would change nothing.
    managed = "icc-profile-data" in fields or header.interpretation == "cmyk"
    profile = {"output_profile": "srgb"} if managed else {}
    # `fail_on` goes to the loader as an option: thumbnail's own argument of that name has no effect in 8.18.
    edge_px = THUMBNAIL_EDGES_PX[-1]
    largest = pyvips.Image.thumbnail_buffer(
        source, edge_px, height=edge_px, size="down", option_string="[fail_on=truncated]", **profile
    )
    return Rendering(series(largest), *size)


def render_pdf(source: bytes) -> Rendering:
    """The first page with its form fields, on white. No script runs: this PDFium is built without an engine."""
    document = pypdfium2.PdfDocument(source)
    if len(document) == 0:
        raise RenderFailed("This PDF has no pages.")
    document.init_forms()
    page = document[0]
    width, height = page.get_size()
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise RenderFailed("This PDF's first page has no size.")
    scale = THUMBNAIL_EDGES_PX[-1] / math.ceil(max(width, height))
    bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=True)
    drawn = pyvips.Image.new_from_memory(bytes(bitmap.buffer), bitmap.width, bitmap.height, 4, "uchar")
    opaque = drawn.extract_band(0, n=3).copy(interpretation="srgb")
    return Rendering(series(opaque), math.ceil(width), math.ceil(height))


def series(largest: pyvips.Image) -> tuple[RenderedImage, ...]:
    """One picture per edge, up to the first edge that the source itself does not exceed."""
    pixels = largest.copy_memory()  # decoded once, for all of them
    images: list[RenderedImage] = []
    for edge_px in THUMBNAIL_EDGES_PX:
        small = pixels.thumbnail_image(edge_px, height=edge_px, size="down")
        # Effort 2 of 6: a third of the time of the default, for files a few per cent larger.
        data = small.webpsave_buffer(Q=80, effort=2, keep="none")
        images.append(RenderedImage(small.width, small.height, edge_px, bytes(data)))
        if max(pixels.width, pixels.height) <= edge_px:
            break
    return tuple(images)


if __name__ == "__main__":
    main()
