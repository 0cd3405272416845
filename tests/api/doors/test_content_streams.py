"""A body in plaintext keeps its reader's pace, breaks rather than lie, and ends with its reader."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from doors import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from vaultstream.adapters.meters import Meters
from vaultstream.errors import Code, VaultError
from vaultstream.http import content
from vaultstream.http.answers import refusal
from vaultstream.http.content import Plaintext
from vaultstream.local.probes import free_port

PIECE = b"x" * 65536
DAMAGED = VaultError(Code.UNREADABLE, "damaged")


@dataclass
class Source:
    """What a body is read from: endless, unless it fails after so many pieces."""

    fails_after: int | None = None
    pieces: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> AsyncGenerator[bytes, None]:
        try:
            while self.pieces != self.fails_after:
                self.pieces += 1
                yield PIECE
            raise DAMAGED
        finally:
            await asyncio.sleep(0)  # as a real one, it has something to wait for when it closes
            self.closed.set()

    async def until_closed(self) -> None:
        async with asyncio.timeout(15):
            await self.closed.wait()


@contextlib.asynccontextmanager
async def served(source: Source) -> AsyncIterator[str]:
    pieces = source.read()  # held here too, so that nothing but the body itself can have closed it

    async def endpoint(_: Request) -> Plaintext:
        return Plaintext(pieces, 200, {"Content-Length": str(10**12)}, Meters())

    app = Starlette(routes=[Route("/", endpoint)], exception_handlers={VaultError: refusal})
    async with serving(app, free_port()) as url:
        yield url


async def test_where_the_reader_hangs_up_the_source_is_closed():
    source = Source()
    async with served(source) as url, httpx.AsyncClient() as client:
        async with client.stream("GET", url) as answer:
            assert await anext(answer.aiter_raw())
            assert not source.closed.is_set()
        await source.until_closed()


async def test_where_the_reader_stands_still_so_does_the_source_and_then_it_is_closed(monkeypatch):
    monkeypatch.setattr(content, "READER_IDLE_SECONDS", 0.3)
    source = Source()
    async with served(source) as url, httpx.AsyncClient() as client, client.stream("GET", url):
        await source.until_closed()
    assert source.pieces * len(PIECE) < 64 * 2**20  # what sockets hold, and no more


async def test_a_failure_before_the_first_piece_has_an_answer_of_its_own():
    source = Source(fails_after=0)
    async with served(source) as url, httpx.AsyncClient() as client:
        answer = await client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (500, "UNREADABLE")
    assert source.closed.is_set()


async def test_a_failure_after_it_breaks_the_connection():
    source = Source(fails_after=3)
    async with served(source) as url, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            await client.get(url)
    assert source.closed.is_set()
