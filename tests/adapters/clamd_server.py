"""A small clamd: its protocol over real sockets, one signature, and the ways it fails."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "ClamAV 1.4.3/27815/Sat Nov  8 09:44:37 2025"
MARK = b"CLAMD-KNOWS-THIS"
FOUND = "Test.Mark.UNOFFICIAL"


@dataclass
class ClamdServer:
    """What the server does with an INSTREAM, and what it has received."""

    reply: bytes | None = None  # instead of a verdict
    limit_bytes: int = 1 << 30
    cut_after_bytes: int | None = None
    last_words: bytes | None = None  # when it cuts
    silent: bool = False
    stop_reading: bool = False
    ponders: bool = False  # takes it all and never answers
    url: str = ""
    received: list[bytes] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # to get a file
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            command = await reader.readuntil(b"\0")
            answer = await self._answer(command, reader)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.ended.set()
            writer.close()

    async def _answer(self, command: bytes, reader: asyncio.StreamReader) -> bytes | None:
        if self.silent:
            await reader.read()
            return None
        if command == b"zPING\0":
            return self.reply or b"PONG\0"
        if command == b"zVERSION\0":
            return VERSION.encode() + b"\0"
        return await self._instream(reader)

    async def _instream(self, reader: asyncio.StreamReader) -> bytes | None:
        body = bytearray()
        while size_bytes := struct.unpack("!I", await reader.readexactly(4))[0]:
            self.begun.set()
            if self.stop_reading:
                await asyncio.Event().wait()
            if len(body) + size_bytes > self.limit_bytes:
                return b"INSTREAM size limit exceeded. ERROR\0"
            body += await reader.readexactly(size_bytes)
            if self.cut_after_bytes is not None and len(body) > self.cut_after_bytes:
                return self.last_words
        self.received.append(bytes(body))
        if self.ponders:
            await asyncio.Event().wait()
        verdict = f"{FOUND} FOUND" if MARK in body else "OK"
        return self.reply if self.reply is not None else f"stream: {verdict}\0".encode()


@asynccontextmanager
async def running(server: ClamdServer, path: Path | None = None) -> AsyncIterator[ClamdServer]:
    """The server on a free port of the loopback, or on a Unix socket at `path`."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(server.serve(reader, writer))
        tasks.add(task)

    if path is not None:
        listener = await asyncio.start_unix_server(accept, path)
        server.url = f"unix://{path}"
    else:
        listener = await asyncio.start_server(accept, "127.0.0.1", 0)
        server.url = f"tcp://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
