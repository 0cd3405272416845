"""Redis refused, silent, slow, flapping, for one process or for all: every read answers, and none with what is over."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from caches import counting, several, wired
from wires import Wire

from tests.cache.quick import shorten
from tests.cache.test_reads import new_key, put, value_at
from vaultstream import table
from vaultstream.actions import account, browse, organize, share
from vaultstream.actor import Actor
from vaultstream.adapters.cache import trust
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId
from vaultstream.metrics import CACHE_BREAKER_STATE
from vaultstream.settings import Settings
from vaultstream.shares import Role

Process = tuple[Wire, Vault]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch.setattr)


@pytest.fixture
async def two(settings: Settings) -> AsyncIterator[list[Process]]:
    async with several(settings, 2) as processes:
        yield processes


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Return once it holds."""
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110  # what is waited for tells no event
            await asyncio.sleep(0.02)


async def state(vault: Vault) -> set[str]:
    return set(await vault.records.item(table.cache_state()) or ()) - {table.PK, table.SK}


async def test_a_write_that_cannot_reach_redis_is_seen_by_who_still_can(two: list[Process]) -> None:
    (wire, cut_off), (_, other) = two
    key = new_key()
    await other.commit([put(key, value=0)])
    for value in range(1, 4):
        assert await value_at(other, key) == value - 1
        wire.refuse()
        await cut_off.commit([put(key, value=value)])
        assert await value_at(other, key) == value
        assert await value_at(cut_off, key) == value
        await cut_off.commit([put(key, value=value)])  # the second of an outage waits for nobody
        wire.restore()
        await until(other.cache.world)
        assert await value_at(other, key) == value


async def test_that_write_would_not_be_seen_if_it_were_acknowledged_at_once(
    two: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "LEASE_SECONDS", 60.0)
    monkeypatch.setattr(trust, "_RENEW_SECONDS", 60.0)
    monkeypatch.setattr(trust, "_SETTLED_SECONDS", 0.0)
    (wire, cut_off), (_, other) = two
    key = new_key()
    await other.commit([put(key, value="old")])
    assert await value_at(other, key) == "old"
    wire.refuse()
    await cut_off.commit([put(key, value="new")])
    assert await value_at(other, key) == "old"


async def test_what_was_revoked_is_not_read_from_any_process(two: list[Process], alice: Actor, bob: Actor) -> None:
    (wire, one), (_, other) = two
    root = (await account.viewer(one, alice.user_id)).root_folder_id
    address = (await account.viewer(one, bob.user_id)).email
    folder = await organize.create_folder(one, alice, root, secrets.token_hex(4))

    async def sees(vault: Vault) -> bool:
        return (await browse.folders(vault, bob, [folder.id])) != [None]

    for is_reachable in (True, False):
        granted = await share.grant(one, alice, share.Wanted(folder.id, address, Role.VIEWER))
        assert [await sees(vault) for vault in (one, other, one, other)] == [True] * 4
        if not is_reachable:
            wire.refuse()
        await share.revoke(one, alice, granted.id)
        assert [await sees(vault) for vault in (other, one, other)] == [False] * 3


async def test_without_redis_everything_answers_and_it_is_cached_again_once_redis_is_back(
    two: list[Process], settings: Settings
) -> None:
    key = new_key()
    for wire, _ in two:
        wire.refuse()
    for value in range(3):
        for _, vault in two:
            await vault.commit([put(key, value=value)])
            assert [await value_at(each, key) for _, each in two] == [value] * 2
            assert await vault.cache.world() is None
            with pytest.raises(ConnectionError):
                await vault.cache.ping()
    for wire, _ in two:
        wire.restore()
    for _, vault in two:
        await until(vault.cache.world)
        await vault.cache.ping()
    assert await state(two[0][1]) == {"epoch"}
    async with counting(two[0][1], settings) as (faults, seen):
        assert [await value_at(seen, key) for _ in range(3)] == [2, 2, 2]
        assert faults.calls["GetItem"] <= 2  # a breaker may still be half open at the first


async def test_a_redis_that_is_silent_costs_a_reader_one_short_wait(two: list[Process], settings: Settings) -> None:
    (wire, vault), _ = two
    key = new_key()
    await vault.commit([put(key, value=1)])
    assert await value_at(vault, key) == 1
    wire.bytes_per_second = 1
    assert [await value_at(vault, key) for _ in range(50)] == [1] * 50
    shown = vault.meters._watched[CACHE_BREAKER_STATE, ()]
    assert shown() in {1, 2}  # open, or half open by now
    wire.bytes_per_second = None
    wire.cut()
    await until(vault.cache.world)
    assert (await value_at(vault, key), shown()) == (1, 0)


async def test_a_flapping_redis_hides_no_write(two: list[Process]) -> None:
    key = new_key()
    written = 0
    over = asyncio.Event()

    async def flap(wire: Wire) -> None:
        while not over.is_set():
            wire.refuse()
            await asyncio.sleep(0.03)
            wire.restore()
            await asyncio.sleep(0.1)

    async def read(vault: Vault) -> None:
        while not over.is_set():
            least = written
            assert (await value_at(vault, key) or 0) >= least

    async def write() -> None:
        nonlocal written
        for value in range(1, 13):
            await two[value % 2][1].commit([put(key, value=value)])
            written = value
        over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for wire, vault in two:
            group.create_task(flap(wire))
            group.create_task(read(vault))


async def test_who_died_with_the_cache_shut_does_not_keep_it_shut_and_what_it_wrote_is_seen(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    async with wired(settings) as (wire, dying), wired(settings) as (_, other):
        await other.commit([put(key, value="old")])
        assert await value_at(other, key) == "old"
        monkeypatch.setattr(dying.cache.trust, "_mend", lambda: asyncio.sleep(3600))  # it says nothing more
        wire.refuse()
        await dying.commit([put(key, value="new")])
        assert await value_at(other, key) == "new"
        monkeypatch.setattr(trust, "SHUT_SECONDS", 0.5)
        await until(other.cache.world)
        assert [await value_at(other, key) for _ in range(3)] == ["new"] * 3
        assert await state(other) == {"epoch"}


async def test_a_vault_that_closes_leaves_nothing_shut(settings: Settings) -> None:
    key = new_key()
    async with wired(settings) as (_, other):
        await other.commit([put(key, value="old")])
        assert await value_at(other, key) == "old"
        async with wired(settings) as (wire, closing):
            wire.refuse()
            await closing.commit([put(key, value="new")])
            assert len(await state(other)) == 2
        assert await state(other) == {"epoch"}
        await until(other.cache.world)
        assert await value_at(other, key) == "new"


async def test_without_the_table_nothing_of_the_cache_is_believed(vault: Vault, settings: Settings) -> None:
    key = new_key()
    await vault.commit([put(key, value=1)])
    async with counting(vault, settings) as (faults, seen), wired(settings) as (_, one):
        assert await value_at(one, key) == 1
        one.cache.trust._records = seen.records
        one.cache.trust._read_at = None
        faults.plan("GetItem", refuse)
        assert await value_at(one, key) == 1  # from the table, past the cache
        assert await one.cache.world() is None


async def refuse(*_: object) -> None:
    """The connection dies."""


async def test_the_folder_page_of_a_vault_without_redis(two: list[Process], alice: Actor) -> None:
    (wire, vault), _ = two
    wire.refuse()
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    made = await organize.create_folder(vault, alice, root, "made meanwhile")
    (page,) = await browse.folder_pages(vault, alice, [browse.FolderPageKey(FolderId(root), 10)])
    assert page is not None
    assert [child.id for child in page.children] == [made.id]
    assert replace(made) == (await browse.folders(vault, alice, [made.id]))[0]
