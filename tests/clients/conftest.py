"""The vault as partners see it: served on a port, asked by the clients that they use."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from doors import CLEAN, TUS, Tus, judged, metadata, serving

from vaultstream.adapters.vault import Vault, opened
from vaultstream.http.app import create_app
from vaultstream.ids import FileId
from vaultstream.settings import Settings

# The tests here share `programs`, and ask as those of the GraphQL door do.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "gql"))

from asking import Person  # found by the line above
from programs import World


@pytest.fixture(scope="module")
async def vault(settings: Settings) -> AsyncIterator[Vault]:
    """The same vault as the served one, to do in it what its workers would."""
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
async def bob(client: httpx.AsyncClient, signed_in: Callable[[str], str]) -> Person:
    """He has been here once, so that things can be shared with him."""
    bob = Person(client, signed_in("bob@example.com"))
    await bob.root()
    return bob


@pytest.fixture
async def world(vault: Vault, url: str, client: httpx.AsyncClient, alice: Person, bob: Person) -> World:
    """What a program needs to know to begin, with a file of two clean versions already there."""
    tus = Tus(client, alice.token)
    folder_id = await alice.folder(f"world {vault.new_id('folder')}")
    file_id = await alice.empty_file("report.txt", folder_id)
    await judged(vault, FileId(file_id), *CLEAN)
    described = metadata(fileId=file_id, filetype="text/plain")
    answer = await tus.create(12, b"second words", **described)
    assert answer.status_code == 201, (answer.text, TUS)
    await judged(vault, FileId(file_id), *CLEAN)
    return World(f"{url}/graphql", alice.token, bob.token, folder_id, file_id)
