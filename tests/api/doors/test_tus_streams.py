"""The tus door takes bytes as they come: what arrived before a break counts, and nothing is gathered first."""

import asyncio
import contextlib
import hashlib
import importlib
import os
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from doors import OFFSET_STREAM, TUS, Tus, checksum, content_at, metadata, until, upload_at
from starlette.requests import Request

from vaultstream.adapters.meters import Meters
from vaultstream.errors import Code, VaultError
from vaultstream.http import uploads
from vaultstream.settings import Settings

DATA = os.urandom(1_000_000)
receiving = importlib.import_module("vaultstream.actions.upload.receive")  # its package gives the name to the deed


class Line:
    """A connection to the door on which every byte is ours."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def patch(self, alice: Tus, url: str, length: int | None, **more: str) -> None:
        """The head of a PATCH from the start."""
        headers = {**TUS, **OFFSET_STREAM, "Authorization": f"Bearer {alice.token}", "Upload-Offset": "0"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        headers |= {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
        lines = [f"PATCH /uploads/{url.rpartition('/')[2]} HTTP/1.1", "Host: vault"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str]]:
        """The next status and its headers."""
        async with asyncio.timeout(15):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return int(head[0].split()[1]), headers

    def reset(self) -> None:
        """Break the line without a goodbye."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@contextlib.asynccontextmanager
async def a_line(settings: Settings) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", settings.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def begun(alice: Tus, name: str, length: int = len(DATA)) -> str:
    return (await alice.create(length, **metadata(filename=name))).headers["Location"]


async def released(vault, url: str, offset: int) -> None:
    """Wait until the upload stands at this offset and nobody holds it."""

    async def look() -> bool:
        upload = await upload_at(vault, url)
        return upload.progress.offset_bytes == offset and upload.lease_until is None

    await until(look)


@pytest.mark.parametrize("chunked", [False, True])
async def test_what_came_before_the_sender_hung_up_counts(alice: Tus, vault, settings, chunked):
    url = await begun(alice, f"hung-up-{chunked}")
    async with a_line(settings) as line:
        await line.patch(alice, url, None if chunked else len(DATA))
        piece = DATA[:300_001]
        await line.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    await released(vault, url, 300_001)
    rest = await alice.patch(url, 300_001, DATA[300_001:])
    assert rest.headers["Upload-Offset"] == str(len(DATA))
    assert await content_at(vault, url) == DATA


async def test_what_came_before_the_line_broke_can_be_gone_on_with(alice: Tus, vault, settings):
    url = await begun(alice, "broken")
    async with a_line(settings) as line:
        await line.patch(alice, url, len(DATA))
        await line.send(DATA[:200_000])
        await until(lambda: leased(vault, url))
        line.reset()

    async def free() -> bool:
        return (await upload_at(vault, url)).lease_until is None

    await until(free)
    offset = int((await alice.head(url)).headers["Upload-Offset"])
    assert 0 <= offset <= 200_000
    await alice.patch(url, offset, DATA[offset:])
    assert await content_at(vault, url) == DATA


async def leased(vault, url: str) -> bool:
    return (await upload_at(vault, url)).lease_until is not None


async def test_half_of_what_a_checksum_is_of_does_not_count(alice: Tus, vault, settings):
    url = await begun(alice, "half-checked")
    async with a_line(settings) as line:
        await line.patch(alice, url, len(DATA), **checksum(DATA))
        await line.send(DATA[:500_000])
        await until(lambda: leased(vault, url))
    await released(vault, url, 0)
    assert (await alice.patch(url, 0, DATA, **checksum(DATA))).headers["Upload-Offset"] == str(len(DATA))
    assert await content_at(vault, url) == DATA


async def test_a_sender_who_falls_silent_is_told_how_far_he_got(alice: Tus, vault, settings, monkeypatch):
    monkeypatch.setattr(uploads, "BODY_IDLE_SECONDS", 0.3)
    url = await begun(alice, "silent")
    async with a_line(settings) as line:
        await line.patch(alice, url, len(DATA))
        await line.send(DATA[:1000])
        status, headers = await line.answer()
    assert (status, headers["upload-offset"]) == (204, "1000")


async def test_who_waits_for_leave_to_send_is_refused_before_he_sends(alice: Tus, settings):
    url = await begun(alice, "expecting")
    async with a_line(settings) as line:
        await line.patch(alice, url, len(DATA), Upload_Offset="5", Expect="100-continue")
        status, headers = await line.answer()
    assert (status, headers["upload-offset"]) == (409, "0")
    async with a_line(settings) as line:
        await line.patch(alice, url, len(DATA), Expect="100-continue")
        assert (await line.answer())[0] == 100
        await line.send(DATA)
        status, headers = await line.answer()
    assert (status, headers["upload-offset"]) == (204, str(len(DATA)))


async def test_of_two_senders_at_once_one_is_asked_to_wait(alice: Tus, vault):
    url = await begun(alice, "contended")
    release = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield DATA[:500_000]
        await release.wait()
        yield DATA[500_000:]

    first = asyncio.create_task(alice.patch(url, 0, slowly()))
    await until(lambda: leased(vault, url))
    assert (await alice.patch(url, 0, DATA)).status_code == 423
    release.set()
    assert (await first).headers["Upload-Offset"] == str(len(DATA))
    assert await content_at(vault, url) == DATA


async def test_who_looked_before_anothers_bytes_were_committed_cannot_undo_them(alice: Tus, vault):
    url = (await alice.create(10, b"abc", **metadata(filename="undone"))).headers["Location"]
    release = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"def"
        await release.wait()

    first = asyncio.create_task(alice.patch(url, 3, slowly()))
    await until(lambda: leased(vault, url))
    seen = await upload_at(vault, url)  # what a second request reads while the first still holds the lease
    release.set()
    assert (await first).headers["Upload-Offset"] == "6"
    with pytest.raises(VaultError) as caught:
        await receiving._leased(vault, seen)
    assert caught.value.code is Code.UPLOAD_BUSY
    assert (await alice.patch(url, 6, b"ghij")).headers["Upload-Offset"] == "10"
    assert await content_at(vault, url) == b"abcdefghij"


async def test_a_body_of_unknown_length_is_streamed(alice: Tus, vault):
    url = (await alice.create(None, **metadata(filename="streamed"))).headers["Location"]
    digest, sent = hashlib.sha256(), 12_000_000

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(12):
            piece = os.urandom(1_000_000)
            digest.update(piece)
            yield piece

    assert (await alice.patch(url, 0, pieces())).headers["Upload-Offset"] == str(sent)
    assert (await alice.patch(url, sent, b"", Upload_Length=str(sent))).status_code == 204
    assert hashlib.sha256(await content_at(vault, url)).digest() == digest.digest()


async def test_no_more_is_received_than_is_taken():
    asked = 0

    async def receive() -> dict[str, object]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    body = uploads._body(Request({"type": "http", "method": "PATCH", "headers": []}, receive), Meters())
    for taken in range(1, 6):
        assert await anext(body) == b"x" * 1000
        assert asked == taken
    await body.aclose()
