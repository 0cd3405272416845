"""Speaks clamd's INSTREAM protocol over TCP or a Unix socket (ClamAV manual, "clamd protocol")."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from vaultstream.verdict import ScannerUnavailable, ScanOutcome, Verdict, clean, infected, unscannable

# clamd scans no more than its own MaxFileSize and MaxScanSize and calls the rest "OK". These are its defaults'
# lowest; an operator who raises StreamMaxLength, MaxFileSize and MaxScanSize together raises this with them.
CLAMD_LIMIT_BYTES = 100 << 20
TIMEOUT_SECONDS = 60.0

_CHUNK_BYTES = 256 << 10
_LENGTH = struct.Struct("!I")
_TIMEVAL = struct.Struct("@ll")
_PIECES_MAX = 512  # in one call; the kernel takes 1,024
_REPLY_LIMIT_BYTES = 4096
_FIND = re.compile(r"stream: (?P<name>\S+) FOUND")
# Names clamd gives when an Alert... option is on and it gave up, rather than found something.
_GAVE_UP = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")


class HungUp(ScannerUnavailable):
    """clamd closed the connection while we were sending."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """Where a clamd listens: `tcp://host:port` or `unix:///path`. ValueError for any other address."""

    url: str
    timeout_seconds: float = TIMEOUT_SECONDS
    limit_bytes: int = CLAMD_LIMIT_BYTES

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        tcp = parts.scheme == "tcp" and parts.hostname and parts.port
        unix = parts.scheme == "unix" and parts.path and not parts.netloc
        if not (tcp or unix):
            raise ValueError("clamd's address is tcp://host:port or unix:///path")

    async def ping(self) -> None:
        """Return when clamd answers; ScannerUnavailable otherwise."""
        if await self._ask(b"zPING\0") != "PONG":
            raise ScannerUnavailable("clamd answered a ping with something else")

    async def version(self) -> str:
        """Program and signature database, as clamd says it: `ClamAV 1.4.3/27815/Sat Nov 8 09:44:37 2025`."""
        answer = await self._ask(b"zVERSION\0")
        if not answer.startswith("ClamAV "):
            raise ScannerUnavailable("clamd did not tell its version")
        return answer

    @asynccontextmanager
    async def stream(self) -> AsyncIterator["ClamdStream"]:
        """Begin one scan; ScannerUnavailable when clamd does not take it."""
        engine = await self.version()
        async with Connection(self) as connection:
            await connection.send([b"zINSTREAM\0"])
            yield ClamdStream(connection, engine, self.limit_bytes)

    async def _ask(self, command: bytes) -> str:
        async with Connection(self) as connection:
            await connection.send([command])
            return await connection.reply()


class Connection:
    """One connection, closed on leaving the block. Every wait ends in time, with ScannerUnavailable.

    Bare sockets and not asyncio's streams: where clamd answers and hangs up while we still send, the answer stays
    readable in the socket after the send failed, and a stream would have thrown it away. A thread sends, in calls that
    take as much as there is: on the event loop clamd would wait for us whenever its small buffer is empty.
    """

    def __init__(self, clamd: Clamd) -> None:
        self._clamd = clamd
        self._socket: socket.socket | None = None
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        parts = urlsplit(self._clamd.url)
        try:
            async with asyncio.timeout(self._clamd.timeout_seconds):
                if parts.scheme == "unix":
                    await self._connect(socket.AF_UNIX, parts.path)
                else:
                    await self._connect_host(parts.hostname or "", parts.port or 0)
        except (OSError, TimeoutError) as error:
            self._close()
            raise ScannerUnavailable("clamd cannot be reached") from error
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._stopped()
        finally:
            self._close()

    async def send(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Send all of the pieces; HungUp when clamd left, though `reply` may still have its answer."""
        self._sending = asyncio.create_task(asyncio.to_thread(_send_all, self._open, pieces))
        try:
            await asyncio.shield(self._sending)
        except BlockingIOError as error:
            raise ScannerUnavailable("clamd stopped taking data") from error
        except OSError as error:
            raise HungUp("clamd hung up") from error

    async def reply(self) -> str:
        """The answer up to its NUL."""
        answer = bytearray()
        try:
            async with asyncio.timeout(self._clamd.timeout_seconds):
                while not answer.endswith(b"\0"):
                    got = await asyncio.get_running_loop().sock_recv(self._open, _REPLY_LIMIT_BYTES)
                    answer += got
                    if not got or len(answer) > _REPLY_LIMIT_BYTES:
                        raise ScannerUnavailable("clamd's answer has no end")
        except (OSError, TimeoutError) as error:
            raise ScannerUnavailable("clamd did not answer") from error
        return answer[:-1].decode("utf-8", "replace")

    @property
    def _open(self) -> socket.socket:
        if self._socket is None:
            raise RuntimeError("the connection is used outside its block")
        return self._socket

    async def _connect_host(self, host: str, port: int) -> None:
        """Try each of the host's addresses in turn; the last one's failure stands."""
        loop = asyncio.get_running_loop()
        *others, last = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, _, _, _, address in others:
            try:
                return await self._connect(family, address)
            except OSError:
                self._close()
        return await self._connect(last[0], last[4])

    async def _connect(self, family: int, address: object) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        microseconds = round(self._clamd.timeout_seconds * 1_000_000)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.pack(*divmod(microseconds, 1_000_000)))
        # typeshed asks for str | tuple | bytes: a path, or what getaddrinfo gave.
        await asyncio.get_running_loop().sock_connect(self._socket, address)  # type: ignore[arg-type]

    async def _stopped(self) -> None:
        """Nothing is being sent any more: a socket is not closed under the thread that sends."""
        if self._sending is not None and not self._sending.done():
            with suppress(OSError):  # clamd may have left
                self._open.shutdown(socket.SHUT_RDWR)
            await asyncio.gather(self._sending, return_exceptions=True)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class ClamdStream:
    """One scan. Feed it the file in order; stop early once `verdict` is set; `finish` gives the last word."""

    def __init__(self, connection: Connection, engine: str, limit_bytes: int) -> None:
        self.verdict: Verdict | None = None
        self._connection = connection
        self._engine = engine
        self._left_bytes = limit_bytes

    async def feed(self, chunks: Sequence[bytes]) -> None:
        """Send the next chunks as clamd takes them; sends nothing once there is a verdict."""
        self._left_bytes -= sum(map(len, chunks))
        if self._left_bytes < 0 and self.verdict is None:
            self.verdict = unscannable(self._engine, "This file is larger than clamd looks at.")
        await self._send([piece for chunk in chunks for piece in _with_lengths(memoryview(chunk))])

    async def finish(self) -> Verdict:
        """Mark the end of the stream and read the verdict, unless there is one already."""
        await self._send([_LENGTH.pack(0)])
        if self.verdict is None:
            self.verdict = verdict_of(await self._connection.reply(), self._engine)
        return self.verdict

    async def _send(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Pieces with their lengths before them; the length of nothing ends the stream."""
        if self.verdict is not None:
            return
        try:
            await self._connection.send(pieces)
        except HungUp:
            verdict = verdict_of(await self._connection.reply(), self._engine)
            if verdict.status is ScanOutcome.CLEAN:
                raise
            self.verdict = verdict


def _with_lengths(chunk: memoryview) -> Iterator[bytes | memoryview]:
    """The chunk in steps, each behind its length: clamd can say a word in between."""
    for start in range(0, len(chunk), _CHUNK_BYTES):
        piece = chunk[start : start + _CHUNK_BYTES]
        yield _LENGTH.pack(len(piece))
        yield piece


def _send_all(to: socket.socket, pieces: Sequence[bytes | memoryview]) -> None:
    """Send it all, waiting in the kernel; BlockingIOError when nothing was taken for as long as the socket waits."""
    to.setblocking(True)
    try:
        for start in range(0, len(pieces), _PIECES_MAX):
            left = [memoryview(piece) for piece in pieces[start : start + _PIECES_MAX]]
            while left:
                left = _behind(left, to.sendmsg(left))
    finally:
        to.setblocking(False)


def _behind(pieces: list[memoryview], sent_bytes: int) -> list[memoryview]:
    """What of the pieces comes after the first so many bytes."""
    for number, piece in enumerate(pieces):
        if sent_bytes < len(piece):
            return [piece[sent_bytes:], *pieces[number + 1 :]]
        sent_bytes -= len(piece)
    return []


def verdict_of(reply: str, engine: str) -> Verdict:
    """What an INSTREAM answer means; ScannerUnavailable for errors of clamd's own and for words it never says."""
    if reply == "stream: OK":
        return clean(engine)
    if reply.startswith("INSTREAM size limit exceeded"):
        return unscannable(engine, "This file is larger than clamd takes.")
    if find := _FIND.fullmatch(reply):
        if find["name"].startswith(_GAVE_UP):
            return unscannable(engine, f"clamd could not look at all of this file ({find['name']}).")
        return infected(engine, find["name"])
    raise ScannerUnavailable("clamd did not give a verdict")
