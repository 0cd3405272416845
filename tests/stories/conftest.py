"""The real processes, begun once for all stories, and the three people who use them."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

_HERE = Path(__file__).parent
for _shared in (_HERE, _HERE.parent / "gql", _HERE.parent / "adapters"):
    sys.path.insert(0, str(_shared))  # the stories share modules, and speak with the other tests' clients

from asking import Person  # found by the lines above
from behind import settled, stored_bytes, table_items
from dev_stack import DevStack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.story)


@pytest.fixture(scope="session")
def _stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevStack]:
    stack = DevStack(tmp_path_factory.mktemp("story") / "data")
    stack.start()
    try:
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


@pytest.fixture
async def untouched(quiet: DevStack) -> AsyncIterator[DevStack]:
    """A vault in which a test may change nothing: no record, no stored byte; nor may it make the API fail or die."""
    before, stored, api = await table_items(quiet), stored_bytes(quiet), quiet.part("api").pid
    failures = quiet.failures()
    yield quiet
    assert await table_items(quiet) == before
    assert stored_bytes(quiet) == stored
    assert quiet.part("api").pid == api
    assert quiet.failures() == failures
