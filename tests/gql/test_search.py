"""Search through the contract: found, filtered, ordered, paged; and what cannot be looked for is told plainly."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from asking import Person
from doors import serving
from wires import Wire

from vaultstream.actions import indexing
from vaultstream.adapters.vault import Vault
from vaultstream.http.app import create_app
from vaultstream.local.probes import free_port
from vaultstream.settings import Secret, Settings

SEARCH = """
  query ($text: String!, $first: Int!, $after: String, $where: ItemWhere, $orderBy: ItemOrder) {
    search(text: $text, first: $first, after: $after, where: $where, orderBy: $orderBy) {
      edges { cursor node { __typename id name owner { displayName } } } pageInfo { hasNextPage endCursor }
    }
  }
"""


async def look(person: Person, text: str, **wanted: Any) -> list[str]:
    """The names found, page by page."""
    variables: dict[str, Any] = {"first": 100, **wanted}
    names: list[str] = []
    while True:
        page = (await person.data(SEARCH, text=text, **variables))["search"]
        names += [edge["node"]["name"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return names
        variables["after"] = page["pageInfo"]["endCursor"]


async def refused(person: Person, text: str, **wanted: Any) -> tuple[str, list[str] | None]:
    (error,) = (await person.ask(SEARCH, text=text, **{"first": 10, **wanted}))["errors"]
    return error["extensions"]["code"], error["extensions"].get("argument")


@pytest.fixture(scope="module")
def mallory(client: httpx.AsyncClient, signed_in: Callable[[str], str]) -> Person:
    return Person(client, signed_in("mallory@example.com"))


@pytest.fixture(scope="module")
async def place(vault: Vault, alice: Person, bob: Person) -> str:
    """A folder of Alice's with three files, which she shares with Bob; the index knows of them."""
    place = await alice.folder("quarter")
    files = [await alice.empty_file(name, place) for name in ("Quarter 1", "2nd quarter", "quarterly")]
    await alice.done("fileTagsSet", "FileTagsSetInput", "file { id }", fileId=files[2], tags=["Money"])
    await bob.root()
    given = {"itemId": place, "email": "bob@example.com", "role": "VIEWER"}
    assert (await alice.done("shareGrant", "ShareGrantInput", "share { id }", **given))["errors"] == []
    await indexing.refresh(vault, [place, *files])
    return place


async def test_items_are_found_by_name_by_those_who_may_see_them(alice: Person, bob: Person, place: str) -> None:
    assert await look(alice, "QUARTER") == ["quarter", "Quarter 1", "quarterly", "2nd quarter"]
    assert await look(bob, "quarter", first=1) == ["quarter", "Quarter 1", "quarterly", "2nd quarter"]
    assert await look(bob, "1") == ["Quarter 1"]
    found = (await bob.data(SEARCH, text="quarter", first=1))["search"]["edges"][0]["node"]
    assert (found["__typename"], found["id"], found["owner"]) == ("Folder", place, {"displayName": "Alice"})


async def test_they_are_filtered_and_ordered(alice: Person, bob: Person, place: str) -> None:
    assert await look(bob, "", where={"tags": ["money"]}) == ["quarterly"]
    assert await look(bob, "quarter", where={"kind": "FOLDER"}) == ["quarter"]
    assert await look(bob, "quarter", where={"namePrefix": "2"}) == ["2nd quarter"]
    viewer = (await bob.data("{ viewer { id } }"))["viewer"]["id"]
    assert await look(bob, "quarter", where={"ownerId": viewer}) == []
    by_name = {"field": "NAME", "direction": "DESC"}
    assert await look(bob, "quarter", orderBy=by_name, first=2) == ["quarterly", "Quarter 1", "quarter", "2nd quarter"]
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2000-01-01T00:00:00+14:00"):
        assert len(await look(alice, "quarter", where={"updatedFrom": moment})) == (0 if moment > "9" else 4)
    by_change = {"field": "UPDATED", "direction": "DESC"}
    assert (await look(alice, "quarter", orderBy=by_change))[0] == "quarterly"


async def test_a_stranger_finds_nothing(mallory: Person, place: str) -> None:
    assert await look(mallory, "quarter") == []
    assert await look(mallory, "", where={"inTrash": False, "kind": "FILE"}) == []


async def test_the_trash_is_for_its_owner_and_for_search(vault: Vault, alice: Person, bob: Person) -> None:
    file = await alice.empty_file("thrown")
    await alice.done("fileTrash", "FileTrashInput", "file { id }", fileId=file)
    await indexing.refresh(vault, [file])
    assert await look(alice, "thrown") == []
    assert await look(alice, "thrown", where={"inTrash": True}) == ["thrown"]
    assert await look(bob, "thrown", where={"inTrash": True}) == []
    children = (
        "query ($id: ID!) { folder(id: $id) { children(first: 1, where: {inTrash: true}) { edges { cursor } } } }"
    )
    (error,) = (await alice.ask(children, id=await alice.root()))["errors"]
    assert error["extensions"] == {"code": "INVALID", "argument": ["where", "inTrash"]}


@pytest.mark.parametrize("text", ["'; DROP SCHEMA search CASCADE; --", "%", "_%", "\\", "$1", "' OR '1'='1", '"', "{}"])
async def test_a_text_is_nothing_but_a_text(alice: Person, place: str, text: str) -> None:
    assert await look(alice, text) == []
    assert await look(alice, "", where={"contentTypePrefix": text[:127]}) == []
    assert await look(alice, "", where={"namePrefix": text}) == []
    assert "quarterly" in await look(alice, "quarterly")


async def test_what_cannot_be_looked_for_is_refused(alice: Person, place: str) -> None:
    for text in ("", "   ", "a\0b", "\n", "x" * 256):
        assert await refused(alice, text) == ("INVALID", ["text"])
    for where, name in (({"namePrefix": "a\0"}, "namePrefix"), ({"contentTypePrefix": "\0"}, "contentTypePrefix")):
        assert await refused(alice, "a", where=where) == ("INVALID", ["where", name])
    assert await refused(alice, "a", where={"tags": ["\0"]}) == ("INVALID", ["tags"])
    for owner in ("", "nobody", place, "user_' OR 1=1"):
        assert await refused(alice, "a", where={"ownerId": owner}) == ("INVALID", ["where", "ownerId"])
    assert await refused(alice, "a", first=0) == ("INVALID", ["first"])
    assert await refused(alice, "a", first=101) == ("INVALID", ["first"])


async def test_a_cursor_is_good_for_its_own_order_only(alice: Person, place: str) -> None:
    page = (await alice.data(SEARCH, text="quarter", first=1))["search"]
    cursor = page["edges"][0]["cursor"]
    assert page["pageInfo"] == {"hasNextPage": True, "endCursor": cursor}
    by_name = {"field": "NAME"}
    assert await refused(alice, "quarter", after=cursor, orderBy=by_name) == ("INVALID", ["after"])
    assert await refused(alice, "quarter", after="x") == ("INVALID", ["after"])


@pytest.fixture
async def cut_off(settings: Settings, alice: Person) -> AsyncIterator[Person]:
    """Alice at a vault whose PostgreSQL does not answer."""
    place = urlsplit(settings.postgres_dsn.reveal())
    user = place.netloc.rpartition("@")[0]
    async with Wire("127.0.0.1", place.port) as wire:
        wire.refuse()
        dsn = Secret(place._replace(netloc=f"{user}@127.0.0.1:{wire.port}").geturl())
        app = create_app(replace(settings, postgres_dsn=dsn))
        async with serving(app, free_port()) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
            yield Person(client, alice.token)


async def test_while_postgresql_is_down_search_says_so_and_nothing_else_does(cut_off: Person) -> None:
    assert await refused(cut_off, "quarter") == ("UNAVAILABLE", None)
    assert await cut_off.data("{ viewer { rootFolder { children(first: 1) { edges { cursor } } } } }")
