"""How often an answer asks Redis and the table: the same for few children and many, and nothing twice."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from asking import Person
from caches import patient

from benchmarks.rates.workloads import PAGE
from tests.actions.growing import stored
from vaultstream.actor import Actor
from vaultstream.adapters.cache.shelf import Shelf
from vaultstream.adapters.vault import Vault
from vaultstream.http.auth import Authenticator
from vaultstream.http.graphql import GraphQLEndpoint
from vaultstream.http.graphql_answers import KnownAnswers
from vaultstream.http.graphql_door import Door
from vaultstream.ids import FolderId
from vaultstream.pipelined import Pipelined
from vaultstream.pipelined.line import Line
from vaultstream.versions import ScanStatus

SIZES = (3, 25)
WARM_TRIPS = 4  # points taken, the page, who owns it and what is above it, points given back
FORESEEN_TRIPS = 2  # points taken and all the tokens, points given back

MUCH = """query ($few: ID!, $many: ID!, $file: ID!) {
  nodes(ids: [$few, $many, $file]) { id ... on Item { name parent { id } ancestors { name } owner { email } } }
  few: folder(id: $few) { children(first: 9) { edges { node { parent { name } capabilities { canRead } } } }
    shares(first: 9) { edges { node { grantee { displayName } grantedBy { email } } } }
    links(first: 9) { edges { node { id } } } }
  many: folder(id: $many) { children(first: 9, orderBy: { field: SIZE }) { edges { node { owner { displayName } } } }
    listed: children(first: 9, where: { namePrefix: "1" }) { edges { node { name ancestors { name } } } } }
  file(id: $file) { currentVersion { createdBy { displayName } file { name } }
    versions(first: 3) { edges { node { createdBy { email } } } }
    comments(first: 3) { edges { node { body author { displayName } } } } }
}"""


async def forgotten(*_: Any) -> None:
    """No answer is known."""


@pytest.fixture
async def ann(vault: Vault, alice: Person) -> AsyncIterator[Person]:
    """Alice at a door in this process: what it does can be counted."""
    endpoint = GraphQLEndpoint(vault, Authenticator(vault), introspection=True, graphiql=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://test") as client:
        with patient():
            yield Person(client, alice.token)


@pytest.fixture
async def folders(vault: Vault, door: Door, ann: Person) -> dict[int, str]:
    """A folder for each size, with so many files in it."""
    actor = await door.actor(
        {"type": "http", "headers": [], "client": None}, ann.headers | {"authorization": f"Bearer {ann.token}"}
    )
    return {size: await _filled(vault, actor, ann, size) for size in SIZES}


async def _filled(vault: Vault, actor: Actor, ann: Person, size: int) -> str:
    folder_id = await ann.folder(f"trips {secrets.token_hex(4)}")
    for number in range(size):
        await stored(vault, actor, FolderId(folder_id), f"{number}.txt", b"text", scan=ScanStatus.CLEAN)
    return folder_id


@contextmanager
def counted(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Writes to Redis, and requests to the table by their verb, while this lasts."""
    counts: Counter[str] = Counter()
    send, call = Line._send, vault.records._call

    def sent(line: Line) -> None:
        counts["redis"] += 1
        send(line)

    async def called(verb: str, **request: Any) -> Any:
        counts[verb] += 1
        return await call(verb, **request)

    with monkeypatch.context() as patched:
        patched.setattr(Line, "_send", sent)
        patched.setattr(vault.records, "_call", called)
        patched.setattr(vault.cache.trust, "_read_at", type(vault.cache.trust._read_at).now())  # type: ignore[union-attr]  # it was read
        yield counts


def unknown() -> str:
    """The page as nobody asked it before: what it is made of may be warm, the answer is not."""
    return f"# {secrets.token_hex(8)}\n{PAGE}"


async def test_a_page_made_of_what_is_warm_asks_the_table_nothing_and_redis_a_fixed_number_of_times(
    vault: Vault, ann: Person, folders: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for size, folder_id in folders.items():
        await ann.data(unknown(), id=folder_id)
        with counted(vault, monkeypatch) as counts:
            page = await ann.data(unknown(), id=folder_id)
        assert len(page["folder"]["children"]["edges"]) == size
        found[size] = dict(counts)
    assert all(set(counts) == {"redis"} for counts in found.values())
    assert max(counts["redis"] for counts in found.values()) <= WARM_TRIPS


async def test_a_page_that_was_asked_for_before_takes_no_more_trips_than_are_paid_for(
    vault: Vault, ann: Person, folders: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KnownAnswers, "find", forgotten)
    few, many = (folders[size] for size in SIZES)
    pages = [await ann.data(PAGE, id=folder_id) for folder_id in (few, many, few)]
    for folder_id, before in ((few, pages[0]), (many, pages[1])):
        with counted(vault, monkeypatch) as counts:
            assert await ann.data(PAGE, id=folder_id) == before
        assert counts == {"redis": FORESEEN_TRIPS}
    await vault.cache.invalidate([f"FOLDER#{many}"])
    with counted(vault, monkeypatch) as counts:
        assert await ann.data(PAGE, id=many) == pages[1]
    assert counts["query"] == 1


async def test_a_page_made_of_what_is_cold_queries_each_collection_once(
    vault: Vault, pipelined: Pipelined, ann: Person, folders: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for size, folder_id in folders.items():
        await ann.data(unknown(), id=folder_id)
        await pipelined.call("DEL", *await pipelined.call("KEYS", "v:*"))
        monkeypatch.setattr(vault.cache, "shelf", Shelf())
        with counted(vault, monkeypatch) as counts:
            await ann.data(unknown(), id=folder_id)
        del counts["redis"]  # as many as there are fills, and what falls together goes out together
        found[size] = dict(counts)
    assert found[SIZES[0]] == found[SIZES[1]] == {"query": 1, "batch_get_item": 2}


async def test_whatever_is_loaded_is_at_hand_once_it_was_foreseen(
    vault: Vault, ann: Person, bob: Person, folders: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = (folders[size] for size in SIZES)
    edges = (await ann.data(PAGE, id=few))["folder"]["children"]["edges"]
    file_id = edges[0]["node"]["id"]
    email = (await bob.data("{ viewer { email } }"))["viewer"]["email"]
    assert not (await ann.done("shareGrant", "ShareGrantInput", "", itemId=few, email=email, role="VIEWER"))["errors"]
    assert not (await ann.done("commentAdd", "CommentAddInput", "", fileId=file_id, body="Hello"))["errors"]
    monkeypatch.setattr(KnownAnswers, "find", forgotten)
    asked = {"few": few, "many": many, "file": file_id}
    before = [await ann.data(MUCH, **asked) for _ in range(2)][1]
    with counted(vault, monkeypatch) as counts:
        assert await ann.data(MUCH, **asked) == before
    assert counts == {"redis": FORESEEN_TRIPS}
