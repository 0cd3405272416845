"""The wire that tests put before a server tells its client whatever becomes of the server."""

import asyncio
import contextlib
import socket
import struct

import pytest
from wires import Wire


@pytest.mark.parametrize("is_reset", [True, False])
async def test_who_waits_for_an_answer_is_told_that_the_server_is_gone(is_reset: bool) -> None:
    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(7)
        if is_reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(die, "127.0.0.1", 0)
    async with server, Wire("127.0.0.1", server.sockets[0].getsockname()[1]) as wire, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(b"request")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
