"""A vault behind its real doors for each module here, and two people who know nothing of each other."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from doors import Tus, serving

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
    """Where the vault is served: its public address."""
    async with serving(create_app(settings), settings.port) as url:
        assert url == settings.public_url
        yield url


@pytest.fixture(scope="module")
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that adds nothing of its own."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def alice(client: httpx.AsyncClient, signed_in: Callable[[str], str]) -> Tus:
    return Tus(client, signed_in("alice@example.com"))


@pytest.fixture(scope="module")
def bob(client: httpx.AsyncClient, signed_in: Callable[[str], str]) -> Tus:
    return Tus(client, signed_in("bob@example.com"))
