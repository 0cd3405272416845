"""What a process reads through Redis: the table's answers, asked once, and never older than an acknowledged write."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from caches import Late, counting, patient, several
from redis.asyncio import Redis

from vaultstream import dependencies, table
from vaultstream.adapters.cache import Cache, Foresight, fills
from vaultstream.adapters.cache.seal import Seal
from vaultstream.adapters.cache.shelf import SECONDS_MAX, Made, Shelf
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.records import changes
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.dependencies import Dependencies
from vaultstream.metrics import CACHE_LOOKUPS, CACHE_SHELF_BYTES
from vaultstream.pipelined import Pipelined
from vaultstream.settings import Settings
from vaultstream.table import Key


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    with patient():
        yield


def new_key(sk: str = "#FOLDER") -> Key:
    return Key(f"FOLDER#{secrets.token_hex(8)}", sk)


def put(key: Key, **values: Any) -> Change:
    return Change("Put", {"Item": to_attributes(key.attributes() | values)}, changes.STALE)


async def value_at(vault: Vault, key: Key) -> Any:
    found = await vault.reads.item(key, dict)
    return found and found["value"]


def rows(found: list[dict[str, Any]]) -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple((item["SK"], item) for item in found)


def forgetful(vault: Vault) -> Vault:
    """The same process as if it had made nothing of any entry yet: it has to open what Redis holds."""
    vault.cache.shelf = Shelf()
    return vault


async def entries(redis: Redis, key: Key) -> list[bytes]:
    return [name async for name in redis.scan_iter(f"e:{{{key.pk}}}*")]


async def test_what_was_read_once_is_read_from_redis(vault: Vault, settings: Settings) -> None:
    key = new_key()
    await vault.commit([put(key, value=1, body=b"\0\xff", many=[b"x", {"of": None}], text="é")])
    async with counting(vault, settings) as (faults, seen):
        first = await seen.reads.item(key, dict)
        assert first == await vault.records.item(key)
        for it in (forgetful(seen), seen):
            assert [await it.reads.item(key, dict), await it.reads.items([key, key], dict)] == [first, [first, first]]
        assert faults.calls == {"GetItem": 1}


async def test_a_collection_is_one_query_and_each_way_to_ask_for_it_is_an_entry_of_its_own(
    vault: Vault, settings: Settings
) -> None:
    pk = new_key().pk
    await vault.commit([put(Key(pk, f"ENTRY#{n}"), value=n) for n in range(9)])
    asked: list[dict[str, Any]] = [
        {"limit": 3}, {"limit": 4}, {"limit": 4, "forward": False}, {"limit": 4, "after": "ENTRY#3"},
        {"limit": 4, "until": "ENTRY#3"}, {"limit": 9, "after": "ENTRY#3", "until": "ENTRY#5"},
        {"limit": 9, "after": "ENTRY#3", "forward": False},
    ]  # fmt: skip
    between = [
        ("ENTRY#1", "ENTRY#4", None, True),
        ("ENTRY#1", "ENTRY#4", "ENTRY#2", True),
        ("ENTRY#1", "ENTRY#4", None, False),
    ]
    async with counting(vault, settings) as (faults, seen):
        for _ in range(3):
            for one in asked:
                for it in (seen, forgetful(seen)):
                    found = await it.reads.collection(pk, dict, **one)
                    assert found == rows(await vault.records.collection(pk, **one)), one
            for low, high, after, forward in between:
                span = {"after": after, "limit": 3, "forward": forward}
                found = await seen.reads.between(pk, dict, low, high, **span)
                assert found == rows(await vault.records.between(pk, low, high, **span))
        assert faults.calls == {"Query": len(asked) + len(between)}


async def test_of_many_items_only_those_are_asked_of_the_table_that_redis_lacks(
    vault: Vault, settings: Settings
) -> None:
    keys = [new_key() for _ in range(120)]
    for at in range(0, 120, 60):
        await vault.commit([put(key, value=n) for n, key in enumerate(keys[at : at + 60])])
    gone = new_key()
    async with counting(vault, settings) as (faults, seen):
        known = await seen.reads.items(keys[:60], dict)
        assert faults.calls == {"BatchGetItem": 1}
        every = await seen.reads.items([gone, *keys], dict)
        assert every == [None, *await vault.records.items(keys)]
        assert every[1:61] == known
        assert faults.calls == {"BatchGetItem": 2}
        assert await seen.reads.items([gone, *keys], dict) == every
        assert faults.calls == {"BatchGetItem": 2}


async def test_a_read_that_begins_after_a_write_was_acknowledged_sees_it(vault: Vault, settings: Settings) -> None:
    key = new_key()
    async with several(settings, 2) as ((_, one), (_, other)):
        for value in range(20):
            await (one, other)[value % 2].commit([put(key, value=value)])
            assert [await value_at(it, key) for it in (one, other, vault)] == [value] * 3


async def race(vault: Vault, settings: Settings) -> list[Any]:
    """What two later readers see where a slow read of the table ends after a write that it does not know of."""
    key, late = new_key(), Late()
    await vault.commit([put(key, value="old")])
    async with counting(vault, settings) as (faults, slow), several(settings, 1) as ((_, other),):
        faults.plan("GetItem", late, times=1)
        first = asyncio.create_task(value_at(slow, key))
        await late.has_answered.wait()
        await vault.commit([put(key, value="new")])
        assert await value_at(other, key) == "new"
        late.let_go()
        assert await first == "old"  # it began before the write
        await vault.cache.link.done("PING")  # what it stored has arrived by now
        return [await value_at(forgetful(it), key) for it in (vault, other)]


async def test_a_late_fill_never_hides_a_write(vault: Vault, settings: Settings) -> None:
    assert await race(vault, settings) == ["new", "new"]


async def test_without_the_comparison_of_tokens_that_race_is_lost(
    vault: Vault, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Seal._cipher
    monkeypatch.setattr(Seal, "_cipher", lambda seal, name, world, _: made(seal, name, world, b""))
    assert await race(vault, settings) == ["old", "old"]


async def test_who_joins_a_read_under_way_saw_no_write_since_it_began(vault: Vault, settings: Settings) -> None:
    key, late = new_key(), Late()
    await vault.commit([put(key, value="old")])
    async with counting(vault, settings) as (faults, seen):
        faults.plan("GetItem", late, times=1)
        early = [asyncio.create_task(value_at(seen, key)) for _ in range(20)]
        await late.has_answered.wait()
        await vault.commit([put(key, value="new")])
        assert await asyncio.gather(*(value_at(seen, key) for _ in range(20))) == ["new"] * 20
        assert faults.calls == {"GetItem": 2}
        late.let_go()
        assert await asyncio.gather(*early) == ["old"] * 20


async def test_who_stops_waiting_takes_nobody_along(vault: Vault, settings: Settings) -> None:
    key, late = new_key(), Late()
    await vault.commit([put(key, value=1)])
    async with counting(vault, settings) as (faults, seen):
        faults.plan("GetItem", late, times=1)
        first, second = (asyncio.create_task(value_at(seen, key)) for _ in range(2))
        await late.has_answered.wait()
        first.cancel()
        late.let_go()
        assert await second == 1
        assert faults.calls == {"GetItem": 1}


async def test_a_hot_collection_is_read_once_by_all_processes(vault: Vault, settings: Settings) -> None:
    key = new_key()
    await vault.commit([put(key, value=1)])
    async with counting(vault, settings) as (faults, counted), several(settings, 3) as processes:
        seen = [replace(one, records=counted.records) for _, one in processes]
        for one in seen:
            await one.cache.world()
        pages = await asyncio.gather(*(one.reads.collection(key.pk, dict, limit=5) for one in seen for _ in range(10)))
        assert pages == [((key.sk, key.attributes() | {"value": 1}),)] * 30
        assert faults.calls["Query"] == 1


@pytest.mark.parametrize("garbage", [b"", b"x", b"{}", secrets.token_bytes(12), secrets.token_bytes(4000)], ids=len)
async def test_damaged_entries_and_tokens_are_misses(vault: Vault, settings: Settings, garbage: bytes) -> None:
    key = new_key()
    await vault.commit([put(key, value=1)])
    async with Redis.from_url(settings.redis_url.reveal()) as redis, counting(vault, settings) as (faults, seen):
        assert await value_at(seen, key) == 1
        (entry,) = await entries(redis, key)
        token, whole = f"v:{{{key.pk}}}", await redis.get(entry)
        for name, damaged in ((entry, garbage), (entry, bytes([whole[0] ^ 1]) + whole[1:]), (token, garbage)):
            faults.heal()
            await redis.set(name, damaged)
            assert [await value_at(forgetful(seen), key) for _ in range(2)] == [1, 1]
            assert faults.calls == {"GetItem": 1}
        await redis.delete(entry, token)
        await redis.rpush(entry, garbage)
        await redis.rpush(token, garbage)
        assert [await value_at(forgetful(seen), key) for _ in range(2)] == [1, 1]


async def test_redis_holds_nothing_that_can_be_read_without_the_secret(vault: Vault, settings: Settings) -> None:
    pk, name = new_key().pk, "the-name-of-a-file"
    await vault.commit([put(Key(pk, f"ENTRY#{name}"), value=name)])
    await vault.reads.collection(pk, dict, after=f"ENTRY#{name[:-1]}", limit=1)
    async with Redis.from_url(settings.redis_url.reveal()) as redis:
        kept = {each: await redis.get(each) async for each in redis.scan_iter(f"*{pk}*")}
    assert len(kept) == 2
    assert not any(name.encode() in each for pair in kept.items() for each in pair)
    another = Seal("another secret")
    world = await vault.cache.world()
    assert world is not None
    token = kept[f"v:{{{pk}}}".encode()]
    entry = next(each for each in kept if each.startswith(b"e:"))
    assert another.opened(entry.decode(), world.name, token, kept[entry]) is None


async def test_all_of_a_partition_goes_at_once_and_by_itself_after_a_while(vault: Vault, settings: Settings) -> None:
    key, absent = new_key(), new_key()
    await vault.commit([put(key, value=1)])
    await vault.reads.items([key, absent], dict)
    await vault.reads.collection(key.pk, dict, limit=1)
    async with Redis.from_url(settings.redis_url.reveal()) as redis:
        lives = [await redis.ttl(entry) for entry in await entries(redis, key)]
        assert len(lives) == 2
        assert all(fills.TTL_SECONDS * 3 // 4 < seconds <= fills.TTL_SECONDS for seconds in lives)
        (nothing,) = await entries(redis, absent)
        assert 0 < await redis.ttl(nothing) <= 30
        assert await redis.ttl(f"v:{{{key.pk}}}") > fills.TTL_SECONDS
        await vault.commit([put(key, value=2)])
        assert await redis.get(f"v:{{{key.pk}}}") is None


async def test_a_condition_that_held_ends_nothing_and_a_write_that_failed_ends_what_may_be_old(
    vault: Vault, settings: Settings
) -> None:
    key, other = new_key(), new_key()
    await vault.commit([put(key, value=1), put(other, value=1)])
    async with Redis.from_url(settings.redis_url.reveal()) as redis:
        for committing, is_left in ((changes.present(key), True), (failing(key), False)):
            await vault.reads.item(key, dict)
            await asyncio.gather(vault.commit([put(other, value=2), committing]), return_exceptions=True)
            assert (await redis.get(f"v:{{{key.pk}}}") is not None) == is_left


def failing(key: Key) -> Change:
    request = {"Key": to_attributes(key.attributes()), "ConditionExpression": "attribute_not_exists(PK)"}
    return Change("ConditionCheck", request, changes.STALE)


async def test_only_named_partitions_are_read_through_the_cache(vault: Vault) -> None:
    with pytest.raises(ValueError, match="named as cached"):
        await vault.reads.item(table.upload("upload_1"), dict)


async def test_an_entry_too_long_is_not_kept(vault: Vault, settings: Settings) -> None:
    pk = new_key().pk
    for n in range(3):
        await vault.commit([put(Key(pk, f"ENTRY#{n}"), value="x" * 100_000)])
    async with Redis.from_url(settings.redis_url.reveal()) as redis:
        assert len(await vault.reads.collection(pk, dict, limit=9)) == 3
        assert await entries(redis, Key(pk, "")) == []


async def test_another_redis_behind_the_same_address_is_believed_nothing_of_before(
    vault: Vault, settings: Settings
) -> None:
    """As when a replica is promoted, or a server restarted from an old file: its run id tells."""
    key = new_key()
    await vault.commit([put(key, value=1)])
    redis = Pipelined.from_url(settings.redis_url.reveal(), timeout_seconds=5)
    cache = Cache(redis, vault.records, "secret", Meters())
    one = replace(vault, cache=cache)
    async with counting(one, settings) as (faults, seen):
        assert [await value_at(seen, key) for _ in range(2)] == [1, 1]
        assert faults.calls == {"GetItem": 1}
        server = cache.link._known
        cache.link._known = (server[0], "f" * 40)  # the run id that another would have told
        assert [await value_at(seen, key) for _ in range(2)] == [1, 1]
        assert faults.calls == {"GetItem": 2}
    await cache.close()
    await redis.aclose()


async def test_what_was_made_of_an_entry_is_made_once_and_redis_asked_for_its_token_alone(
    vault: Vault, settings: Settings
) -> None:
    key, made = new_key(), []

    def noun(item: dict[str, Any]) -> tuple[Any, ...]:
        made.append(item["value"])
        return (item["value"],)

    async with several(settings, 1) as ((_, one),), Redis.from_url(settings.redis_url.reveal()) as redis:
        await vault.commit([put(key, value=1)])
        assert [await one.reads.item(key, noun) for _ in range(3)] == [(1,)] * 3
        assert made == [1]
        (entry,) = await entries(redis, key)
        assert await redis.delete(entry) == 1
        assert await one.reads.item(key, noun) == (1,)
        assert await redis.exists(entry) == 0, "it was not needed, so it was not made again"
        await vault.commit([put(key, value=2)])
        assert await vault.reads.item(key, noun) == (2,)  # the entry is there again, under another token
        assert [await one.reads.item(key, noun) for _ in range(3)] == [(2,)] * 3
        assert made == [1, 2, 2]


@asynccontextmanager
async def foreseeing(vault: Vault, foresight: Foresight, *keys: Key) -> AsyncIterator[Dependencies]:
    """As an answer is made, in a process that was told a moment ago that the cache may be believed."""
    await vault.cache.world()
    trust = vault.cache.trust
    trust._read_at = type(trust._read_at).now()  # type: ignore[union-attr]  # it was read
    with dependencies.recorded() as seen, foresight.of("a question", [key.pk for key in keys], seen):
        assert await vault.cache.link.done("PING")  # what was asked before that has been answered
        yield seen


async def written_elsewhere(vault: Vault, change: Change) -> None:
    with dependencies.unrecorded():
        await vault.commit([change])


async def test_what_was_foreseen_is_read_without_asking_anybody_and_what_was_not_is_asked_for(
    vault: Vault, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, other = new_key(), new_key()
    await vault.commit([put(key, value=1), put(other, value=2)])
    async with several(settings, 1) as ((_, one),):
        foresight, told = Foresight(one.cache), []
        for asked in ([key], [key, other], [key, other]):
            async with foreseeing(one, foresight) as seen:
                told.append({*seen.foreseen.tokens} if seen.foreseen else set())
                with monkeypatch.context() as patch:
                    if len(told) == 3:
                        patch.delattr(one.cache.link, "_redis")
                    assert [await value_at(one, each) for each in asked] == [1, 2][: len(asked)]
            assert seen.tokens.keys() == {each.pk for each in asked}, "whether it was foreseen or not"
        assert told == [set(), {key.pk}, {key.pk, other.pk}]


async def test_what_was_made_before_a_write_is_not_foreseen_by_who_begins_after_it(
    vault: Vault, settings: Settings
) -> None:
    key = new_key()
    await vault.commit([put(key, value="old")])
    async with several(settings, 1) as ((_, one),):
        assert await value_at(one, key) == "old"
        await vault.commit([put(key, value="new")])
        async with foreseeing(one, Foresight(one.cache), key):
            assert await value_at(one, key) == "new"


@pytest.mark.parametrize("is_cached", [True, False])
async def test_nothing_foreseen_is_believed_beside_what_was_read_later(
    vault: Vault, settings: Settings, is_cached: bool
) -> None:
    """Or somebody could be shown what was written after they had lost the right to see it."""
    right, secret = new_key(), new_key()
    await vault.commit([put(right, value="theirs"), put(secret, value="old")])
    async with several(settings, 1) as ((_, one),):
        assert [await value_at(one, key) for key in (right, secret)] == ["theirs", "old"]
        async with foreseeing(one, Foresight(one.cache), right):
            await written_elsewhere(vault, put(right, value="lost"))
            await written_elsewhere(vault, put(secret, value="new"))
            assert await value_at(one, right) == "theirs", "as it was when the answer was begun"
            found = await (one.reads.item(secret, dict) if is_cached else one.records.item(secret))
            assert found is not None
            assert (found["value"], await value_at(one, right)) == ("new", "lost")


async def test_what_is_told_too_late_was_not_foreseen(vault: Vault, settings: Settings) -> None:
    key = new_key()
    await vault.commit([put(key, value=1)])
    async with several(settings, 1) as ((_, one),), foreseeing(one, Foresight(one.cache), key) as seen:
        told = seen.foreseen
        dependencies.read_now()
        assert told is not None
        seen.foresee(told)
        assert seen.foreseen is None


async def test_what_was_on_the_shelf_is_counted_and_how_much_there_is(vault: Vault, settings: Settings) -> None:
    key, long = new_key(), new_key()
    await vault.commit([put(key, value=1), put(long, value="x" * 10_000)])
    async with several(settings, 1) as ((_, one),):

        def told() -> list[float]:
            return [one.meters._numbers.get((CACHE_LOOKUPS, ("shelf", each)), 0) for each in ("hit", "miss")]

        await value_at(one, key)
        assert told() == [0, 1]
        await one.reads.items([key, long], dict)
        assert told() == [1, 2]
        async with foreseeing(one, Foresight(one.cache), key, long):
            await one.reads.items([key, long], dict)
        assert told() == [3, 2]
        shown = one.meters._watched[CACHE_SHELF_BYTES, ()]
        assert 10_000 < shown() < 20_000
        one.cache.shelf = Shelf()
        assert shown() == 0


def test_the_shelf_keeps_what_was_used_last_within_its_bounds_and_not_for_long() -> None:
    shelf = Shelf()
    for n in range(40):
        shelf.keep(n, Made(n, "w", b"t", float("inf")), 0.0, entry_bytes=2**19)
        shelf.find(0, "w", 0.0)
    kept = [n for n in range(40) if shelf.find(n, "w", 0.0)]
    assert kept == [0, *range(10, 40)]
    assert shelf.find(0, "another world", 0.0) is None
    assert shelf.find(0, "w", SECONDS_MAX) is None
    shelf.keep(0, Made(0, "w", b"t", until=1.0), 0.0, entry_bytes=1)
    assert [shelf.find(0, "w", now) is None for now in (0.9, 1.0)] == [False, True]
