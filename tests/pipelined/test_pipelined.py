"""One shared connection against a real Redis: each caller gets the answer to what they asked, or a failure in time."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as LineError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as SilentError
from wires import Wire

from vaultstream.pipelined import Pipelined, Script
from vaultstream.pipelined.line import packed
from vaultstream.pipelined.server import Server

SOON = 0.2
PATIENT = 20.0
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HELLO = b"%1\r\n+proto\r\n:3\r\n"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Pipelined]:
    redis = Pipelined.from_url(redis_url, timeout_seconds=PATIENT)
    yield redis
    await redis.aclose()


@asynccontextmanager
async def behind_a_wire(redis_url: str, *, timeout_seconds: float = PATIENT) -> AsyncIterator[tuple[Wire, Pipelined]]:
    address, _, _ = redis_url.rpartition("@")[2].partition("/")
    async with Wire("127.0.0.1", int(address.partition(":")[2])) as wire:
        redis = Pipelined.from_url(
            redis_url.replace(address, f"127.0.0.1:{wire.port}"), timeout_seconds=timeout_seconds
        )
        yield wire, redis
        await redis.aclose()


@asynccontextmanager
async def talking_to(conversation: Conversation, *, timeout_seconds: float = SOON) -> AsyncIterator[Pipelined]:
    """A client of a server of our own, which need not be a Redis."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await conversation(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    redis = Pipelined(Server("127.0.0.1", server.sockets[0].getsockname()[1]), timeout_seconds=timeout_seconds)
    yield redis
    await redis.aclose()
    server.close()
    await server.wait_closed()


def key() -> str:
    return f"pipelined:{secrets.token_hex(8)}"


async def test_each_kind_of_answer_comes_as_itself(redis: Pipelined) -> None:
    name = key()
    assert await redis.call("SET", name, b"\x00\r\n\xff") == b"OK"
    assert await redis.call("GET", name) == b"\x00\r\n\xff"
    assert await redis.call("GET", key()) is None
    assert await redis.call("MGET", name, key()) == [b"\x00\r\n\xff", None]
    assert await redis.call("EVAL", "return {1, 'two', {redis.status_reply('three')}}", 0) == [1, b"two", [b"three"]]
    assert await redis.call("HGETALL", key()) == {}
    assert await redis.call("EVAL", "redis.setresp(3); return false", 0) is False


async def test_a_refused_command_fails_alone(redis: Pipelined) -> None:
    name = key()
    calls = [redis.call("SET", name, "text"), redis.call("INCR", name), redis.call("GET", name)]
    done = await asyncio.gather(*calls, return_exceptions=True)
    assert (done[0], done[2]) == (b"OK", b"text")
    assert isinstance(done[1], ResponseError)
    assert "not an integer" in str(done[1])


COMMANDS = st.one_of(
    st.tuples(st.just("SET"), st.sampled_from("abc"), st.binary(max_size=40)),
    st.tuples(st.just("GET"), st.sampled_from("abc")),
    st.tuples(st.just("INCR"), st.sampled_from("abc")),
    st.tuples(st.just("NONSENSE")),
)


def modelled(kept: dict[str, bytes], command: tuple[str | bytes, ...]) -> object:
    verb, name = command[0], str(command[1]) if len(command) > 1 else ""
    if verb == "SET":
        kept[name] = bytes(command[2])  # type: ignore[arg-type]
        return b"OK"
    if verb == "GET":
        return kept.get(name)
    if verb == "INCR":
        value = kept.get(name, b"0")
        if not value.isdigit() or str(int(value)).encode() != value or int(value) >= 2**63 - 1:
            return ResponseError
        kept[name] = str(int(value) + 1).encode()
        return int(kept[name])
    return ResponseError


@tried(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(COMMANDS, max_size=8), max_size=5))
async def test_what_is_called_together_is_answered_in_order(
    redis: Pipelined, turns: list[list[tuple[str | bytes, ...]]]
) -> None:
    """Any number of commands at once, in one write: each answer is its own command's."""
    space, kept = key(), dict[str, bytes]()
    for turn in turns:
        expected = [modelled(kept, command) for command in turn]
        named = [(c[0], f"{space}:{c[1]!s}", *c[2:]) if len(c) > 1 else c for c in turn]
        answers = await asyncio.gather(*(redis.call(*each) for each in named), return_exceptions=True)
        assert [type(each) if isinstance(each, ResponseError) else each for each in answers] == expected


async def test_what_is_called_together_goes_out_in_one_write() -> None:
    writes: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"3\r\n")
        writer.write(HELLO)
        while data := await reader.read(65536):
            writes.append(data)
            writer.write(b"+PONG\r\n" * data.count(b"PING"))

    async with talking_to(answer, timeout_seconds=PATIENT) as redis:
        await redis.call("PING")
        writes.clear()
        assert await asyncio.gather(*(redis.call("PING") for _ in range(50))) == [b"PONG"] * 50
    assert len(writes) == 1


async def test_a_script_is_sent_by_its_hash_and_whole_where_it_is_unknown(redis: Pipelined) -> None:
    script = Script(f"return {{KEYS[1], ARGV[1]}} -- {secrets.token_hex(8)}")
    for _ in range(2):
        assert await redis.run(script, ["k"], [7]) == [b"k", b"7"]
    assert await redis.call("SCRIPT", "EXISTS", script.digest) == [1]
    with pytest.raises(ResponseError, match="nobody"):
        await redis.run(Script("return redis.error_reply('nobody')"), [])


async def test_a_caller_who_goes_away_takes_no_answer_along(redis: Pipelined) -> None:
    first, second = key(), key()
    await redis.call("MSET", first, "1", second, "2")
    gone = asyncio.ensure_future(redis.call("GET", first))
    kept = redis.call("GET", second)
    gone.cancel()
    assert await kept == b"2"
    assert await redis.call("GET", first) == b"1"


async def test_who_does_not_wait_is_told_the_reply_or_what_came_in_its_stead(redis: Pipelined) -> None:
    told: list[object] = []
    for command in (("ECHO", "a"), ("NOPE",), ("ECHO", "b")):
        redis.ask(command[0], packed(command), told.append)
    assert await redis.call("ECHO", "c") == b"c"
    assert (told[0], type(told[1]), told[2]) == (b"a", ResponseError, b"b")
    redis.ask("ECHO", packed(("ECHO", "d")), told.append)
    await redis.aclose()
    assert [type(each) for each in told[3:]] == [LineError]


async def test_one_who_fails_at_a_reply_harms_nobody_else(redis: Pipelined) -> None:
    failed: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: failed.append(what))
    replies = [redis.call("ECHO", "a")]
    redis.ask("PING", packed(("PING",)), lambda answer: 1 / len(answer[:0]))
    replies.append(redis.call("ECHO", "b"))
    assert await asyncio.gather(*replies) == [b"a", b"b"]
    assert [type(each["exception"]) for each in failed] == [ZeroDivisionError]


async def test_every_cut_is_a_failure_or_the_right_answer(redis_url: str) -> None:
    """Cut mid-reply at each byte: nobody gets another's answer, and the next command finds a new line."""
    name = key()
    async with behind_a_wire(redis_url) as (wire, redis):
        await redis.call("SET", name, "x" * 20)
        three = 3 * len(b"$20\r\n" + b"x" * 20 + b"\r\n")
        for at in range(1, three):
            wire.cut_after(down=at)
            answers = await asyncio.gather(*(redis.call("GET", name) for _ in range(3)), return_exceptions=True)
            assert all(isinstance(each, LineError) or each == b"x" * 20 for each in answers)
            assert isinstance(answers[-1], LineError)
            wire.cut_after()
            assert await redis.call("GET", name) == b"x" * 20


async def test_who_waits_when_the_line_breaks_is_told_and_the_next_call_opens_another(redis_url: str) -> None:
    async with behind_a_wire(redis_url) as (wire, redis):
        await redis.call("PING")
        wire.refuse()
        with pytest.raises(LineError):
            await redis.call("PING")
        wire.restore()
        assert await redis.call("PING") == b"PONG"


async def test_where_nobody_listens_a_call_fails_at_once(redis_url: str) -> None:
    async with behind_a_wire(redis_url) as (wire, _):
        port = wire.port
    redis = Pipelined(Server("127.0.0.1", port), timeout_seconds=PATIENT)
    with pytest.raises(LineError, match="cannot be reached"):
        await redis.call("PING")
    await redis.aclose()


@pytest.mark.parametrize("greets", [True, False])
async def test_a_silent_server_is_left_in_time_by_all_that_wait(greets: bool) -> None:
    came = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        if greets:
            await reader.readuntil(b"3\r\n")
            writer.write(HELLO)
        await reader.read()

    async with talking_to(silent) as redis:
        answers = await asyncio.gather(*(redis.call("PING") for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in answers] == [SilentError] * 3
        with pytest.raises(SilentError):
            await redis.call("PING")
    assert came == 2


async def test_a_reply_that_only_drips_is_no_answer_in_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"3\r\n")
        writer.write(HELLO + b"$1000\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(SOON / 10)

    async with talking_to(drip) as redis:
        with pytest.raises(SilentError):
            await redis.call("GET", "x")


@pytest.mark.parametrize(
    "garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*-7\r\n", b"+OK\r\n+OK\r\n+OK\r\n", b"\x00"]
)
async def test_what_is_no_reply_ends_the_line(garbage: bytes) -> None:
    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"3\r\n")
        writer.write(HELLO)
        await reader.readuntil(b"PING")
        writer.write(garbage)
        await reader.read()

    async with talking_to(lie, timeout_seconds=PATIENT) as redis:
        asked = redis.call("PING")
        try:
            assert await asked == b"OK"
        except LineError as error:
            assert "no reply" in str(error)
        assert redis._line is not None
        assert redis._line.is_dead


async def test_a_push_that_nobody_asked_for_is_nobodys_answer() -> None:
    async def push(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"3\r\n")
        writer.write(HELLO)
        await reader.readuntil(b"PING")
        writer.write(b">2\r\n+invalidate\r\n*1\r\n+x\r\n+PONG\r\n")
        await reader.read()

    async with talking_to(push, timeout_seconds=PATIENT) as redis:
        assert await redis.call("PING") == b"PONG"


async def test_a_replica_is_left_so_that_the_next_call_finds_the_primary() -> None:
    came = 0

    async def demoted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        await reader.readuntil(b"3\r\n")
        writer.write(HELLO)
        await reader.readuntil(b"SET")
        writer.write(b"+OK\r\n" if came > 1 else b"-READONLY You can't write against a read only replica.\r\n")
        await reader.read()

    async with talking_to(demoted, timeout_seconds=PATIENT) as redis:
        with pytest.raises(ResponseError, match="READONLY"):
            await redis.call("SET", "a", "b")
        assert await redis.call("SET", "a", "b") == b"OK"
    assert came == 2


async def test_a_wrong_password_is_said_by_redis_and_shows_no_password(redis_url: str) -> None:
    wrong = Pipelined.from_url(redis_url.replace("redis://:", "redis://:not-"), timeout_seconds=PATIENT)
    with pytest.raises(ResponseError, match="WRONGPASS"):
        await wrong.call("PING")
    await wrong.aclose()
    assert "a-password" not in repr(Server.from_url(redis_url))


async def test_the_database_of_the_url_is_the_one_that_is_used(redis_url: str, redis: Pipelined) -> None:
    name = key()
    other = Pipelined.from_url(redis_url.removesuffix("/0") + "/3", timeout_seconds=PATIENT)
    await other.call("SET", name, "there")
    assert await redis.call("GET", name) is None
    await redis.call("SELECT", 3)
    assert await redis.call("GET", name) == b"there"
    await redis.call("SELECT", 0)
    await other.aclose()


async def test_a_closed_client_opens_nothing(redis_url: str) -> None:
    redis = Pipelined.from_url(redis_url, timeout_seconds=PATIENT)
    waiting = redis.call("PING")
    await redis.aclose()
    with pytest.raises(LineError, match="closed"):
        await waiting
    with pytest.raises(LineError, match="closed"):
        redis.call("PING")


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for "localhost", and the file of the authority that says so."""
    secret = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(secret, SHA256())
    )
    public, private = folder / "authority.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return context, public


async def test_tls_is_spoken_with_whom_the_authorities_know_alone(redis_url: str, tmp_path: Path) -> None:
    context, authority = certified(tmp_path)
    address, _, _ = redis_url.rpartition("@")[2].partition("/")

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(65536):
            sink.write(piece)
        sink.close()

    async def unwrap(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(address.partition(":")[2]))
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = await asyncio.start_server(unwrap, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    secure = redis_url.replace("redis://", "rediss://")
    known = Pipelined.from_url(
        f"{secure.replace(address, f'localhost:{port}')}?ssl_ca_certs={authority}", timeout_seconds=PATIENT
    )
    assert await known.call("PING") == b"PONG"
    await known.aclose()
    for stranger in (
        secure.replace(address, f"localhost:{port}"),
        f"{secure.replace(address, f'127.0.0.1:{port}')}?ssl_ca_certs={authority}",
    ):
        redis = Pipelined.from_url(stranger, timeout_seconds=PATIENT)
        with pytest.raises(RedisError, match="SSLCertVerificationError"):
            await redis.call("PING")
        await redis.aclose()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("url", ["http://localhost", "redis://localhost/x", "redis://localhost:port"])
def test_a_url_that_is_no_rediss_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Server.from_url(url)
