"""Draws HEIC pictures, a film's poster and a recording's cover."""

from collections.abc import Iterator
from typing import BinaryIO

import av
import pillow_heif
import pyvips

from vaultstream.adapters.render_confined import refuse_giants, series
from vaultstream.renderings import SNIFF_BYTES, RenderFailed, Rendering, Unsupported, recording_format

_POSTER_PART = 10  # the poster is the first whole picture after a tenth of the film
_LEAST_PACKETS = 2000  # that are looked through for it


def render_heic(source: bytes) -> Rendering:
    """The picture that the file names as its first, upright."""
    try:
        picture = pillow_heif.open_heif(source, convert_hdr_to_8bit=True)
        refuse_giants(*picture.size)
        pixels = bytes(picture.data)
    except (ValueError, EOFError, RuntimeError, OSError):
        raise RenderFailed("This picture is damaged or incomplete.") from None
    width, height = picture.size
    image = _of_rows(pixels, width, height, len(picture.mode), picture.stride)
    return Rendering(series(image), width, height)


def render_recording(source: BinaryIO) -> Rendering:
    """A film's poster or a song's cover.

    What keeps the recording is named and not guessed, since FFmpeg knows formats that open other files.
    """
    try:
        head = source.read(SNIFF_BYTES)
        source.seek(0)
        with av.open(source, "r", format=recording_format(head)) as recording:
            if not recording.streams.video:
                raise Unsupported("This recording has no picture.")
            frame = next(_posters(recording, recording.streams.video[0]), None)
            if frame is None:
                raise RenderFailed("No picture of this film can be read.")
            return _drawn(frame)
    except (av.FFmpegError, ValueError):
        raise RenderFailed("This recording is damaged or incomplete.") from None


def _posters(recording: "av.container.InputContainer", film: "av.VideoStream") -> Iterator["av.VideoFrame"]:
    refuse_giants(film.codec_context.width, film.codec_context.height)
    film.codec_context.thread_count = 1
    if recording.duration:
        recording.seek(recording.duration // _POSTER_PART)
    for number, packet in enumerate(recording.demux(film)):
        if number > _LEAST_PACKETS:
            return
        yield from packet.decode()


def _drawn(frame: "av.VideoFrame") -> Rendering:
    refuse_giants(frame.width, frame.height)
    plane = frame.reformat(format="rgb24").planes[0]
    image = _of_rows(bytes(plane), frame.width, frame.height, 3, plane.line_size)
    upright = image.rot(f"d{-frame.rotation % 360}") if frame.rotation % 90 == 0 and frame.rotation else image
    return Rendering(series(upright), upright.width, upright.height)


def _of_rows(pixels: bytes, width: int, height: int, bands: int, stride_bytes: int) -> pyvips.Image:
    """A picture of rows that may each end in some bytes of nothing."""
    if stride_bytes != width * bands:
        rows = memoryview(pixels)
        pixels = b"".join(rows[row * stride_bytes : row * stride_bytes + width * bands] for row in range(height))
    image = pyvips.Image.new_from_memory(pixels, width, height, bands, "uchar")
    return image.copy(interpretation="b-w" if bands < 3 else "srgb")
