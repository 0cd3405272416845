"""A TCP wire in front of a server that can be cut, slowed or dead, for tests of what survives that."""

import asyncio
import contextlib
import socket
import struct
from types import TracebackType
from typing import Self

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: closing sends a reset
_PIECE_BYTES = 16384


class Wire:
    """Forwards bytes to `host:port`; what goes up and down is counted, and the wire can be cut at a byte.

    async with Wire("127.0.0.1", port) as wire:
        wire.cut_every(up=100_000)     # each 100,000 bytes towards the server, all connections are cut
        wire.cut_after(down=10)        # once, when ten bytes have come back
        wire.cut()                     # now
        wire.refuse(); wire.restore()  # as if nobody listened; as before
        wire.bytes_per_second = 1000   # each way, each connection
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._near: set[asyncio.StreamWriter] = set()
        self._far: set[asyncio.StreamWriter] = set()
        self._refusing = False
        self._left: dict[str, int | None] = {"up": None, "down": None}
        self._again: dict[str, int | None] = {"up": None, "down": None}
        self.bytes_per_second: int | None = None
        self.passed = {"up": 0, "down": 0}
        self.cuts = 0
        self.refused = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for line in list(self._lines):
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The wire's own end, for clients."""
        return f"http://127.0.0.1:{self.port}"

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Cut everything once, when so many more bytes have passed."""
        self._left = {"up": up, "down": down}
        self._again = {"up": None, "down": None}

    def cut_every(self, *, up: int | None = None, down: int | None = None) -> None:
        """Cut everything each time so many more bytes have passed; with nothing given, never again."""
        self._left = {"up": up, "down": down}
        self._again = {"up": up, "down": down}

    def cut(self) -> None:
        """Cut every connection now: clients see a reset, the server the end of what had been sent."""
        self.cuts += bool(self._near)
        for writer in self._near:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        for writer in self._far:
            writer.close()
        self._near.clear()
        self._far.clear()

    def refuse(self) -> None:
        """Cut everything, and every new connection at once."""
        self._refusing = True
        self.cut()

    def restore(self) -> None:
        """Take new connections again."""
        self._refusing = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            self.refused += 1
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        task.add_done_callback(self._lines.discard)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._near.add(writer)
        self._far.add(far_writer)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry("up", reader, far_writer))
                ways.create_task(self._carry("down", far_reader, writer))
        except* OSError:  # a reset of one way is the end of both: else a client might wait for ever
            pass
        finally:
            self._near.discard(writer)
            self._far.discard(far_writer)
            writer.transport.abort()
            far_writer.close()

    async def _carry(self, way: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(_PIECE_BYTES):
            left = self._left[way]
            sink.write(piece if left is None else piece[:left])
            await sink.drain()
            self.passed[way] += len(piece) if left is None else min(left, len(piece))
            if left is not None and len(piece) >= left:
                self._left[way] = self._again[way]
                self.cut()
                return
            if left is not None:
                self._left[way] = left - len(piece)
            if self.bytes_per_second is not None:
                await asyncio.sleep(len(piece) / self.bytes_per_second)
        if sink.can_write_eof():
            sink.write_eof()
