"""The way of a deed into the log, cut at each of its steps: it is there once, and nowhere else."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vaultstream import table
from vaultstream.adapters import clients
from vaultstream.adapters.vault import Vault
from vaultstream.events import AUDIT, Event, EventName
from vaultstream.local.container import Container
from vaultstream.local.provision_messages import queue_name
from vaultstream.local.pump import pump_once
from vaultstream.local.stream import Checkpoint, Stream
from vaultstream.settings import Settings
from vaultstream.workers import audit, relay
from vaultstream.workers.lambda_entry import sqs_batch_handler, stream_handler

RELAY_STEPS = ("read", "put", "nudged", "answered", "noted")
AUDIT_STEPS = ("read", "inserted", "deleted in part", "deleted")
LIVES = 10


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


async def committed(vault: Vault, item_id: str, count: int) -> list[str]:
    """The ids of that many deeds to one item."""
    now = vault.now()
    events = [
        Event(vault.unique(), EventName.DOWNLOAD_BEGUN, now, "user_1", "req", item_id=item_id) for _ in range(count)
    ]
    await vault.commit([], events)
    return [event.id for event in events]


async def in_log(vault: Vault, item_id: str) -> list[str]:
    return sorted(event.id for event in await vault.audit_log.events_of(item_id, 1000))


async def waiting(vault: Vault, item_id: str) -> list[Event]:
    shards = [vault.records.undelivered(shard, "~", 1000) for shard in table.outbox_shards()]
    return [event for found in await asyncio.gather(*shards) for event in found if event.item_id == item_id]


@pytest.fixture
def item_id(vault: Vault) -> str:
    """Of each test its own."""
    return vault.new_id("file")


class DyingCheckpoint(Checkpoint):
    """It dies before or after it has noted how far the stream was handled."""

    def __init__(self, path: Path, step: str | None) -> None:
        super().__init__(path)
        self._step = step

    def move(self, stream: str, shard: str, sequence: str) -> None:
        if self._step == "answered":
            raise Killed
        super().move(stream, shard, sequence)
        if self._step == "noted":
            raise Killed


def dying_relay(step: str | None) -> Callable[[Vault, Sequence[Event]], Awaitable[Sequence[int]]]:
    """The relay, which dies at one of its steps."""

    async def handle(vault: Vault, events: Sequence[Event]) -> Sequence[int]:
        if step == "read":
            raise Killed
        if step == "put":
            await vault.bus.put(events)
            raise Killed
        failed = await relay.handle(vault, events)
        if step == "nudged":
            raise Killed
        return failed

    return handle


async def live(settings: Settings, place: Path, step: str | None, *, until: Callable[[], Awaitable[bool]]) -> None:
    """One life of the relay and of what carries the stream to it."""
    session = clients.session(settings)
    container = Container("relay", stream_handler(dying_relay(step), relay.changed))
    async with AsyncExitStack() as stack:
        dynamodb, streams = [
            await stack.enter_async_context(clients.client(session, settings, service))
            for service in ("dynamodb", "dynamodbstreams")
        ]
        stream = Stream(dynamodb, streams, settings.table, DyingCheckpoint(place, step))
        carrying = asyncio.create_task(stream.carry(container))
        async with asyncio.timeout(60):
            while not carrying.done() and not await until():  # noqa: ASYNC110  # it happens in other processes
                await asyncio.sleep(0.02)
        carrying.cancel()
        ended = await asyncio.gather(carrying, return_exceptions=True)
        assert isinstance(ended[0], Killed if step else asyncio.CancelledError)
    assert await container.close()


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler reads the settings from the environment at its first call, as in Lambda."""
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)


async def never() -> bool:
    return False


@pytest.mark.usefixtures("environment")
async def test_a_relay_killed_between_its_steps_loses_nothing_and_doubles_nothing(
    vault: Vault, settings: Settings, item_id: str, tmp_path: Path
) -> None:
    place, deeds = tmp_path / "stream.json", list[str]()
    for step in RELAY_STEPS:
        deeds += await committed(vault, item_id, 3)
        await live(settings, place, step, until=never)
    (last,) = await committed(vault, item_id, 1)
    told = list[str]()
    async with clients.client(clients.session(settings), settings, "sqs") as sqs:
        url = (await sqs.get_queue_url(QueueName=queue_name(settings.queue_prefix, AUDIT.name)))["QueueUrl"]

        async def take(vault: Vault, events: Sequence[Event]) -> None:
            told.extend(event.id for event in events if event.item_id == item_id)
            await audit.handle_batch(vault, events)

        auditor = Container("audit", sqs_batch_handler(take))

        async def is_told() -> bool:
            await pump_once(sqs, url, AUDIT, auditor, wait_seconds=0)
            return last in told

        await live(settings, place, None, until=is_told)
        while await pump_once(sqs, url, AUDIT, auditor, wait_seconds=0):
            pass
        assert await auditor.close()
    assert set(told) == {*deeds, last}
    assert len(told) > len(set(told))  # some came twice
    assert await in_log(vault, item_id) == sorted([*deeds, last])
    assert await waiting(vault, item_id) == []


class Dying:
    """A part of the vault that dies instead of one of its calls, in the middle of it, or right after it."""

    def __init__(self, part: Any, name: str, when: str) -> None:  # Any: an adapter
        self._part, self._name, self._when = part, name, when

    def __getattr__(self, name: str) -> Any:  # Any: whatever the part has
        return self._die if name == self._name else getattr(self._part, name)

    async def _die(self, given: Sequence[Any]) -> None:  # Any: events, or their ids
        if self._when != "before":
            await getattr(self._part, self._name)(given[: len(given) // 2] if self._when == "amid" else given)
        raise Killed


def dying_at(vault: Vault, step: str) -> Vault:
    if step in {"read", "inserted"}:
        return replace(vault, audit_log=Dying(vault.audit_log, "append", "before" if step == "read" else "after"))
    return replace(vault, records=Dying(vault.records, "delivered", "amid" if step == "deleted in part" else "after"))


@pytest.mark.parametrize("seed", range(3))
async def test_an_audit_worker_killed_between_its_steps_leaves_each_deed_in_the_log_once(
    vault: Vault, item_id: str, seed: int
) -> None:
    chance, deeds = random.Random(seed), list[str]()
    for step in (*AUDIT_STEPS, *chance.choices(AUDIT_STEPS, k=LIVES)):
        deeds += await committed(vault, item_id, chance.randint(1, 5))
        with pytest.raises(Killed):
            await audit.handle_batch(dying_at(vault, step), await waiting(vault, item_id))
    deeds += await committed(vault, item_id, 1)
    await audit.handle_batch(vault, await waiting(vault, item_id))
    assert await in_log(vault, item_id) == sorted(deeds)
    assert await waiting(vault, item_id) == []
