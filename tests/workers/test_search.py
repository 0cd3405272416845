"""The search worker between a real table and a real index: any order, any repeats, and what was lost heals."""

import os
import secrets
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from clocks import moved
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream import table
from vaultstream.actions import account, arrange, indexing, organize, purge, trash, upload
from vaultstream.actions.search import search
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.search_index import SearchIndex, SearchUnavailable
from vaultstream.adapters.vault import Vault, opened
from vaultstream.events import SEARCH, Event, EventName
from vaultstream.ids import FileId, FolderId, ItemId
from vaultstream.local.probes import free_port
from vaultstream.search import sought
from vaultstream.settings import Secret, Settings
from vaultstream.workers import purge as purging
from vaultstream.workers.search import handle_batch


async def empty_file(vault: Vault, actor: Actor, name: str) -> FileId:
    return (await upload.begin(vault, actor, Wanted(name=name, size_bytes=0))).target.file_id


async def root(vault: Vault, actor: Actor) -> FolderId:
    return (await account.viewer(vault, actor.user_id)).root_folder_id


async def names(vault: Vault, actor: Actor, text: str) -> list[str]:
    return [it.name for it in (await search(vault, actor, sought(text), 100)).items]


async def events_of(vault: Vault, *item_ids: ItemId) -> list[Event]:
    """What the search worker gets of these items."""
    shards = [await vault.records.undelivered(shard, "9", 1000) for shard in table.outbox_shards()]
    wanted = (event for shard in shards for event in shard if event.name in SEARCH.gets)
    return sorted((event for event in wanted if event.item_id in item_ids), key=lambda event: event.id)


async def test_every_deed_on_an_item_reaches_the_index(vault: Vault, alice: Actor):
    file = await empty_file(vault, alice, "deed one")
    await handle_batch(vault, await events_of(vault, file))
    assert await names(vault, alice, "deed") == ["deed one"]

    done = {event.id for event in await events_of(vault, file)}
    for deed, seen in (
        (lambda: arrange.rename_file(vault, alice, file, "deed two"), ["deed two"]),
        (lambda: trash.throw_away(vault, alice, file), []),
        (lambda: trash.restore(vault, alice, file), ["deed two"]),
    ):
        await deed()
        told = [event for event in await events_of(vault, file) if event.id not in done]
        assert told, "each deed is told"
        await handle_batch(vault, told)
        done |= {event.id for event in told}
        assert await names(vault, alice, "deed") == seen


deliveries = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=5), max_size=6)


@tried(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=deliveries, last=st.randoms(use_true_random=False))
async def test_any_order_and_any_repeats_end_as_the_table(vault: Vault, newcomer, batches, last):
    alice = await newcomer()
    place = await organize.create_folder(vault, alice, await root(vault, alice), "any place")
    kept, gone = await empty_file(vault, alice, "any kept"), await empty_file(vault, alice, "any gone")
    early = await events_of(vault, place.id, kept, gone)
    for batch in batches:
        await handle_batch(vault, [early[number % len(early)] for number in batch])
    await arrange.move_file(vault, alice, kept, place.id)
    await arrange.rename_file(vault, alice, kept, "any new")
    await trash.throw_away(vault, alice, gone)
    await purge.begin(vault, alice, gone)

    every = await events_of(vault, place.id, kept, gone)
    last.shuffle(every)
    for batch in batches:
        await handle_batch(vault, [every[number % len(every)] for number in batch])
    for event in every:
        await handle_batch(vault, [event])

    assert await names(vault, alice, "any") == ["any new", "any place"]
    assert set(await vault.search_index.ids("", 100, owner_id=alice.user_id)) == {place.id, kept}


async def test_events_of_no_item_are_nothing_to_it(vault: Vault, alice: Actor):
    told = [
        Event(vault.unique(), EventName.FOLDER_CREATED, vault.now(), alice.user_id, "req", item_id=item_id)
        for item_id in (None, alice.user_id, "file_nonsense", "folder_' OR 1 = 1")
    ]
    await handle_batch(vault, [*told, *(await events_of(vault, await root(vault, alice)))])
    assert await vault.search_index.ids("", 9, owner_id=alice.user_id) == []


async def test_what_is_purged_while_it_is_written_does_not_stay(vault: Vault, alice: Actor):
    file = await empty_file(vault, alice, "hasty")

    class Hasty(SearchIndex):
        async def put(self, rows, *, anew=False):
            await trash.throw_away(vault, alice, file)
            await purge.begin(vault, alice, file)
            await vault.search_index.put(rows, anew=anew)

        async def remove(self, item_ids):
            await vault.search_index.remove(item_ids)

    hasty = Hasty(vault.settings.postgres_dsn.reveal())
    await indexing.refresh(replace(vault, search_index=hasty), [file])
    await hasty.close()

    assert await vault.search_index.ids("", 9, owner_id=alice.user_id) == []


@pytest.fixture
async def phantom(vault: Vault, alice: Actor) -> FileId:
    """In the index, and no longer in the table; the event that told of it was lost."""
    file = await empty_file(vault, alice, "lost phantom")
    await indexing.refresh(vault, [file])
    await trash.throw_away(vault, alice, file)
    await purge.begin(vault, alice, file)
    assert await vault.search_index.ids("", 9, owner_id=alice.user_id) == [file]
    return file


async def test_what_lost_events_left_wrong_heals_with_the_daily_count(vault: Vault, alice: Actor, phantom: FileId):
    missed, renamed = await empty_file(vault, alice, "lost missed"), await empty_file(vault, alice, "lost old")
    await indexing.refresh(vault, [renamed])
    await arrange.rename_file(vault, alice, renamed, "lost new")
    assert await names(vault, alice, "lost new") == []

    await purging.handle(moved(vault, days=2))

    assert await names(vault, alice, "lost") == ["lost missed", "lost new"]
    assert set(await vault.search_index.ids("", 9, owner_id=alice.user_id)) == {missed, renamed}


async def test_the_daily_count_goes_on_while_the_index_is_down(vault: Vault, settings: Settings, alice: Actor):
    nowhere = Secret(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    async with opened(replace(settings, postgres_dsn=nowhere)) as cut_off:
        with pytest.raises(SearchUnavailable):
            await handle_batch(cut_off, await events_of(vault, await empty_file(vault, alice, "cut off")))
        await purging.handle(moved(cut_off, days=2))

    item = await vault.records.item(table.user(alice.user_id))
    assert item is not None
    assert item[table.GSI3.sk] > (vault.now() + timedelta(days=2)).isoformat(), "counted, and due again a day later"


@pytest.fixture
async def others(vault: Vault, newcomer) -> dict[str, Actor]:
    """People whose things the index has lost altogether."""
    people = {f"anew {secrets.token_hex(4)}": await newcomer() for _ in range(3)}
    for name, person in people.items():
        place = await organize.create_folder(vault, person, await root(vault, person), name)
        await indexing.refresh(vault, [place.id])
        await vault.search_index.remove([place.id])
    return people


async def test_the_command_makes_the_whole_index_anew(
    vault: Vault, settings: Settings, alice: Actor, others: dict[str, Actor], phantom: FileId
):
    command = [sys.executable, "-m", "vaultstream", "search", "rebuild"]
    for _ in range(2):
        answer = subprocess.run(  # noqa: ASYNC221  # nothing else runs here meanwhile
            command, env=os.environ | settings.to_env(), capture_output=True, text=True, timeout=60, check=True
        )
        last = answer.stdout.splitlines()[-1].split()
        assert (last[1:3], last[4:]) == (["items", "indexed,"], ["rows", "checked"])
        assert int(last[0].replace(",", "")) >= len(others)
        assert answer.stderr == ""

    for name, person in others.items():
        assert await names(vault, person, "anew") == [name]
    assert await vault.search_index.ids("", 9, owner_id=alice.user_id) == []


async def test_the_command_says_plainly_that_the_index_cannot_be_reached(settings: Settings):
    nowhere = replace(settings, postgres_dsn=Secret(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"))
    answer = subprocess.run(  # noqa: ASYNC221  # nothing else runs here meanwhile
        [sys.executable, "-m", "vaultstream", "search", "rebuild"],
        env=os.environ | nowhere.to_env(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 1
    assert "Search cannot be reached" in answer.stderr
    assert "Traceback" not in answer.stderr
