"""Files made by code: pictures and PDFs to draw, harmless likenesses of malware to find."""

import struct
import zlib
from typing import Any

import pyvips

RED, BLUE = (255, 0, 0), (0, 0, 255)

# By parts, so that no scanner takes this source for the test file.
EICAR = b"".join([b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$", b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-", b"FILE!$H+H*"])

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
LNK = b"L\x00\x00\x00\x01\x14\x02\x00"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"


def picture(width: int = 400, height: int = 300, *, bands: int = 3) -> Any:  # Any: pyvips has no types
    """Left half red, right half blue; with a fourth band, fully opaque."""
    alpha = [255] * (bands - 3)
    left = pyvips.Image.black(width // 2, height).new_from_image([*RED, *alpha])
    right = pyvips.Image.black(width - width // 2, height).new_from_image([*BLUE, *alpha])
    return left.join(right, "horizontal").cast("uchar").copy(interpretation="srgb")


def encoded(image: Any, kind: str, **options: object) -> bytes:  # Any: pyvips has no types
    """The picture as a file of that kind: jpeg, png, webp, gif, tiff or avif."""
    if kind == "avif":
        return bytes(image.heifsave_buffer(compression="av1", **options))
    return bytes(getattr(image, f"{kind}save_buffer")(**options))


def with_exif(image: Any, orientation: int) -> Any:  # Any: pyvips has no types
    """The picture as a phone writes it: an orientation, and where it was taken."""
    marked = image.copy()
    marked.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    marked.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "PhoneMaker")
    marked.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "48/1 51/1 30/1")
    return marked


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one row of nothing."""
    ihdr = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", ihdr), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, body) for name, body in chunks)


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + name + body + struct.pack("!I", zlib.crc32(name + body))


def pdf(content: bytes, *, media_box: str = "0 0 200 100", more: tuple[bytes, ...] = (), trailer: str = "") -> bytes:
    """A one-page PDF with that content stream; the page knows `more`, objects from number 5 on, as X5, X6..."""
    names = " ".join(f"/X{number} {number} 0 R" for number in range(5, 5 + len(more)))
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [{media_box}] /Contents 4 0 R"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"{page} /Resources << /XObject << {names} >> >> >>".encode(),
        stream("", content),
        *more,
    ]
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    start, count = len(out), len(objects) + 1
    out += f"xref\n0 {count}\n0000000000 65535 f \n{table}".encode()
    out += f"trailer\n<< /Size {count} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def stream(dictionary: str, content: bytes) -> bytes:
    """A PDF stream object's body."""
    return f"<< {dictionary} /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def endless_pdf() -> bytes:
    """A few kB that take ages to draw: each of nine forms draws the next one twenty times."""
    forms = []
    for number in range(5, 14):
        box = "/Type /XObject /Subtype /Form /BBox [0 0 200 100]"
        resources = f"/Resources << /XObject << /X{number + 1} {number + 1} 0 R >> >>" if number < 13 else ""
        draws = f"/X{number + 1} Do ".encode() * 20 if number < 13 else b"0 0 m 200 100 l S"
        forms.append(stream(f"{box} {resources}", draws))
    return pdf(b"/X5 Do", more=tuple(forms))


def wide(text: str) -> bytes:
    """The text as Windows stores it."""
    return text.encode("utf-16-le")


def likenesses() -> dict[str, bytes]:
    """For each family of the packaged rules, the shortest file that has its marks. Nothing here runs anywhere."""
    request = b"$_" + b"POST['c']"
    objdata = b"4571756174696f6e" + b"2e33"
    return {
        "EICAR.TestFile": EICAR,
        "PHP.Webshell": b"<?php\n@ev" + b"al(base64_decode(" + request + b"));",
        "JSP.Webshell": b"<%@ import='x' %><% Runtime.getRuntime().ex" + b'ec(request.getParameter("c")); %>',
        "ASP.Webshell": b"<% ev" + b'al request("c") %>',
        "Polyglot.ImagePHP": JPEG + bytes(40) + b"<?php sys" + b"tem($argv[1]); ?>",
        "Polyglot.ImageServerPage": GIF + b"<%@ Page Lang" + b'uage="C#" %>',
        "Polyglot.GifScript": b"GIF89a/*" + bytes(30) + b"*/=1;ale" + b"rt(1)",
        "Office.MacroDropper": OLE
        + wide("_VBA_" + "PROJECT")
        + b" AutoOpen URLDownload"
        + b"ToFileA WScript.Sh"
        + b"ell ",
        "Exploit.RTFEquation": b"{\\rtf1{\\object\\objupdate{\\*\\objdata 0105" + objdata + b"}}}",
        "PDF.LaunchShell": b"%PDF-1.4\n<< /S /Lau" + b"nch /Win << /F (cmd.exe) >> >>",
        "LNK.Downloader": LNK + bytes(60) + wide("powersh" + "ell -c IEX x.Download" + "String('u')"),
    }
