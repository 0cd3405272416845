"""Files of the kinds that are not pictures: films, songs, documents, HEIC, all made by code."""

import io
import math
import zipfile
from array import array

import av
import pillow_heif
import pyvips

from tests.adapters import corpus


def heic(width: int = 400, height: int = 300) -> bytes:
    """A picture as a phone keeps it, with where it was taken."""
    image = corpus.picture(width, height)
    file = pillow_heif.from_bytes("RGB", (width, height), bytes(image.write_to_memory()))
    exif = corpus.encoded(corpus.with_exif(image, 1), "jpeg")
    out = io.BytesIO()
    file.save(out, quality=90, exif=exif[exif.index(b"Exif\0\0") : exif.index(b"Exif\0\0") + 400])
    return out.getvalue()


def film(kind: str = "mp4", width: int = 400, height: int = 300, *, frames: int = 30, rotation: int = 0) -> bytes:
    """Some seconds of film, left half red, right half blue; `kind` is mp4, matroska, avi or asf."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as film:
        stream = film.add_stream("mpeg4" if kind != "matroska" else "libvpx-vp9", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        film.metadata["location"] = "+48.8584+002.2945/"
        frame = av.VideoFrame(width, height, "rgb24")
        pixels = bytes(corpus.picture(width, height).write_to_memory())
        line_bytes = frame.planes[0].line_size
        rows = (pixels[row * width * 3 : (row + 1) * width * 3].ljust(line_bytes, b"\0") for row in range(height))
        frame.planes[0].update(b"".join(rows))
        for _ in range(frames):
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return out.getvalue()


def song(kind: str = "mp3", *, cover: bytes | None = None) -> bytes:
    """A second of a tone, with a cover if one is given; `kind` is mp3, flac, ogg or wav."""
    out = io.BytesIO()
    codec = {"mp3": "libmp3lame", "flac": "flac", "ogg": "libopus", "wav": "pcm_s16le"}[kind]
    with av.open(out, "w", format=kind) as song:
        stream = song.add_stream(codec, rate=48000, layout="mono")
        picture = None
        if cover is not None:
            picture = song.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 400, 300, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
        tone = array("h", (int(9000 * math.sin(place / 20)) for place in range(48000)))
        frame = av.AudioFrame("s16", "mono", 48000)
        frame.planes[0].update(tone.tobytes())
        frame.sample_rate = 48000
        if picture is not None:
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts = picture, 0, 0
            song.mux(packet)
        song.mux(stream.encode(frame))
        song.mux(stream.encode(None))
    return out.getvalue()


def office(kind: str, *, cover: bytes | None) -> bytes:
    """A document as LibreOffice ("odt") or Word ("docx") begins it, with or without a picture of itself."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as document:
        if kind == "odt":
            document.writestr("mimetype", "application/vnd.oasis.opendocument.text", zipfile.ZIP_STORED)
            place = "Thumbnails/thumbnail.png"
        else:
            document.writestr("[Content_Types].xml", "<Types/>")
            place = "docProps/thumbnail.jpeg"
        document.writestr("content.xml", "<text>Hello</text>")
        if cover is not None:
            document.writestr(place, cover)
    return out.getvalue()


def svg(inside: str = "", *, head: str = "", size: str = 'width="400" height="300"') -> bytes:
    """A drawing, left half red, right half blue, and then `inside`."""
    halves = '<rect width="200" height="300" fill="red"/><rect x="200" width="200" height="300" fill="blue"/>'
    link = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{head}<svg xmlns="http://www.w3.org/2000/svg" {link} {size}>{halves}{inside}</svg>'.encode()


def png(width: int = 400, height: int = 300) -> bytes:
    """A picture of two halves."""
    return corpus.encoded(corpus.picture(width, height), "png")


def jpeg(width: int = 400, height: int = 300) -> bytes:
    """As `png`."""
    return corpus.encoded(corpus.picture(width, height), "jpeg")


def pixels_of(data: bytes) -> pyvips.Image:
    """A picture's pixels."""
    return pyvips.Image.new_from_buffer(data, "")
