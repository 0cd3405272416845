"""Many lean `graphql-transport-ws` clients in one process: frames by hand (RFC 6455), no task for any socket."""

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

Heard = Callable[["Listener", Any], None]  # Any: JSON values
_OPEN_SECONDS = 60
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Listener(asyncio.Protocol):
    """One socket. `heard` is called for each message; what it was opened with is sent as soon as it may be."""

    def __init__(self, host: str, token: str, heard: Heard) -> None:
        self._host = host
        self._token = token
        self._heard = heard
        self._buffer = bytearray()
        self._is_open = False
        self.seen: dict[str, int] = {}  # the highest revision of each item
        self.ready = asyncio.get_running_loop().create_future()
        self.lost = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a socket."""
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take frames from the stream, once the server has agreed."""
        self._buffer += data
        if not self._is_open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            assert self._buffer.startswith(b"HTTP/1.1 101"), bytes(self._buffer[:200])
            del self._buffer[: end + 4]
            self._is_open = True
            self.say({"type": "connection_init", "payload": {"token": self._token}})
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self.lost = self.lost or f"{exc or 'closed'}"
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(self.lost))

    def say(self, message: dict[str, Any]) -> None:  # Any: JSON values
        """Send a message."""
        self._send(_TEXT, orjson.dumps(message))

    def close(self) -> None:
        """Go away."""
        self._transport.abort()

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; a server's are not masked, and these messages are not split."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size == 126:
            if len(buffer) < 4:
                return None
            (size,), start = struct.unpack_from("!H", buffer, 2), 4
        assert size < 1 << 16, "a message of 64 KiB or more"
        if len(buffer) < start + size:
            return None
        opcode, payload = buffer[0] & 15, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._heard(self, orjson.loads(payload))
        elif opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self.lost = f"closed with {payload!r}"

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        head = (
            struct.pack("!BB", 128 | opcode, 128 | size) if size < 126 else struct.pack("!BBH", 128 | opcode, 254, size)
        )
        self._transport.write(head + bytes(4) + payload)  # a mask of zeros leaves the bytes as they are


async def opened(url: str, tokens: list[str], heard: Heard) -> list[Listener]:
    """A listener for each token, once each has been let in; some at a time, as a server's backlog is finite."""
    address = urlsplit(url)
    gate = asyncio.Semaphore(100)
    loop = asyncio.get_running_loop()

    async def one(token: str) -> Listener:
        async with gate:
            _, listener = await loop.create_connection(
                lambda: Listener(address.netloc, token, heard), address.hostname, address.port
            )
            await listener.ready
            return listener

    async with asyncio.timeout(_OPEN_SECONDS):
        return list(await asyncio.gather(*map(one, tokens)))
