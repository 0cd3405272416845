"""The vault behind its GraphQL door, and people who ask it."""

from collections.abc import AsyncIterator, Callable

import sys
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests here share `asking`

from asking import Person  # found by the line above
from doors import serving

from vaultstream.adapters.vault import Vault, opened
from vaultstream.http.app import create_app
from vaultstream.settings import Settings


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
