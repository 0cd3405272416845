"""A request's head is bounded in size and in time, whoever sends it; what is within the bounds is served as before."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vaultstream.http import heads
from vaultstream.http.heads import HEAD_BYTES_MAX, BoundedHead

GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n"


async def echo(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())}")


@pytest.fixture
async def port(monkeypatch) -> AsyncIterator[int]:
    """A server that has little patience."""
    monkeypatch.setattr(heads, "HEAD_SECONDS_MAX", 0.3)
    app = Starlette(routes=[Route("/echo", echo, methods=["GET", "POST"])])
    config = uvicorn.Config(app, "127.0.0.1", 0, log_level="critical", http=BoundedHead, lifespan="off")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


async def said(port: int, *pieces: bytes) -> bytes:
    """Everything that the server says to this until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_a_head_of_64_kb_is_served(port: int) -> None:
    most = HEAD_BYTES_MAX - len(GET) - len(b"X: \r\nConnection: close\r\n\r\n")
    assert status(await said(port, GET + b"X: " + b"a" * most + b"\r\nConnection: close\r\n\r\n")) == 200


@pytest.mark.parametrize("piece", [b"a" * 10_000, b"a\r\nX: " * 2_000])
async def test_a_head_that_goes_on_and_on_is_refused_and_ended(port: int, piece: bytes) -> None:
    answer = await said(port, GET + b"X: ", *[piece] * (HEAD_BYTES_MAX // len(piece) + 1))
    assert status(answer) == 431
    assert b'"status": 431' in answer
    assert b"connection: close" in answer


@pytest.mark.parametrize("start", [b"", b"G", GET, GET + b"X: half"])
async def test_a_head_that_does_not_come_to_its_end_is_given_up(port: int, start: bytes) -> None:
    assert status(await said(port, start)) == 408


async def test_the_second_head_on_a_connection_is_bounded_like_the_first(port: int) -> None:
    answer = await said(port, GET + b"\r\n" + GET + b"X: half")
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert answer.count(b"HTTP/1.1 408 Request Timeout") == 1


async def test_a_body_is_no_head_however_long_it_is(port: int) -> None:
    body = b"a" * 1_000_000
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = await said(port, head, body)
    assert (status(answer), answer.endswith(b"1000000")) == (200, True)
