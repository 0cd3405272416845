"""The search index against a real PostgreSQL: what it proposes, in what order, by which of its own indexes."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import parts as world
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wires import Wire

from vaultstream import names
from vaultstream.adapters import search_statements
from vaultstream.adapters.search_index import SearchIndex, SearchUnavailable
from vaultstream.errors import Code
from vaultstream.ids import FileId, FolderId, ItemId, UserId, ulid
from vaultstream.listing import ItemKind, ItemOrder, ItemOrderField, ItemWhere
from vaultstream.search import Indexed, Place, Scope, Sought
from vaultstream.versions import ScanStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
async def dsn(postgres_dsn: str) -> str:
    return (await world.new_database(postgres_dsn)).reveal()


@pytest.fixture
async def index(dsn: str) -> AsyncIterator[SearchIndex]:
    index = SearchIndex(dsn)
    yield index
    await index.close()


@pytest.fixture
async def owner(postgres_dsn: str, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(urlsplit(postgres_dsn)._replace(path=urlsplit(dsn).path).geturl())
    yield connection
    await connection.close()


def unique() -> str:
    return ulid(0, os.urandom(10))


def someone() -> UserId:
    return UserId(f"user_{unique()}")


def row(owner_id: UserId, name: str, parent_id: ItemId | None = None, **changes: Any) -> Indexed:
    """A file; with `kind`, a folder."""
    kind = changes.get("kind", ItemKind.FILE)
    item_id = FileId(f"file_{unique()}") if kind is ItemKind.FILE else FolderId(f"folder_{unique()}")
    made = Indexed(
        id=item_id,
        owner_id=owner_id,
        parent_id=parent_id or FolderId(f"folder_{unique()}"),
        kind=kind,
        name=names.fold(name),
        content_type="text/plain" if kind is ItemKind.FILE else None,
        tags=(),
        scan_status=ScanStatus.CLEAN if kind is ItemKind.FILE else None,
        size_bytes=0,
        updated_at=NOW,
        is_trashed=False,
        stamp=1,
    )
    return replace(made, **changes)


def own(owner_id: UserId) -> Scope:
    return Scope(owner_id, (owner_id,))


async def proposed(
    index: SearchIndex, sought: Sought, scope: Scope, limit: int = 100, examined: int = 1000
) -> list[str]:
    """The names of all candidates, page by page."""
    found: list[str] = []
    after: Place | None = None
    while True:
        page = await index.candidates(sought, scope, after, limit, examined=examined)
        found += [place.name for place in page.found]
        if page.end is None:
            return found
        after = page.end


NAMES = [
    "alpha",
    "alphabet",
    "beta",
    "the alps",
    "100%",
    "1000",
    "a_b",
    "axb",
    "straße",
    "'; drop table",
    "日本語",
    "x",
]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("alp", ["alpha", "alphabet", "the alps"]),
        ("bet", ["beta", "alphabet"]),
        ("a", ["a_b", "alpha", "alphabet", "axb", "'; drop table", "beta", "strasse", "the alps"]),
        ("ta", ["'; drop table", "beta"]),
        ("%", ["100%"]),
        ("_", ["a_b"]),
        ("00%", ["100%"]),
        ("a_b", ["a_b"]),
        ("'; drop table", ["'; drop table"]),
        ("本", ["日本語"]),
        ("日本語", ["日本語"]),
        ("\\", []),
        ("missing", []),
        ("x" * 255, []),
    ],
)
async def test_a_text_is_found_anywhere_and_names_that_begin_with_it_come_first(index: SearchIndex, text, found):
    person = someone()
    await index.put([row(person, name) for name in NAMES])

    assert await proposed(index, Sought(text), own(person)) == found


async def test_each_condition_leaves_out_what_it_says(index: SearchIndex):
    person, other = someone(), someone()
    first = row(person, "one", content_type="image/png", tags=("a", "b"), scan_status=ScanStatus.INFECTED)
    second = row(person, "two", updated_at=NOW + timedelta(days=1), tags=("a",))
    await index.put([first, second, row(person, "three", kind=ItemKind.FOLDER), row(other, "four")])

    async def where(**conditions: Any) -> set[str]:
        return set(await proposed(index, Sought("", ItemWhere(**conditions)), own(person)))

    assert await where() == {"one", "two", "three"}
    assert await where(kind=ItemKind.FOLDER) == {"three"}
    assert await where(name_prefix="T") == {"two", "three"}
    assert await where(content_type_prefix="IMAGE/") == {"one"}
    assert await where(content_type_prefix="") == {"one", "two"}
    assert await where(tags=("a",)) == {"one", "two"}
    assert await where(tags=("a", "b")) == {"one"}
    assert await where(scan_status=ScanStatus.INFECTED) == {"one"}
    assert await where(updated_from=NOW + timedelta(days=1)) == {"two"}
    assert await where(updated_before=NOW + timedelta(days=1)) == {"one", "three"}
    assert await where(kind=ItemKind.FILE, tags=("a",), name_prefix="t") == {"two"}


async def test_what_lies_in_the_trash_is_told_by_what_is_above_it(index: SearchIndex):
    person = someone()
    outer = row(person, "outer", kind=ItemKind.FOLDER)
    inner = row(person, "inner", outer.id, kind=ItemKind.FOLDER)
    await index.put([outer, inner, row(person, "leaf", inner.id), row(person, "kept")])
    await index.put([replace(outer, is_trashed=True, stamp=2)])

    assert await proposed(index, Sought("", ItemWhere()), own(person)) == ["kept"]
    assert await proposed(index, Sought("", ItemWhere(in_trash=True)), own(person)) == ["inner", "leaf", "outer"]


async def test_of_others_only_what_is_shared_or_lies_under_it_is_proposed(index: SearchIndex):
    person, other, stranger = someone(), someone(), someone()
    shared = row(other, "a shared", kind=ItemKind.FOLDER)
    below = row(other, "a below", shared.id, kind=ItemKind.FOLDER)
    await index.put([shared, below, row(other, "a deep", below.id), row(other, "a secret"), row(person, "a mine")])
    await index.put([row(stranger, "a stranger's")])

    scope = Scope(person, (person, other), (shared.id,))
    assert await proposed(index, Sought("a"), scope) == ["a below", "a deep", "a mine", "a shared"]
    assert await proposed(index, Sought("a"), Scope(person, (other,), (below.id,))) == ["a below", "a deep"]
    assert await proposed(index, Sought("a"), Scope(person, ())) == []


async def test_rows_of_different_moments_that_form_a_circle_end(index: SearchIndex):
    person = someone()
    one, two = row(person, "one", kind=ItemKind.FOLDER), row(person, "two", kind=ItemKind.FOLDER)
    await index.put([replace(one, parent_id=two.id), replace(two, parent_id=one.id)])

    assert await proposed(index, Sought("o"), own(person)) == ["one", "two"]


async def test_more_than_is_examined_at_once_is_found_in_the_end(index: SearchIndex):
    person, other = someone(), someone()
    shared = row(other, "z shared")
    await index.put([*(row(other, f"secret {number}") for number in range(35)), shared])
    scope = Scope(person, (person, other), (shared.id,))

    first = await index.candidates(Sought("s"), scope, None, 5, examined=10)
    assert (first.found, first.end is not None) == ((), True)
    assert await proposed(index, Sought("s"), scope, 5, 10) == ["z shared"]


ORDERS = [None, *(ItemOrder(field, down) for field in ItemOrderField for down in (False, True))]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_in_any_order_are_the_whole_sorted_once(index: SearchIndex, order: ItemOrder | None, limit: int):
    person = someone()
    rows = [
        row(
            person,
            f"{'ab'[number % 2]}{number % 5} a",
            size_bytes=number % 3,
            updated_at=NOW + timedelta(microseconds=number % 4),
        )
        for number in range(20)
    ]
    await index.put(rows)

    def key(it: Indexed) -> tuple[object, ...]:
        match order.field if order else None:
            case None:
                return (not it.name.startswith("a"), it.name, it.id)
            case ItemOrderField.NAME:
                return (it.name, it.id)
            case ItemOrderField.UPDATED:
                return (it.updated_at, it.name, it.id)
        return (it.size_bytes, it.name, it.id)

    expected = sorted(rows, key=key, reverse=bool(order and order.descending))
    assert await proposed(index, Sought("a", order=order), own(person), limit) == [it.name for it in expected]


writes = st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), max_size=4), max_size=6)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=writes)
async def test_whatever_comes_in_whatever_order_the_newest_state_stays(index: SearchIndex, batches):
    person = someone()
    items = [row(person, f"{number}") for number in range(3)]

    for batch in batches:
        await index.put([replace(items[number], name=f"{number} at {stamp}", stamp=stamp) for number, stamp in batch])

    newest: dict[int, int] = {}
    for number, stamp in (each for batch in batches for each in batch):
        newest[number] = max(stamp, newest.get(number, 0))
    assert await proposed(index, Sought("at"), own(person)) == [
        f"{number} at {stamp}" for number, stamp in sorted(newest.items())
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_candidates_are_those_whose_name_holds_the_text(index: SearchIndex, data: st.DataObject):
    letters = st.text(st.sampled_from("aAbß%_\\'日é"), min_size=1, max_size=6)
    given_names, text = data.draw(st.lists(letters, max_size=8)), names.fold(data.draw(letters))
    person = someone()
    rows = [row(person, name) for name in given_names]
    await index.put(rows)

    expected = sorted((not it.name.startswith(text), it.name) for it in rows if text in it.name)
    assert await proposed(index, Sought(text), own(person)) == [name for _, name in expected]


async def test_the_same_state_is_written_again_only_where_the_index_is_made_anew(index: SearchIndex):
    person = someone()
    it = row(person, "first")
    await index.put([it])
    await index.put([replace(it, name="second")])
    assert await proposed(index, Sought("s"), own(person)) == ["first"]
    await index.put([replace(it, name="second")], anew=True)
    assert await proposed(index, Sought("s"), own(person)) == ["second"]
    await index.put([replace(it, name="third", stamp=0)], anew=True)
    assert await proposed(index, Sought("s"), own(person)) == ["second"]


async def test_ids_are_walked_in_their_order_and_removed(index: SearchIndex):
    person = someone()
    rows = [row(person, f"{number}") for number in range(5)]
    await index.put([*rows, row(someone(), "other")])
    ids = sorted(it.id for it in rows)

    assert await index.ids("", 3, owner_id=person) == ids[:3]
    assert await index.ids(ids[2], 3, owner_id=person) == ids[3:]
    assert set(await index.ids("", 1000)) > set(ids)
    await index.remove(ids[:2])
    await index.remove([])
    assert await index.ids("", 9, owner_id=person) == ids[2:]


async def test_a_server_that_is_gone_is_unavailable_until_it_is_back(dsn: str):
    place = urlsplit(dsn)
    async with Wire("127.0.0.1", place.port) as wire:
        user = place.netloc.rpartition("@")[0]
        index = SearchIndex(place._replace(netloc=f"{user}@127.0.0.1:{wire.port}").geturl())
        wire.refuse()
        for call in (
            index.put([row(someone(), "a")]),
            index.remove([FileId("file_1")]),
            index.ids("", 1),
            index.candidates(Sought("a"), own(someone()), None, 1, examined=1),
        ):
            with pytest.raises(SearchUnavailable) as caught:
                await call
            assert caught.value.code is Code.UNAVAILABLE
        wire.restore()
        assert await proposed(index, Sought("a"), own(someone())) == []
        await index.close()


def nodes(plan: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [plan, *(inner for each in plan.get("Plans", ()) for inner in nodes(each))]


FILLED = """
INSERT INTO search.items (id, owner_id, parent_id, kind, name, grams, tags, size_bytes, updated_at, is_trashed, stamp)
SELECT 'file_' || number, $1, 'folder_' || number % 1000, 'FILE', name,
    ARRAY(SELECT DISTINCT substr(name, place, length) FROM generate_series(1, length(name)) place,
        (VALUES (2), (3)) lengths(length) WHERE place + length <= length(name) + 1),
    ARRAY['tag ' || number % 500], number, now() - number * interval '1 minute', false, 1
FROM (SELECT number, md5(number::text) || ' ' || number AS name FROM generate_series(1, 100000) number) made
"""


@pytest.fixture(scope="module")
async def crowded(postgres_dsn: str) -> AsyncIterator[tuple[asyncpg.Connection, UserId]]:
    """A database of its own in which one person has 100,000 files."""
    dsn = (await world.new_database(postgres_dsn)).reveal()
    owner_dsn = urlsplit(postgres_dsn)._replace(path=urlsplit(dsn).path).geturl()
    connection = await asyncpg.connect(owner_dsn, server_settings=search_statements.PLANNING)
    person = someone()
    await connection.execute(FILLED, person)
    await connection.execute("ANALYZE search.items")
    yield connection, person
    await connection.close()


@pytest.mark.parametrize(
    ("sought", "used"),
    [
        (Sought("abcd"), "items_grams"),
        (Sought("abc"), "items_grams"),
        (Sought("ab"), "items_grams"),
        (Sought("zz"), "items_grams"),
        (Sought("", ItemWhere(name_prefix="abc")), "items_name"),
        (Sought("b", order=ItemOrder()), "items_name"),
        (Sought("", ItemWhere(tags=("tag 7",))), "items_tags"),
        (Sought("", ItemWhere(updated_from=datetime.now(UTC) - timedelta(hours=5))), "items_updated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_among_a_hundred_thousand_the_fitting_index_is_used(crowded, sought: Sought, used: str):
    connection, person = crowded
    statement, values = search_statements.candidates(sought, own(person), None, 21, examined=2000)

    answer = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *values))

    steps = nodes(answer[0]["Plan"])
    assert used in {step.get("Index Name") for step in steps}
    assert not [step for step in steps if step["Node Type"] == "Seq Scan"]
    looked_up = [step for step in steps if step.get("Index Name") == "items_pkey"]
    assert all(step["Actual Loops"] <= 2000 for step in looked_up)
