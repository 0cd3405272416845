"""The vault behind its GraphQL door, and people who ask it."""

import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from doors import serving
from parts import LocalIssuer

from vaultstream.adapters.vault import Vault, opened
from vaultstream.gql import schema
from vaultstream.gql.execution import Engine
from vaultstream.gql.persisted import Persisted
from vaultstream.http.app import create_app
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql_door import Door
from vaultstream.local.issuer.people import by_email
from vaultstream.local.issuer.tokens import TOKEN_SECONDS
from vaultstream.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))  # the tests here share `asking` and `sockets`

from asking import Person  # found by the line above


@pytest.fixture(scope="module")
async def vault(settings: Settings) -> AsyncIterator[Vault]:
    """The same vault as the served one, to look at what stands behind the answers."""
    async with opened(settings) as vault:
        yield vault


@pytest.fixture(scope="module")
async def url(settings: Settings) -> AsyncIterator[str]:
    async with serving(create_app(settings), settings.port) as url:
        yield url


@pytest.fixture(scope="module")
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def alice(client: httpx.AsyncClient, signed_in: Callable[[str], str]) -> Person:
    return Person(client, signed_in("alice@example.com"))


@pytest.fixture(scope="module")
def bob(client: httpx.AsyncClient, signed_in: Callable[[str], str]) -> Person:
    return Person(client, signed_in("bob@example.com"))


@pytest.fixture(scope="module")
def door(vault: Vault) -> Door:
    """What stands behind the doors, for what no real client can do on purpose."""
    engine = Engine(schema.executable(), introspection=True)
    return Door(vault, Authenticator(vault), engine, Persisted(vault.documents, {}, only_trusted=False))


@pytest.fixture
def short_token(issuer: LocalIssuer) -> str:
    """Alice's token with two seconds left."""
    alice = by_email("alice@example.com")
    assert alice is not None
    return issuer.signer.access_token(alice, datetime.now(UTC) - timedelta(seconds=TOKEN_SECONDS - 2))
