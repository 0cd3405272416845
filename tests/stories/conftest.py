"""The real processes, begun once for all stories, and the three people who use them."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

# The stories share modules, and speak with the clients of other tests.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "gql"))
sys.path.insert(0, str(Path(__file__).parents[1] / "adapters"))

from asking import Person  # found by the lines above, as are the next two
from behind import Items, dynamodb, items_of, settled, stored_bytes
from dev_stack import DevStack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.story)


@pytest.fixture(scope="session")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevStack]:
    stack = DevStack(tmp_path_factory.mktemp("story") / "data")
    try:
        stack.start()
        yield stack
    finally:
        if stack.is_up:
            stack.stop()


@pytest.fixture
def stack(_stack: DevStack) -> DevStack:
    """The running vault, whole again whatever an earlier story did to it."""
    if not _stack.is_up:
        _stack.start()
    _stack.wait_ready()
    return _stack


@pytest.fixture
async def client(stack: DevStack) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps its connections, and adds nothing of its own."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as client:
        yield client


@pytest.fixture
def alice(stack: DevStack, client: httpx.AsyncClient) -> Person:
    return Person(client, stack.token("alice@example.com"))


@pytest.fixture
def bob(stack: DevStack, client: httpx.AsyncClient) -> Person:
    return Person(client, stack.token("bob@example.com"))


@pytest.fixture(scope="module")
async def quiet(_stack: DevStack) -> DevStack:
    """The vault when nothing moves in it by itself, and all three people have been here."""
    if not _stack.is_up:
        _stack.start()
    _stack.wait_ready()
    async with httpx.AsyncClient(base_url=_stack.url, timeout=60) as client:
        for name in ("alice", "bob", "mallory"):
            await Person(client, _stack.token(f"{name}@example.com")).root()
    await settled(_stack)
    return _stack


@pytest.fixture(scope="module")
async def table_reader(quiet: DevStack) -> AsyncIterator[Callable[[], Awaitable[Items]]]:
    """Reads all of the table, at once."""
    name = quiet.settings.table
    async with dynamodb(quiet) as client:
        yield lambda: items_of(client, name)


@pytest.fixture
async def untouched(quiet: DevStack, table_reader: Callable[[], Awaitable[Items]]) -> AsyncIterator[DevStack]:
    """A vault in which a test may change nothing: no record, no stored byte; nor may it make the API fail or die."""
    before, stored = await table_reader(), stored_bytes(quiet)
    failures, revivals = quiet.failures(), quiet.revivals("api")
    yield quiet
    assert await table_reader() == before
    assert stored_bytes(quiet) == stored
    assert (quiet.failures(), quiet.revivals("api")) == (failures, revivals)
