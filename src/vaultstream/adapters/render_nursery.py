"""The process that draws: it loads every library once, then forks a confined child for each file, which ends with it.

Run by `renderer_process.py` as `python -I -m vaultstream.adapters.render_nursery MEMORY CPU WALL` (bytes, seconds,
seconds) with a socket of packets as standard input. It says READY. Each packet then brings two sockets: the wire, which
only the child reads and writes, and the lease. When the lease is let go the child is killed; when the child has ended,
the lease tells its wait status. So this process never holds a byte of any file. It runs no thread: a fork lacks them.
"""

import gc
import io
import os
import resource
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from vaultstream.adapters import render_child, render_child_media
from vaultstream.adapters.render_confined import READY, Source, serve
from vaultstream.renderings import Rendering, SourceKind

_FILES_MAX = 256
_STATUS = struct.Struct("!i")


def main() -> None:
    """Fork until the other side lets go."""
    memory_bytes, cpu_seconds, wall_seconds = map(int, sys.argv[-3:])
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES_MAX, _FILES_MAX))
    gc.freeze()  # what is loaded stays as it is: a collection in a child would only copy its pages
    control = socket.socket(fileno=0)
    control.send(READY)
    Nursery(control, partial(serve, draw, memory_bytes, cpu_seconds, wall_seconds)).run()


def draw(source: Source, kind: SourceKind) -> Rendering:
    """The rendering of a file of that kind."""
    if not isinstance(source, bytes):
        return render_child_media.render_recording(source)
    if kind is SourceKind.RECORDING:
        return render_child_media.render_recording(io.BytesIO(source))
    if kind is SourceKind.HEIC:
        return render_child_media.render_heic(source)
    return render_child.draw(source, kind)


class Nursery:
    """The children that are drawing, by their process ids, each with the lease it lives by and a handle on it."""

    def __init__(self, control: socket.socket, live: Callable[[socket.socket], None]) -> None:
        self._control: socket.socket | None = control
        self._live = live
        self._children: dict[int, tuple[socket.socket, int]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, partial(self._take, control))

    def run(self) -> None:
        """Go on while there is anybody to serve."""
        while self._control is not None or self._children:
            for key, _ in self._selector.select():
                key.data()

    def _take(self, control: socket.socket) -> None:
        packet, sockets, _, _ = socket.recv_fds(control, 1, 2)
        if not packet:
            self._selector.unregister(control)
            self._control = None
            return
        with socket.socket(fileno=sockets[0]) as wire, socket.socket(fileno=sockets[1]) as lease:
            child = os.fork()
            if child == 0:
                self._be_born(wire)
            os.setpgid(child, child)  # so that whatever it starts can be killed with it
            self._watch(child, lease.dup())

    def _be_born(self, wire: socket.socket) -> NoReturn:
        """Live as the child, with nothing open but the wire, and never return."""
        try:
            os.dup2(wire.fileno(), 0)
            os.closerange(3, _FILES_MAX)
            self._live(socket.socket(fileno=0))
        finally:
            os._exit(0)

    def _watch(self, child: int, lease: socket.socket) -> None:
        handle = os.pidfd_open(child)
        self._children[child] = lease, handle
        self._selector.register(lease, selectors.EVENT_READ, partial(self._let_go, child))
        self._selector.register(handle, selectors.EVENT_READ, partial(self._bury, child))

    def _let_go(self, child: int) -> None:
        if child in self._children:
            self._selector.unregister(self._children[child][0])
            os.killpg(child, signal.SIGKILL)

    def _bury(self, child: int) -> None:
        """Kill what it started, then tell of its end; its number is nobody else's until it is waited for."""
        lease, handle = self._children.pop(child)
        with suppress(KeyError):  # let go before
            self._selector.unregister(lease)
        self._selector.unregister(handle)
        os.close(handle)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        with lease, suppress(OSError):  # nobody may be there to be told
            lease.send(_STATUS.pack(status))


if __name__ == "__main__":
    main()
