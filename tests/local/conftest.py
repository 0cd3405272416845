"""The S3 and KMS servers under test, beside independent ones that should answer alike."""

import asyncio
import contextlib
import secrets
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aioboto3
import parts as world
import pytest
import uvicorn
from aiobotocore.config import AioConfig
from botocore.exceptions import ClientError
from starlette.applications import Starlette

from vaultstream.local import parts
from vaultstream.local.part import Part
from vaultstream.local.probes import answers_http, free_port
from vaultstream.local.s3.loopback import bind
from vaultstream.local.s3.signature import Credentials

OWN_KEY = Credentials(world.ACCESS_KEY.id, world.ACCESS_KEY.secret.reveal())
PEER_KEY = Credentials("test", "test")

# Where the independent servers are known to differ from AWS, and so from ours. What is listed is not asked of them.
MINISTACK_DEVIATES = {
    "checksum_echo": "PutObject echoes no checksum",
    "bucket_key": "BucketKeyEnabled is never echoed",
    "small_parts": "parts below 5 MiB are accepted",
    "part_order": "parts named out of order are put in order",
    "restore_code": "restoring what is not archived is ObjectAlreadyInActiveTierError; S3 says InvalidObjectState",
    "idle_copy": "a copy onto itself that changes nothing is accepted",
}
MOTO_DEVIATES = {
    "wrong_key": "a blob under another key gives AccessDenied instead of IncorrectKeyException",
    "states": "disabled keys and keys pending deletion still work",
    "period": "RotationPeriodInDays is not told",
    "defaults": "what CreateKey was not told is left out of a key's description",
    "bad_signature": "Verify answers SignatureValid false instead of KMSInvalidSignatureException",
    "pss": "PSS salts are as long as the key allows; KMS uses the length of the digest",
}


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that claims to speak a service of AWS; `client` is typed by the service, which has no one class."""

    name: str
    url: str
    credentials: Credentials
    client: Any
    deviates: dict[str, str] = field(default_factory=dict)

    def needs(self, behaviour: str) -> None:
        """Skips the test where the server is known not to behave so."""
        if behaviour in self.deviates:
            pytest.skip(f"{self.name}: {self.deviates[behaviour]}")


class Clock:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what will be true soon."""
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110  # the condition lies in another process
            await asyncio.sleep(0.01)


@contextlib.contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The application on a real socket, in a thread of its own."""
    listener = bind(0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    port = listener.getsockname()[1]
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def boto(service: str, url: str, credentials: Credentials, **config: Any) -> Any:
    """A client that never retries; `config` is botocore's own."""
    session = aioboto3.Session(credentials.access_key_id, credentials.secret_access_key, region_name=world.REGION)
    options = {"retries": {"total_max_attempts": 1}, "max_pool_connections": 64, **config}
    if service == "s3":
        options = {"s3": {"addressing_style": "path"}, "signature_version": "s3v4", **options}
    return session.client(service, endpoint_url=url, config=AioConfig(**options))


@contextlib.asynccontextmanager
async def refused(code: str, status: int | None = None) -> AsyncIterator[None]:
    """Expects the error `code`; botocore calls a bodiless answer by its status."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["Error"]["Code"] == code
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


def _ministack(folder: Path) -> Part:
    part = parts.aws(folder, free_port(), world.REGION, is_durable=False)
    env = {"SERVICES": "s3,kms", "S3_PERSIST": "0", "S3_DATA_DIR": f"{folder}/s3"}
    return replace(part, env={**part.env, **env})


def _moto(folder: Path) -> Part:
    port = free_port()
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", f"{port}")
    return Part(
        "moto", "KMS", port, command, answers_http(port, "/moto-api/data.json"), folder=folder, ready_seconds=60
    )


@pytest.fixture(scope="session", params=["ours", "ministack"])
async def s3(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, logs: Path
) -> AsyncIterator[Peer]:
    """An S3 server: ours, then ministack's."""
    with contextlib.ExitStack() as stack:
        url, key, deviates = request.getfixturevalue("s3_url"), OWN_KEY, {}
        if request.param == "ministack":
            peer = stack.enter_context(world.running(_ministack(tmp_path_factory.mktemp("ministack")), logs))
            url, key, deviates = f"http://{peer.address}", PEER_KEY, MINISTACK_DEVIATES
        async with boto("s3", url, key) as client:
            yield Peer(request.param, url, key, client, deviates)


@pytest.fixture(scope="session", params=["ours", "moto"])
async def kms(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, logs: Path
) -> AsyncIterator[Peer]:
    """A KMS server: ours, then moto's."""
    with contextlib.ExitStack() as stack:
        url, key, deviates = request.getfixturevalue("kms_url"), OWN_KEY, {}
        if request.param == "moto":
            peer = stack.enter_context(world.running(_moto(tmp_path_factory.mktemp("moto")), logs))
            url, key, deviates = f"http://{peer.address}", PEER_KEY, MOTO_DEVIATES
        async with boto("kms", url, key) as client:
            yield Peer(request.param, url, key, client, deviates)


@pytest.fixture(scope="session")
async def own_s3(s3_url: str) -> AsyncIterator[Peer]:
    """Our S3 server alone, for what no peer does."""
    async with boto("s3", s3_url, OWN_KEY) as client:
        yield Peer("ours", s3_url, OWN_KEY, client)


@pytest.fixture(scope="session")
async def own_kms(kms_url: str) -> AsyncIterator[Peer]:
    """Our KMS server alone."""
    async with boto("kms", kms_url, OWN_KEY) as client:
        yield Peer("ours", kms_url, OWN_KEY, client)


async def new_bucket(peer: Peer) -> str:
    """Makes a bucket of a new name."""
    name = f"bucket-{secrets.token_hex(6)}"
    place = {"LocationConstraint": world.REGION}
    await peer.client.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return name


@pytest.fixture(scope="session")
def make_bucket() -> Callable[[Peer], Coroutine[None, None, str]]:
    return new_bucket


@pytest.fixture(scope="module")
async def bucket(s3: Peer) -> str:
    """A new bucket on the server under test."""
    return await new_bucket(s3)


@pytest.fixture(scope="session")
async def own_bucket(own_s3: Peer) -> str:
    """A new bucket on our server."""
    return await new_bucket(own_s3)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def expect() -> Callable[..., contextlib.AbstractAsyncContextManager[None]]:
    """`async with expect("NoSuchKey", 404): ...`"""
    return refused
