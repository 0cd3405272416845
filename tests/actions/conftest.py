"""A vault of the test module's own, with the people who use it."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from vaultstream.actions import account
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.vault import Vault, opened
from vaultstream.settings import Settings

Newcomer = Callable[[], Awaitable[Actor]]


@pytest.fixture(scope="module")
async def vault(settings: Settings) -> AsyncIterator[Vault]:
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
