"""What every child that draws one untrusted file does: it gives up its rights, reads the file, answers, and ends.

Forked by `render_nursery.py`. It says READY, reads `u8 kind | u64 size` and those bytes, and writes one answer
(`renderings.py`). Of a long recording it gets no bytes but those it asks for.
"""

import ctypes
import io
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable

import pyvips

from vaultstream.renderings import (
    ASKED,
    ASKED_BYTES,
    ASKS,
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
_LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Tiff", "Heif", "Svg")
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of linux/prctl.h
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET of linux/sched.h

Source = bytes | io.BufferedReader
Draw = Callable[[Source, SourceKind], Rendering]


class Ranges(io.RawIOBase):
    """A file that stays with the parent, and is read by asking for ranges of it."""

    def __init__(self, wire: socket.socket, given: io.BufferedReader, size_bytes: int) -> None:
        self._wire, self._given, self._size_bytes, self._at = wire, given, size_bytes, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, from the start, from here or from the end."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size_bytes}[whence])
        return self._at

    def readinto(self, into: bytearray | memoryview) -> int:  # type: ignore[override]  # as BufferedReader calls it
        """Fill what is given, or less; nothing at the end. OSError where the parent gives no more."""
        length = min(len(into), ASKED_BYTES, self._size_bytes - self._at)
        if length <= 0:
            return 0
        self._wire.sendall(ASKS + ASKED.pack(self._at, length))
        given = self._given.read(length)
        if len(given) != length:
            raise OSError("there is no more to be had")
        into[:length] = given
        self._at += length
        return length


def serve(draw: Draw, memory_bytes: int, cpu_seconds: int, wall_seconds: int, wire: socket.socket) -> None:
    """Draw the one file that comes over the wire."""
    confine(memory_bytes, cpu_seconds)
    wire.sendall(READY)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)  # ends this process even where nobody waits for it
    with wire.makefile("rb") as given:
        number, size_bytes = REQUEST.unpack(given.read(REQUEST.size))
        kind = SourceKind(number)
        if kind is SourceKind.LONG_RECORDING:
            source: Source = io.BufferedReader(Ranges(wire, given, size_bytes), ASKED_BYTES)
        else:
            source = given.read(size_bytes)
        wire.sendall(packed(_answer(draw, source, kind)))


def confine(memory_bytes: int, cpu_seconds: int) -> None:
    """Give up what drawing does not need, so that a file which takes over this process gains little.

    Nothing can be written to a disk, not even a core dump. RLIMIT_NPROC stays: it counts all processes of a user.
    """
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
    pyvips.cache_set_max(0)
    _leave_network()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)  # a change of user would have struck it off
    limits = {
        resource.RLIMIT_AS: (memory_bytes, memory_bytes),
        resource.RLIMIT_CPU: (cpu_seconds, cpu_seconds + 1),  # SIGXCPU first, which tells the parent why
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (16, 16),
    }
    for name, limit in limits.items():
        resource.setrlimit(name, limit)


def _leave_network() -> None:
    """Go where there is no network, if the kernel lets us; the loaders ask for none, so this is a second wall."""
    flags = _NEW_NET if os.geteuid() == 0 else _NEW_USER | _NEW_NET
    ctypes.CDLL(None).unshare(flags)


def _answer(draw: Draw, source: Source, kind: SourceKind) -> Rendering | Unsupported | RenderFailed:
    """The rendering, or why there is none."""
    try:
        return draw(source, kind)
    except (Unsupported, RenderFailed) as refusal:
        return refusal
    except pyvips.Error:
        return RenderFailed("This picture is damaged or incomplete.")
    except MemoryError:
        return RenderFailed(TOO_COSTLY)


def refuse_giants(width: int, height: int) -> None:
    """Raise RenderFailed for a picture whose pixels would take too much, before one is decoded."""
    if width * height > MAX_SOURCE_PIXELS:
        raise RenderFailed(f"This picture has more than {MAX_SOURCE_PIXELS // 1_000_000} million pixels.")


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
