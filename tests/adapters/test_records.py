"""The table on a real server: conditions by index, reads in order, pages of any size, counters that never lose."""

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta
from operator import gt, lt
from typing import Any

import pytest
from faults import cancelled, faulty, lost
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream import quota, table
from vaultstream.actions import account
from vaultstream.actor import Actor
from vaultstream.adapters.records import Records, changes, items
from vaultstream.adapters.records.attributes import from_attributes, to_attributes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, UserId, ulid
from vaultstream.settings import Settings
from vaultstream.table import Key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ON_SERVERS: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def put(key: Key, refused: VaultError = changes.CHANGED_UNDERNEATH, **values: object) -> Change:
    """Any item at all, if it was not there."""
    item = to_attributes(key.attributes() | values)
    return Change("Put", {"Item": item, "ConditionExpression": "attribute_not_exists(PK)"}, refused)


def a_folder(vault: Vault, name: str = "name") -> Folder:
    parent = FolderId(vault.new_id("folder"))
    return Folder(FolderId(vault.new_id("folder")), UserId("user_1"), parent, name, NOW, NOW)


async def refusal(awaitable: Any) -> VaultError:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value


async def test_the_first_change_that_cannot_be_names_the_refusal_and_nothing_is_written(vault: Vault) -> None:
    keys = [Key("REFUSAL#1", f"{n}") for n in range(4)]
    codes = [Code.STALE, Code.NAME_TAKEN, Code.QUOTA_EXCEEDED, Code.UPLOAD_BUSY]
    wanted = [put(key, VaultError(code, f"{key.sk}", path=("x",))) for key, code in zip(keys, codes, strict=True)]
    for at in (3, 2, 1, 0):
        await vault.records.commit([put(keys[at])])
        error = await refusal(vault.records.commit(wanted))
        assert (error.code, error.message, error.path) == (codes[at], f"{at}", ("x",))
        there = await vault.records.collection("REFUSAL#1", limit=9)
        assert there == [key.attributes() for key in keys[at:]]


async def test_a_folder_that_was_written_meanwhile_is_stale(vault: Vault) -> None:
    folder = a_folder(vault)
    await vault.records.commit([changes.add(folder)])
    parent = FolderId(folder.parent_id or "")
    await vault.records.commit([changes.replace(folder.placed(parent, "one", NOW))])
    late = vault.records.commit([changes.replace(folder.placed(parent, "two", NOW))])
    assert (await refusal(late)).code is Code.STALE
    item = await vault.records.item(table.folder(folder.id))
    assert item is not None
    assert items.folder_from(item).name == "one"


async def test_a_name_is_free_again_when_its_claim_has_expired(vault: Vault) -> None:
    folder = a_folder(vault)
    claim = table.entry(folder.parent_id or "", "name")
    kept_until = NOW.isoformat(timespec="microseconds")
    await vault.records.commit([put(claim, kind=items.CLAIM, upload_id="upload_1", expires_at=kept_until)])
    taken = await refusal(vault.records.commit([changes.add_entry(folder, NOW)]))
    assert (taken.code, taken.path) == (Code.NAME_TAKEN, ("name",))
    await vault.records.commit([changes.add_entry(folder, NOW + timedelta(microseconds=1))])


async def test_an_event_is_written_with_its_change_or_not_at_all(vault: Vault) -> None:
    event = Event(vault.unique(), EventName.FOLDER_CREATED, vault.now(), "user_1", "request-1")
    key = Key("WITH#1", "event")
    await vault.records.commit([put(key)], [event])
    other = Event(vault.unique(), EventName.FOLDER_CREATED, vault.now(), "user_1", "request-1")
    await refusal(vault.records.commit([put(key)], [other]))
    assert await vault.records.item(table.outbox(event.id)) is not None
    assert await vault.records.item(table.outbox(other.id)) is None


async def test_more_than_a_hundred_changes_are_our_own_mistake(vault: Vault) -> None:
    with pytest.raises(ValueError, match="100"):
        await vault.records.commit([put(Key("MANY#1", f"{n}")) for n in range(101)])
    await vault.records.commit([put(Key("MANY#1", f"{n}")) for n in range(100)])
    assert len(await vault.records.collection("MANY#1", limit=200)) == 100


async def test_items_come_in_the_order_of_their_keys_with_none_for_what_is_not_there(vault: Vault) -> None:
    keys = [Key("BATCH#1", f"{n:03d}") for n in range(230)]
    for at in range(0, 230, 100):
        await vault.records.commit([put(key, n=at) for key in keys[at : at + 100]])
    asked = [*keys, Key("BATCH#1", "no"), *keys[:5], Key("BATCH#2", "000")]
    random.Random(3).shuffle(asked)
    found = await vault.records.items(asked)
    there = set(keys)
    assert [item and Key(item["PK"], item["SK"]) for item in found] == [key if key in there else None for key in asked]
    assert await vault.records.items([]) == []


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
SORT_KEYS = sorted({*(f"{n:02d}" for n in range(20)), "e\u0301", "\xe9", "ß", "漢", "😀", "a", "A", "a#", "a$", "￿"})
BOUNDS = st.none() | st.sampled_from(SORT_KEYS) | NAMES
assert sorted(SORT_KEYS, key=str.encode) == SORT_KEYS


@pytest.fixture(scope="module")
async def a_collection(vault: Vault) -> str:
    """A collection that properties read and nobody writes."""
    await vault.records.commit([put(Key("SORTED#1", sk)) for sk in SORT_KEYS])
    return "SORTED#1"


@tried(**ON_SERVERS, max_examples=150)
@given(st.lists(BOUNDS, min_size=2, max_size=2), st.integers(1, 35), st.booleans())
@example(["05", "09"], 4, True)
@example(["05", "09"], 4, False)
async def test_a_collection_reads_like_a_sorted_list(
    vault: Vault, a_collection: str, bounds: list[str | None], limit: int, forward: bool
) -> None:
    after, until = bounds
    beyond, within = (gt, lt) if forward else (lt, gt)
    if after is not None and until is not None and within(until, after):
        after, until = until, after
    found = await vault.records.collection(a_collection, after=after, until=until, limit=limit, forward=forward)
    ordered = SORT_KEYS if forward else SORT_KEYS[::-1]
    wanted = [
        sk
        for sk in ordered
        if (after is None or beyond(sk, after)) and (until is None or sk == until or within(sk, until))
    ]
    assert [item["SK"] for item in found] == wanted[:limit]


async def test_a_collection_larger_than_a_page_is_read_whole_both_ways(vault: Vault, settings: Settings) -> None:
    keys = [Key("LARGE#1", f"{n}") for n in range(9)]
    for key in keys:
        await vault.records.commit([put(key, filler=b"x" * 300_000)])
    async with faulty(settings, "dynamodb") as (faults, client):
        records = Records(client, settings.table)
        for forward in (True, False):
            found = await records.collection("LARGE#1", limit=8, forward=forward)
            ordered = keys if forward else keys[::-1]
            assert [item["SK"] for item in found] == [key.sk for key in ordered[:8]]
        assert faults.calls["Query"] >= 4
        middle = await records.collection("LARGE#1", after="1", until="6", limit=9)
        assert [item["SK"] for item in middle] == ["2", "3", "4", "5", "6"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=8,
)


def without_nothing(value: object) -> object:
    """What the table keeps: a name without a value is not kept, within a list it is."""
    if isinstance(value, dict):
        return {name: without_nothing(inner) for name, inner in value.items() if inner is not None}
    return [without_nothing(inner) for inner in value] if isinstance(value, list) else value


@tried(**ON_SERVERS, max_examples=60)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), VALUES, max_size=4))
async def test_values_come_back_from_the_table_as_they_went(vault: Vault, values: dict[str, object]) -> None:
    assert from_attributes(to_attributes(values)) == without_nothing(values)
    key = Key("VALUES#1", vault.unique())
    await vault.records.commit([put(key, value=values)])
    found = await vault.records.item(key)
    assert found is not None
    assert found["value"] == without_nothing(values)


async def test_events_wait_in_the_outbox_in_order_until_they_are_delivered(vault: Vault) -> None:
    start = int(NOW.timestamp() * 1000)
    events = [
        Event(ulid(start + n, os.urandom(10)), EventName.USER_CREATED, NOW, "user_1", f"request-{n}") for n in range(70)
    ]
    for at in range(0, 70, 35):
        await vault.records.commit([], events[at : at + 35])

    async def waiting(before: str, limit: int = 100) -> list[str]:
        shards = [await vault.records.undelivered(shard, before, limit) for shard in table.outbox_shards()]
        assert all(shard == sorted(shard, key=lambda event: event.id) for shard in shards)
        assert all(len(shard) <= limit for shard in shards)
        assert all(event in events for shard in shards for event in shard)
        return sorted(event.id for shard in shards for event in shard)

    ids = [event.id for event in events]
    end = ulid(start + 70, bytes(10))
    assert await waiting(end) == ids
    assert await waiting(ids[30]) == ids[:30]
    assert len(await waiting(end, limit=2)) == 2 * table.OUTBOX_SHARDS
    await vault.records.delivered([*ids[:60], ids[0]])
    await vault.records.delivered(ids[:60])
    assert await waiting(end) == ids[60:]


async def test_work_falls_due_at_its_time_the_oldest_first(vault: Vault) -> None:
    def due(n: int) -> Change:
        at = (NOW + timedelta(seconds=n)).isoformat(timespec="microseconds")
        return put(Key(f"DUE#{n}", "#"), n=n, GSI3PK="DUE#TEST#0", GSI3SK=f"{at}#{n}")

    await vault.records.commit([due(n) for n in (4, 1, 3, 2)])
    found = await vault.records.due("DUE#TEST#0", NOW + timedelta(seconds=4), 9)
    assert [item["n"] for item in found] == [1, 2, 3]
    assert [item["n"] for item in await vault.records.due("DUE#TEST#0", NOW + timedelta(seconds=9), 2)] == [1, 2]


@tried(**ON_SERVERS, max_examples=4)
@given(st.lists(st.integers(1, 30), min_size=50, max_size=50), st.integers(0, 2**32))
async def test_fifty_writers_on_one_quota_lose_nothing_and_overdraw_nothing(
    vault: Vault, settings: Settings, newcomer: Any, sizes: list[int], seed: int
) -> None:
    """Among the writers are some whose answers get lost and some who run into each other."""
    person: Actor = await newcomer()
    before = (await account.viewer(vault, person.user_id)).storage
    kept = 300
    await vault.records.commit([changes.move_quota(person.user_id, quota.reserve(before.left_bytes - kept))])
    async with faulty(settings, "dynamodb", attempts=4) as (faults, client):
        records = Records(client, settings.table)
        faults.plan("TransactWriteItems", cancelled("TransactionConflict", "None"), times=seed % 15)
        faults.plan("TransactWriteItems", lost, times=seed % 4)

        async def reserve(size: int) -> int:
            try:
                await records.commit(
                    [changes.move_quota(person.user_id, quota.reserve(size)), put(Key("WROTE#1", vault.unique()))]
                )
            except VaultError as error:
                assert error.code is Code.QUOTA_EXCEEDED
                return 0
            return size

        taken = await asyncio.gather(*map(reserve, sizes))
    item = await vault.records.item(table.user(person.user_id))
    assert item is not None
    storage = items.user_from(item).storage  # from the table: these writers end nothing that is cached
    assert storage.reserved_bytes == before.left_bytes - kept + sum(taken)
    assert storage.left_bytes == kept - sum(taken) >= 0
    assert sum(sizes) <= kept or storage.left_bytes < max(sizes)
