"""The relay between real servers: events onto the bus and a nudge for their watchers, but not for what stayed."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Self

import pytest
from botocore.config import Config
from redis.asyncio import Redis

from vaultstream.adapters import clients
from vaultstream.adapters.bus import Bus
from vaultstream.adapters.vault import Vault, opened
from vaultstream.events import Event, EventName
from vaultstream.local.probes import free_port
from vaultstream.local.provision_messages import queue_name
from vaultstream.settings import Settings
from vaultstream.workers.relay import handle


@pytest.fixture
async def vault(settings: Settings) -> AsyncIterator[Vault]:
    async with opened(settings) as vault:
        yield vault


class Nudges:
    """What is published to watchers, as Redis itself tells it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pubsub = redis.pubsub()

    async def __aenter__(self) -> Self:
        await self._pubsub.psubscribe("live:*")
        await self._pubsub.get_message(timeout=5)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pubsub.aclose()
        await self._redis.aclose()

    async def so_far(self) -> list[str]:
        """Every topic nudged until now: a mark of our own comes after them."""
        await self._redis.publish("live:mark", "")
        topics = []
        while True:
            message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
            assert message is not None, "the mark did not come"
            topic = message["channel"].decode().removeprefix("live:")
            if topic == "mark":
                return topics
            topics.append(topic)


@pytest.fixture
async def nudges(settings: Settings) -> AsyncIterator[Nudges]:
    async with Nudges(Redis.from_url(settings.redis_url.reveal())) as nudges:
        yield nudges


async def in_queue(settings: Settings, worker: str, count: int) -> set[str]:
    """The ids of so many events in a worker's queue."""
    async with clients.client(clients.session(settings), settings, "sqs") as sqs:
        url = (await sqs.get_queue_url(QueueName=queue_name(settings.queue_prefix, worker)))["QueueUrl"]
        ids: set[str] = set()
        while len(ids) < count:
            answer = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
            assert "Messages" in answer, f"{len(ids)} of {count} events came"
            for message in answer["Messages"]:
                ids.add(json.loads(message["Body"])["detail"]["id"])
                await sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return ids


def an_event(vault: Vault, *topics: str, padding: int = 0) -> Event:
    return Event(
        vault.unique(),
        EventName.FOLDER_CREATED,
        vault.now(),
        "user_1",
        "req_1",
        topics=topics,
        details={"padding": "x" * padding},
    )


async def test_events_reach_their_queue_and_each_watcher_is_nudged_once(vault: Vault, settings, nudges: Nudges):
    events = [an_event(vault, "folder_1", "folder_2"), an_event(vault), an_event(vault, "folder_2")]

    assert list(await handle(vault, events)) == []

    assert await in_queue(settings, "audit", 3) == {event.id for event in events}
    assert sorted(await nudges.so_far()) == ["folder_1", "folder_2"]


async def test_what_the_bus_did_not_take_is_named_and_nudges_nobody(vault: Vault, settings, nudges: Nudges):
    events = [an_event(vault, "folder_1"), an_event(vault, "folder_2", padding=2**18), an_event(vault, "folder_3")]

    assert list(await handle(vault, events)) == [1]

    assert await in_queue(settings, "audit", 2) == {events[0].id, events[2].id}
    assert await nudges.so_far() == ["folder_1", "folder_3"]


async def test_while_the_bus_is_gone_every_event_is_to_come_again(vault: Vault, settings, nudges: Nudges):
    events = [an_event(vault, "folder_1"), an_event(vault, "folder_2")]
    gone = clients.session(settings).client(
        "events",
        region_name=settings.region,
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        config=Config(retries={"total_max_attempts": 1}),
    )
    async with gone as client:
        assert list(await handle(replace(vault, bus=Bus(client, settings.bus)), events)) == [0, 1]

    assert await nudges.so_far() == []


async def test_while_redis_is_gone_events_still_reach_their_queue(settings: Settings):
    gone = replace(settings, redis_url=type(settings.redis_url)(f"redis://127.0.0.1:{free_port()}/0"))
    async with opened(gone) as vault:
        event = an_event(vault, "folder_1")
        assert list(await handle(vault, [event])) == []

    assert await in_queue(settings, "audit", 1) == {event.id}
