"""The audit worker between a real table and a real PostgreSQL: out of the outbox only once it is in the log."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import asyncpg
import pytest
from botocore.exceptions import ClientError
from wires import Wire

from vaultstream import table
from vaultstream.adapters.audit_pool import AuditUnavailable
from vaultstream.adapters.vault import Vault, opened
from vaultstream.events import Event, EventName
from vaultstream.settings import Secret, Settings
from vaultstream.workers.audit import handle_batch


@pytest.fixture
async def vault(settings: Settings) -> AsyncIterator[Vault]:
    async with opened(settings) as vault:
        yield vault


async def committed(vault: Vault, count: int) -> list[Event]:
    """That many events of one item, in the outbox."""
    item_id = f"file_{os.urandom(4).hex()}"
    events = [
        Event(vault.unique(), EventName.DOWNLOAD_BEGUN, vault.now(), "user_1", "req_1", item_id=item_id)
        for _ in range(count)
    ]
    await vault.commit([], events)
    return events


async def waiting(vault: Vault, events: list[Event]) -> list[bool]:
    items = await vault.records.items([table.outbox(event.id) for event in events])
    return [item is not None for item in items]


async def recorded(vault: Vault, events: list[Event]) -> list[str]:
    return sorted(event.id for event in await vault.audit_log.events_of(events[0].item_id, 100))


async def test_events_leave_the_outbox_once_they_are_recorded(vault: Vault):
    events = await committed(vault, 30)

    await handle_batch(vault, events)

    assert await recorded(vault, events) == sorted(event.id for event in events)
    assert await waiting(vault, events) == [False] * 30


async def test_one_message_brings_all_that_waits_in_the_order_of_the_deeds(vault: Vault, monkeypatch):
    monkeypatch.setattr("vaultstream.workers.audit._OF_A_SHARD", 7)
    before = (await vault.audit_log.head()).seq
    events = [(await committed(vault, 1))[0] for _ in range(40)]

    await handle_batch(vault, [events[-1]])

    rows = await vault.audit_log.rows(after=before, until=before + 100, limit=100)
    assert [row.event.id for row in rows] == [event.id for event in events]
    assert [row.seq for row in rows] == list(range(before + 1, before + 41))
    assert await waiting(vault, events) == [False] * 40


async def test_what_was_acknowledged_first_is_first_though_it_is_in_a_shard_that_was_read_too_early(vault: Vault):
    before = (await vault.audit_log.head()).seq
    first = await committed(vault, 1)
    late: list[Event] = []
    undelivered = vault.records.undelivered

    class Interrupted:
        """Records whose last shard is read long after the others: two deeds happen in between."""

        def __getattr__(self, name: str):
            return getattr(vault.records, name)

        async def undelivered(self, shard: str, before: str, limit: int) -> list[Event]:
            if shard == table.outbox_shards()[-1]:
                await asyncio.sleep(0.05)
                while not late or table.outbox(late[-1].id).pk != shard:
                    late.extend(await committed(vault, 1))
            return await undelivered(shard, before, limit)

    await handle_batch(replace(vault, records=Interrupted()), first)
    await handle_batch(vault, late)

    rows = await vault.audit_log.rows(after=before, until=before + 1000, limit=1000)
    assert [row.event.id for row in rows] == [event.id for event in [*first, *late]]


async def test_a_second_delivery_changes_nothing(vault: Vault):
    events = await committed(vault, 3)

    await handle_batch(vault, events)
    await handle_batch(vault, [*events, events[0]])

    assert await recorded(vault, events) == sorted(event.id for event in events)


async def test_no_events_are_no_work(vault: Vault):
    await handle_batch(vault, [])


async def test_while_postgresql_is_down_events_wait_in_the_outbox(vault: Vault, settings: Settings):
    events = await committed(vault, 3)
    place = urlsplit(settings.postgres_dsn.reveal())
    async with Wire("127.0.0.1", place.port) as wire:
        user = place.netloc.rpartition("@")[0]
        through_wire = place._replace(netloc=f"{user}@127.0.0.1:{wire.port}").geturl()
        async with opened(replace(settings, postgres_dsn=Secret(through_wire))) as cut_off:
            wire.refuse()
            with pytest.raises(AuditUnavailable):
                await handle_batch(cut_off, events)
            assert await waiting(vault, events) == [True] * 3

            wire.restore()
            await handle_batch(cut_off, events)

    assert await waiting(vault, events) == [False] * 3
    assert await recorded(vault, events) == sorted(event.id for event in events)


async def test_a_crash_between_log_and_outbox_ends_with_each_event_once(vault: Vault, settings: Settings):
    events = await committed(vault, 3)
    async with opened(replace(settings, table="a-table-that-is-not-there")) as half:
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            await handle_batch(half, events)
    assert await waiting(vault, events) == [True] * 3

    await handle_batch(vault, events)

    assert await waiting(vault, events) == [False] * 3
    assert await recorded(vault, events) == sorted(event.id for event in events)


LAST_MONTH = "SELECT max(relname) FROM pg_class WHERE relname ~ '^events_\\d{4}_\\d\\d$'"


@pytest.fixture
async def owner(settings: Settings, postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    database = urlsplit(settings.postgres_dsn.reveal()).path
    connection = await asyncpg.connect(urlsplit(postgres_dsn)._replace(path=database).geturl())
    yield connection
    await connection.close()


async def test_the_months_ahead_are_made_without_anyone_asking(vault: Vault, owner):
    partition = await owner.fetchval(LAST_MONTH)
    await owner.execute(f"DROP TABLE audit.{partition}")

    await handle_batch(vault, await committed(vault, 1))

    assert await owner.fetchval(LAST_MONTH) == partition


async def test_a_reader_in_the_way_of_new_months_keeps_no_event_waiting(vault: Vault, owner):
    await owner.execute(f"DROP TABLE audit.{await owner.fetchval(LAST_MONTH)}")
    await owner.execute("ALTER FUNCTION audit.make_partitions SET lock_timeout = '20ms'")
    events = await committed(vault, 1)

    async with owner.transaction():
        await owner.execute("SELECT FROM audit.events LIMIT 0")
        await handle_batch(vault, events)

    assert await waiting(vault, events) == [False]
    assert await recorded(vault, events) == [events[0].id]
