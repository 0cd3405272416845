"""What is known is answered before the app is asked; nothing else about a connection is different for it."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import accumulate, pairwise

import pytest
import uvicorn
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.tracer import Tracer
from vaultstream.http import known_first
from vaultstream.http.auth import name_of
from vaultstream.http.envelope import OPERATION, Envelope
from vaultstream.http.graphql_answers import Pieces
from vaultstream.http.graphql_media import HEADERS, Media
from vaultstream.http.heads import HEAD_BYTES_MAX, BoundedHead
from vaultstream.http.known_first import KnownFirst
from vaultstream.http.recall import Asked
from vaultstream.metrics import REQUEST_SECONDS

KNOWN, FORGOTTEN, NEW = b"known", b"forgotten", b"new"
VARYING = re.compile(rb"(date|x-request-id): [^\r]*\r\n")
Told = Callable[[Pieces | None], None]


class Memory:
    """Knows what begins with `known`, and finds out that it has forgotten what begins so, after a turn of the loop
    or when it is let.
    """

    def __init__(self) -> None:
        self.answered: Counter[bytes] = Counter()
        self.tokens: list[bytes] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_asked = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, asked: Asked, body: bytes, end: Told) -> bool:
        assert (asked.media, asked.request_id) == (Media.JSON, "")
        self.tokens.append(asked.token)
        if not body.startswith((KNOWN, FORGOTTEN)):
            return False
        task = asyncio.create_task(self._tell(body, end))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _tell(self, body: bytes, end: Told) -> None:
        self.is_asked.set()
        await self.may_answer.wait()
        kind = KNOWN if body.startswith(KNOWN) else FORGOTTEN
        self.answered[kind] += 1
        end((echo(body)[:7], echo(body)[7:]) if kind == KNOWN else None)


class App:
    """Says what was sent to it."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.is_asked.set()
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        self.asked.append(bytes(body))
        await self.may_answer.wait()
        for _ in range(5):  # so that whatever does not wait its turn is first
            await asyncio.sleep(0)
        scope[OPERATION] = "query"
        answer = echo(bytes(body), f"{scope['method']} {scope['path']}?".encode() + scope["query_string"])
        headers = [*HEADERS[Media.JSON], (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def echo(body: bytes, asked: bytes = b"POST /graphql?") -> bytes:
    return b'"%b: %b, %d bytes"' % (asked, body[:20], len(body))


class Served:
    """A server that has an app, and a memory if it is by our protocol."""

    def __init__(self, protocol: type[BoundedHead], tracer: Tracer | None = None) -> None:
        self.app, self.memory, self.meters = App(), Memory(), Meters()
        self.envelope = Envelope(self.app, asked=[], meters=self.meters, tracer=tracer or Tracer(0))
        self.envelope.recall = self.memory  # type: ignore[assignment]  # it stands for the vault's
        config = uvicorn.Config(
            self.envelope, "127.0.0.1", 0, log_level="critical", http=protocol, lifespan="off", proxy_headers=False
        )
        self.server = uvicorn.Server(config)
        config.load()
        self.server.lifespan = config.lifespan_class(config)

    @property
    def requests(self) -> dict[tuple[str, ...], int]:
        return {labels: sum(spread.counts) for labels, spread in self.meters.spreads(REQUEST_SECONDS).items()}

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.servers[0].sockets[0].getsockname()[1])

    async def connection(self, is_so: Callable[[KnownFirst], bool]) -> KnownFirst:
        """The one that is open, once it is so; uvicorn tells nobody."""
        async with asyncio.timeout(10):
            while not any(map(is_so, self.server.server_state.connections)):  # type: ignore[arg-type]  # noqa: ASYNC110
                await asyncio.sleep(0)
        (one,) = self.server.server_state.connections
        assert isinstance(one, KnownFirst)
        return one

    async def empty(self) -> None:
        """Wait until nobody is connected."""
        async with asyncio.timeout(10):
            while self.server.server_state.connections:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0)

    async def said(self, *pieces: bytes, turns: int = 3) -> bytes:
        """Everything that it says to this until it closes, but what is another each time."""
        reader, writer = await self.open()
        try:
            for piece in pieces:
                writer.write(piece)
                for _ in range(turns):
                    await asyncio.sleep(0)
            async with asyncio.timeout(10):
                return VARYING.sub(b"", await reader.read())
        finally:
            writer.close()


@asynccontextmanager
async def served(protocol: type[BoundedHead], tracer: Tracer | None = None) -> AsyncIterator[Served]:
    one = Served(protocol, tracer)
    await one.server.startup()
    try:
        yield one
    finally:
        one.memory.may_answer.set()
        one.app.may_answer.set()
        await one.server.shutdown()


@pytest.fixture
async def ours() -> AsyncIterator[Served]:
    async with served(KnownFirst) as one:
        yield one


@pytest.fixture
async def plain() -> AsyncIterator[Served]:
    async with served(BoundedHead) as one:
        yield one


def request(
    body: bytes, *headers: bytes, method: bytes = b"POST", path: bytes = b"/graphql", token: bytes = b"ann"
) -> bytes:
    asks = [b"Authorization: Bearer %b" % token, b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([b"%b %b HTTP/1.1" % (method, path), b"Host: x", *asks, *headers, b"", body])


def in_chunks(body: bytes) -> bytes:
    """The same, sent without saying how long it is."""
    head = request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    return b"%b%x\r\n%b\r\n0\r\n\r\n" % (head, len(body), body)


BODIES = st.builds(bytes.ljust, st.sampled_from([KNOWN, FORGOTTEN, NEW]), st.sampled_from([9, 1000]), st.just(b"."))
REQUESTS = BODIES.map(request) | st.builds(  # the first have two heads in all
    request,
    BODIES | st.sampled_from([KNOWN, NEW + b"." * 70_000, KNOWN + b"." * 300_000]),
    st.sampled_from([b"X-A: b", b"Expect: 100-continue", b"Connection: keep-alive", b"Upgrade: websocket"]),
    method=st.sampled_from([b"POST", b"POST", b"POST", b"PUT"]),
    path=st.sampled_from([b"/graphql", b"/graphql", b"/graphql", b"/graphql?a=b", b"/graphqls", b"/content"]),
)


@tried(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    requests=st.lists(REQUESTS, max_size=6),
    cuts=st.lists(st.floats(0, 1), max_size=5),
    are_apart=st.booleans(),
    turns=st.integers(0, 6),
)
@example(requests=[request(KNOWN, b"Expect: 100-continue")], cuts=[], are_apart=True, turns=2)
@example(requests=[request(KNOWN, method=b"PUT")], cuts=[], are_apart=True, turns=2)
@example(requests=[request(KNOWN, path=b"/content")], cuts=[], are_apart=True, turns=2)
@example(requests=[request(KNOWN), request(NEW), request(KNOWN)], cuts=[], are_apart=True, turns=1)
@example(requests=[request(KNOWN + b"...."), request(FORGOTTEN)] * 2, cuts=[], are_apart=True, turns=6)
@example(requests=[request(KNOWN), request(KNOWN), request(KNOWN, b"X-A: b")], cuts=[], are_apart=True, turns=12)
@example(requests=[in_chunks(b"known..known........")] * 2, cuts=[], are_apart=True, turns=6)
@example(requests=[request(KNOWN), request(request(KNOWN))], cuts=[], are_apart=True, turns=6)
@example(requests=[request(KNOWN), request(NEW), request(KNOWN)], cuts=[], are_apart=False, turns=1)
async def test_however_requests_come_the_answers_are_those_of_the_app(
    ours: Served, plain: Served, requests: list[bytes], cuts: list[float], are_apart: bool, turns: int
) -> None:
    requests = [*requests, request(KNOWN, b"Connection: close")]
    whole, ends = b"".join(requests), list(accumulate(map(len, requests)))
    at = sorted({0, len(whole), *(round(cut * len(whole)) for cut in cuts), *(ends if are_apart else [])})
    pieces = [whole[begin:end] for begin, end in pairwise(at)]
    assert await ours.said(*pieces, turns=turns) == await plain.said(*pieces, turns=turns)
    assert ours.requests == plain.requests


class Talk:
    """One connection on which whole requests are sent, each once the one before it is answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, *pieces: bytes) -> bytes:
        """The body of the answer to a request."""
        for piece in pieces:
            self.writer.write(piece)
            for _ in range(6):
                await asyncio.sleep(0)
        async with asyncio.timeout(10):
            head = await self._reader.readuntil(b"\r\n\r\n")
            return await self._reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))


@pytest.fixture
async def talk(ours: Served) -> AsyncIterator[Talk]:
    talk = Talk(*await ours.open())
    yield talk
    talk.writer.close()


@pytest.fixture
def heads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many heads were read."""
    read, counted = BoundedHead.on_message_begin, Counter[str]()

    def counting(connection: BoundedHead) -> None:
        counted["read"] += 1
        read(connection)

    monkeypatch.setattr(BoundedHead, "on_message_begin", counting)
    return counted


async def test_the_head_that_came_before_is_not_read_again(ours: Served, talk: Talk, heads: Counter[str]) -> None:
    for body in (KNOWN, b"known1", KNOWN, b"known2", KNOWN):
        assert await talk.ask(request(body)) == echo(body)
    assert (heads["read"], ours.memory.answered) == (2, {KNOWN: 5})
    assert ours.requests == {("graphql", "query", "ok"): 5}


@pytest.mark.parametrize("body", [b"forgotten", b"new......"])
async def test_the_app_answers_what_is_not_known_though_its_head_is(
    ours: Served, talk: Talk, heads: Counter[str], body: bytes
) -> None:
    for each in (b"known....", body, b"known...."):
        assert await talk.ask(request(each)) == echo(each)
    assert (heads["read"], ours.app.asked) == (2, [body])
    assert ours.memory.answered == {KNOWN: 2} | ({FORGOTTEN: 1} if body == FORGOTTEN else {})
    assert ours.requests == {("graphql", "query", "ok"): 3}


async def test_who_asks_is_who_this_very_head_names(ours: Served, talk: Talk, heads: Counter[str]) -> None:
    for token in (b"ann", b"ben", b"ann", b"ann"):
        await talk.ask(request(KNOWN, token=token))
    assert ours.memory.tokens == [name_of(token) for token in (b"ann", b"ben", b"ann", b"ann")]
    assert heads["read"] == 3


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /content HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(request(KNOWN)),
        request(request(KNOWN)).removesuffix(request(KNOWN)),
        b"POST /content HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX: ",
        b"PO",
    ],
)
async def test_what_looks_like_a_request_within_another_is_none(
    ours: Served, plain: Served, begun: bytes, heads: Counter[str]
) -> None:
    pieces = [request(KNOWN), begun, request(KNOWN), request(NEW, b"Connection: close")]
    assert await ours.said(*pieces, turns=6) == await plain.said(*pieces, turns=6)
    assert ours.memory.answered == {KNOWN: 1}


async def test_what_follows_a_head_that_came_in_two_is_no_head(ours: Served, plain: Served) -> None:
    pieces = [request(KNOWN)[:4], request(KNOWN)[4:], request(KNOWN)[4:]]
    said = await ours.said(*pieces, turns=6)
    assert said == await plain.said(*pieces, turns=6)
    assert (said.count(b"HTTP/1.1 200 OK"), said.count(b"HTTP/1.1 400 ")) == (1, 1)


async def test_who_is_still_being_answered_by_the_app_waits_for_that(ours: Served, talk: Talk) -> None:
    await talk.ask(request(KNOWN))
    ours.app.may_answer.clear()
    first = asyncio.create_task(talk.ask(request(NEW), request(KNOWN)))
    await ours.app.is_asked.wait()
    connection = await ours.connection(lambda each: bool(each.pipeline))
    ours.app.may_answer.set()
    assert await first == echo(NEW)
    assert await talk.ask() == echo(KNOWN)
    assert (ours.app.asked, list(connection.pipeline)) == ([NEW, KNOWN], [])


async def test_a_request_that_comes_in_two_is_read(ours: Served, talk: Talk, heads: Counter[str]) -> None:
    whole = request(KNOWN)
    for at in (0, 1, whole.index(b"\r\n\r\n") + 2, len(whole) - 1):
        assert await talk.ask(whole[:at], whole[at:]) == echo(KNOWN)
    assert (heads["read"], ours.memory.answered) == (4, {KNOWN: 4})


async def test_a_connection_remembers_few_heads_and_none_that_is_long(ours: Served, talk: Talk) -> None:
    connection = await ours.connection(lambda _: True)
    for size in range(20):
        await talk.ask(request(KNOWN + b"." * size))
        assert 1 <= len(connection._heads) <= 4
    connection._heads.clear()
    await talk.ask(request(KNOWN, b"X: " + b"a" * 5000))
    assert connection._heads == {}


async def test_nobody_is_answered_on_a_connection_that_is_gone(ours: Served) -> None:
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: broken.append(what))
    ours.memory.may_answer.clear()
    _, writer = await ours.open()
    for sent in (request(KNOWN), request(NEW)):
        writer.write(sent)
        await ours.memory.is_asked.wait()
    connection = await ours.connection(lambda each: bool(each._early))
    connection.transport.abort()
    writer.close()
    await ours.empty()
    ours.memory.may_answer.set()
    assert (await ours.said(request(NEW, b"Connection: close"))).startswith(b"HTTP/1.1 200 OK")
    assert (connection._early, ours.app.asked, broken) == (request(NEW), [NEW], [])
    assert ours.server.server_state.total_requests == 1


async def test_what_is_known_does_not_reach_the_app_and_what_was_forgotten_does(ours: Served) -> None:
    for body in (KNOWN, FORGOTTEN, NEW, KNOWN):
        reader, writer = await ours.open()
        writer.write(request(body))
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.close()
    assert ours.memory.answered == {KNOWN: 2, FORGOTTEN: 1}
    assert ours.app.asked == [FORGOTTEN, NEW]
    assert ours.requests == {("graphql", "query", "ok"): 4}


async def test_a_body_may_come_after_its_head(ours: Served) -> None:
    head, _, body = request(KNOWN, b"Connection: keep-alive").partition(b"\r\n\r\n")
    reader, writer = await ours.open()
    for piece in (head + b"\r\n\r\n", body[:2], body[2:]):
        writer.write(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    await reader.readuntil(echo(KNOWN))
    writer.close()
    assert ours.memory.answered == {KNOWN: 1}


async def test_a_body_that_does_not_come_is_the_apps_to_wait_for(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_first, "_REST_SECONDS", 0.0)
    reader, writer = await ours.open()
    writer.write(request(KNOWN)[:-2])
    await ours.app.is_asked.wait()
    writer.write(KNOWN[-2:])
    await reader.readuntil(echo(KNOWN))
    writer.close()
    assert (ours.app.asked, ours.memory.answered) == ([KNOWN], {})


async def test_a_server_that_stops_waits_for_a_body_whose_head_it_has() -> None:
    async with served(KnownFirst) as one:
        reader, writer = await one.open()
        writer.write(request(KNOWN)[:-2])
        await one.connection(lambda each: each._body is not None)
        stopping = asyncio.create_task(one.server.shutdown())
        await one.app.is_asked.wait()
        writer.write(KNOWN[-2:])
        assert (await reader.read()).endswith(echo(KNOWN))
        writer.close()
        await stopping


async def test_what_comes_meanwhile_waits_its_turn(ours: Served) -> None:
    ours.memory.may_answer.clear()
    said = asyncio.create_task(ours.said(request(KNOWN), request(NEW * 30_000), request(KNOWN, b"Connection: close")))
    await ours.memory.is_asked.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    assert ours.app.asked == []
    ours.memory.may_answer.set()
    assert (await said).count(b"HTTP/1.1 200 OK") == 3
    assert ours.app.asked == [NEW * 30_000, KNOWN]


@pytest.mark.parametrize("sent", [request(KNOWN), request(FORGOTTEN), request(KNOWN)[:-2]])
async def test_who_hangs_up_is_not_answered_and_harms_nobody(
    ours: Served, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_first, "_REST_SECONDS", 0.01)
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: broken.append(what))
    ours.memory.may_answer.clear()
    _, writer = await ours.open()
    writer.write(sent)
    connection = await ours.connection(lambda each: each._body is not None)
    writer.transport.abort()
    await ours.empty()
    ours.memory.may_answer.set()
    assert (await ours.said(request(NEW, b"Connection: close"))).startswith(b"HTTP/1.1 200 OK")
    assert (connection._rest, broken) == (None, [])


async def test_a_head_after_a_known_answer_is_bounded_too(ours: Served) -> None:
    reader, writer = await ours.open()
    writer.write(request(KNOWN))
    await reader.readuntil(echo(KNOWN))
    writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES_MAX)
    assert (await reader.readline()).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_who_does_not_read_what_was_written_is_not_written_more(ours: Served) -> None:
    reader, writer = await ours.open()
    connection = await ours.connection(lambda _: True)
    connection.pause_writing()  # as the transport does when much waits to be sent
    writer.write(request(KNOWN))
    await ours.app.is_asked.wait()
    connection.resume_writing()
    await reader.readuntil(echo(KNOWN))
    writer.close()
    assert ours.memory.answered == {}


@pytest.mark.parametrize("body", [b"known....", FORGOTTEN])
@pytest.mark.parametrize("is_again", [False, True])
async def test_a_server_that_stops_still_answers_what_it_was_asked(body: bytes, *, is_again: bool) -> None:
    async with served(KnownFirst) as one:
        reader, writer = await one.open()
        if is_again:
            await Talk(reader, writer).ask(request(b"known...."))
            one.memory.is_asked.clear()
        one.memory.may_answer.clear()
        writer.write(request(body))
        await one.memory.is_asked.wait()
        stopping = asyncio.create_task(one.server.shutdown())
        await asyncio.sleep(0)
        one.memory.may_answer.set()
        answer = await reader.read()
        writer.close()
        await stopping
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\n" + echo(body))


async def test_a_connection_that_is_kept_is_let_go_when_nothing_comes(ours: Served) -> None:
    reader, writer = await ours.open()
    writer.write(request(KNOWN))
    await reader.readuntil(echo(KNOWN))
    connection = await ours.connection(lambda _: True)
    clock = connection.timeout_keep_alive_task
    await Talk(reader, writer).ask(request(KNOWN))
    assert connection.timeout_keep_alive_task is clock
    for _ in range(2):  # it runs on, and the time since the last answer counts
        clock = connection.timeout_keep_alive_task
        assert clock is not None
        clock.cancel()
        connection.timeout_keep_alive_handler()
        assert connection.timeout_keep_alive_task not in {None, clock}
    connection._answered_at -= connection.timeout_keep_alive
    connection.timeout_keep_alive_handler()
    assert await reader.read() == b""
    writer.close()


async def test_a_connection_is_not_let_go_while_an_answer_is_looked_for(ours: Served, talk: Talk) -> None:
    await talk.ask(request(KNOWN))
    ours.memory.may_answer.clear()
    ours.memory.is_asked.clear()
    asking = asyncio.create_task(talk.ask(request(KNOWN)))
    await ours.memory.is_asked.wait()
    connection = await ours.connection(lambda _: True)
    connection._answered_at -= connection.timeout_keep_alive
    connection.timeout_keep_alive_handler()
    ours.memory.may_answer.set()
    assert await asking == echo(KNOWN)


async def test_what_is_traced_goes_the_whole_way_and_is_drawn_once() -> None:
    tracer = Tracer(100)
    async with served(KnownFirst, tracer) as one:
        await one.said(request(KNOWN), request(KNOWN, b"Connection: close"))
        assert (len(tracer.ended), one.app.asked) == (2, [KNOWN, KNOWN])
        draws = iter([False, True])
        tracer.draws = lambda: next(draws)  # type: ignore[method-assign]  # chance, as it may fall
        await one.said(request(FORGOTTEN), request(NEW, b"Connection: close"))
        assert (len(tracer.ended), one.app.asked[2:]) == (3, [FORGOTTEN, NEW])
        draws = iter([False, False, True, False])
        reader, writer = await one.open()
        talk, known = Talk(reader, writer), b"known...."
        for body in (known, FORGOTTEN, known, known):
            await talk.ask(request(body))
        writer.close()
        assert (len(tracer.ended), one.app.asked[4:], list(draws)) == (4, [FORGOTTEN, known], [])
