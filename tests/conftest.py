"""Real servers for every test: one set a pytest process, each begun by the first test that asks for it."""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, os.path.dirname(__file__))  # the tests share `parts`

import parts as world  # found by the line above

from vaultstream.actions import account
from vaultstream.actor import Actor, Origin
from vaultstream.adapters import renderer_office
from vaultstream.adapters.vault import Vault, opened
from vaultstream.local import parts
from vaultstream.local.probes import free_port
from vaultstream.pipelined import Pipelined
from vaultstream.settings import Settings

# No test asserts a duration. What CI sets (CI=true: the same examples every time) stays.
hypothesis.settings.register_profile("patient", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("patient")

Newcomer = Callable[[], Awaitable[Actor]]

for _name in [name for name in os.environ if name.startswith(("VAULTSTREAM_", "AWS_"))]:
    del os.environ[_name]  # a developer's own account or vault is none of the tests' business


@pytest.fixture
def no_office(monkeypatch: pytest.MonkeyPatch) -> None:
    """LibreOffice is not there, wherever it may be installed."""
    monkeypatch.setattr(renderer_office, "_COMMAND", "no-such-office")


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def dynamodb_url(logs: Path) -> Iterator[str]:
    with world.running(parts.dynamodb(None, free_port()), logs) as part:
        yield f"http://{part.address}"


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[str]:
    with world.running(parts.s3(tmp_path_factory.mktemp("s3"), free_port(), world.ACCESS_KEY), logs) as part:
        yield f"http://{part.address}"


@pytest.fixture(scope="session")
def kms_url(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[str]:
    with world.running(parts.kms(tmp_path_factory.mktemp("kms"), free_port(), world.ACCESS_KEY), logs) as part:
        yield f"http://{part.address}"


@pytest.fixture(scope="session")
def aws_url(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[str]:
    part = parts.aws(tmp_path_factory.mktemp("aws"), free_port(), world.REGION, is_durable=False)
    with world.running(part, logs):
        yield f"http://{part.address}"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Iterator[str]:
    part = parts.redis(tmp_path_factory.mktemp("redis"), free_port(), world.PASSWORD, is_durable=False)
    with world.running(part, logs):
        yield f"redis://:{world.PASSWORD.reveal()}@{part.address}/0"


@pytest.fixture
async def pipelined(redis_url: str) -> AsyncIterator[Pipelined]:
    """A client with time to spare: on a busy machine too, what is asked is what Redis says."""
    async with aclosing(Pipelined.from_url(redis_url, timeout_seconds=20)) as client:
        yield client


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with world.running_postgres(tmp_path_factory.mktemp("postgres") / "data") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[world.LocalIssuer]:
    with world.running_issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running


@pytest.fixture(scope="session")
def signed_in(issuer: world.LocalIssuer) -> Callable[[str], str]:
    """A bearer token for alice, bob or mallory @example.com."""
    return issuer.token


@pytest.fixture(scope="session")
def servers(
    dynamodb_url: str,
    s3_url: str,
    kms_url: str,
    aws_url: str,
    redis_url: str,
    postgres_dsn: str,
    issuer: world.LocalIssuer,
) -> world.Servers:
    return world.Servers(dynamodb_url, s3_url, kms_url, aws_url, redis_url, postgres_dsn, issuer, world.new_rsa_pem())


@pytest.fixture(scope="module")
async def settings(servers: world.Servers) -> Settings:
    """A vault of this test module's own: new table, bucket, key, bus, queues and audit database."""
    return await world.new_world(servers)


@pytest.fixture(scope="module")
async def vault(settings: Settings) -> AsyncIterator[Vault]:
    """The vault itself, opened over this module's own world."""
    async with opened(settings) as vault:
        yield vault


@pytest.fixture
def newcomer(vault: Vault) -> Newcomer:
    """Makes a person who was never seen before."""

    async def make() -> Actor:
        name = secrets.token_hex(6)
        origin = Origin(f"request-{name}", "127.0.0.1", "tests")
        user_id = await account.sign_in(vault, f"{name}@example.com", name, origin)
        return Actor(user_id, origin, datetime.now(UTC) + timedelta(hours=1))

    return make


@pytest.fixture
async def alice(newcomer: Newcomer) -> Actor:
    return await newcomer()


@pytest.fixture
async def bob(newcomer: Newcomer) -> Actor:
    return await newcomer()
