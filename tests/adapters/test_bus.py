"""The bus against a real one, behind a gate that knows EventBridge's limits and refuses what a test names."""

import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aioboto3
import parts as world
import pytest
from aiohttp import ClientSession, web
from botocore.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vaultstream.adapters.bus import Bus
from vaultstream.events import WORKERS, Event, EventName
from vaultstream.ids import ulid
from vaultstream.local.probes import free_port
from vaultstream.local.provision_messages import make_bus, make_queues, queue_name

NOW = datetime.now(UTC)


@dataclass
class Gate:
    """Passes PutEvents on, but for events it was told to refuse; remembers the ids of every request."""

    upstream: str
    refused: Counter[str] = field(default_factory=Counter)
    requests: list[list[str]] = field(default_factory=list)
    throttled: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        entries = asked["Entries"]
        ids = [json.loads(entry["Detail"])["id"] for entry in entries]
        self.requests.append(ids)
        size_bytes = sum(14 + len((e["Source"] + e["DetailType"] + e["Detail"]).encode()) for e in entries)
        assert 1 <= len(entries) <= 10
        assert size_bytes <= 256 * 1024
        if self.throttled:
            self.throttled -= 1
            return web.json_response({"__type": "ThrottlingException", "message": "slow down"}, status=400)
        refused = {id_ for id_ in ids if self.refused[id_] > 0}
        self.refused.subtract(refused)
        passed = [entry for entry, id_ in zip(entries, ids, strict=True) if id_ not in refused]
        taken = await self.forward(request, {**asked, "Entries": passed}) if passed else iter(())
        answers = [{"ErrorCode": "InternalFailure"} if id_ in refused else next(taken) for id_ in ids]
        return web.json_response({"FailedEntryCount": len(refused), "Entries": answers})

    async def forward(self, request: web.Request, body: dict) -> Iterator[dict]:
        headers = {name: request.headers[name] for name in ("X-Amz-Target", "Content-Type", "Authorization")}
        async with (
            ClientSession() as session,
            session.post(self.upstream, json=body, headers=headers) as answer,
        ):
            return iter((await answer.json(content_type=None))["Entries"])


@pytest.fixture
async def gate(aws_url: str) -> AsyncIterator[Gate]:
    gate = Gate(aws_url)
    app = web.Application(client_max_size=2**20)
    app.router.add_post("/", gate.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    gate.url = f"http://127.0.0.1:{port}"
    yield gate
    await runner.cleanup()


def a_client(service: str, endpoint: str):
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
    key = world.ACCESS_KEY
    session = aioboto3.Session(aws_access_key_id=key.id, aws_secret_access_key=key.secret.reveal())
    return session.client(service, region_name=world.REGION, endpoint_url=endpoint, config=config)


@pytest.fixture
async def queues(aws_url: str) -> AsyncIterator["Queues"]:
    async with a_client("sqs", aws_url) as sqs, a_client("events", aws_url) as events:
        name = f"v{os.urandom(4).hex()}"
        await make_bus(events, name, name, await make_queues(sqs, name))
        yield Queues(sqs, name)


@dataclass
class Queues:
    """A bus of a test's own, with every worker's queue behind it."""

    sqs: object
    name: str

    async def received(self, worker: str, count: int) -> list[dict]:
        url = (await self.sqs.get_queue_url(QueueName=queue_name(self.name, worker)))["QueueUrl"]
        messages = []
        while len(messages) < count:
            answer = await self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
            assert "Messages" in answer, f"{len(messages)} of {count} messages came"
            messages += [json.loads(message["Body"]) for message in answer["Messages"]]
        left = await self.sqs.receive_message(QueueUrl=url)
        assert "Messages" not in left, "more messages came than were expected"
        return messages


@pytest.fixture
async def bus(gate: Gate, queues: Queues) -> AsyncIterator[Bus]:
    async with a_client("events", gate.url) as client:
        yield Bus(client, queues.name)


def an_event(name: EventName = EventName.FOLDER_CREATED, padding: int = 0) -> Event:
    unique = ulid(int(NOW.timestamp() * 1000), os.urandom(10))
    return Event(unique, name, NOW, "user_1", "req_1", details={"padding": "é" * padding})


async def test_each_worker_gets_the_events_of_its_row_whole(bus: Bus, queues: Queues):
    events = {name: an_event(name) for name in EventName}

    assert await bus.put(list(events.values())) == ()

    for worker in WORKERS:
        messages = await queues.received(worker.name, len(worker.gets))
        got = [Event.from_json(json.dumps(message["detail"])) for message in messages]
        assert sorted(got, key=lambda event: event.id) == sorted(
            (events[name] for name in worker.gets), key=lambda event: event.id
        )
        assert {(message["source"], message["detail-type"]) for message in messages} == {
            ("vaultstream", name.value) for name in worker.gets
        }


async def test_nothing_to_put_asks_nothing(bus: Bus, gate: Gate):
    assert await bus.put([]) == ()
    assert gate.requests == []


async def test_a_request_holds_ten_in_their_order(bus: Bus, gate: Gate):
    events = [an_event() for _ in range(25)]

    assert await bus.put(events) == ()

    ids = [event.id for event in events]
    assert gate.requests == [ids[:10], ids[10:20], ids[20:]]


# "é" is two bytes: 131,072 of them are 256 KB by themselves.
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paddings=st.lists(st.sampled_from([0, 40_000, 65_000, 130_900, 131_072, 200_000]), max_size=12))
@example(paddings=[130_900, 131_072, 0, 130_900])
async def test_whatever_the_sizes_no_request_is_too_large_and_only_the_oversized_fail(
    bus: Bus, gate: Gate, paddings: list[int]
):
    gate.requests.clear()
    events = [an_event(padding=padding) for padding in paddings]

    failed = await bus.put(events)

    assert failed == tuple(index for index, padding in enumerate(paddings) if padding >= 131_072)
    sent = [id_ for request in gate.requests for id_ in request]
    assert sent == [event.id for index, event in enumerate(events) if index not in failed]


async def test_an_event_of_exactly_the_limit_gets_on_and_one_byte_more_does_not(bus: Bus, gate: Gate):
    without = an_event()
    room = 256 * 1024 - 14 - len("vaultstream" + without.name + without.to_json())
    events = [
        Event(without.id, without.name, NOW, "user_1", "req_1", details={"padding": "x" * size})
        for size in (room, room + 1)
    ]

    assert await bus.put(events) == (1,)
    assert gate.requests == [[without.id]]


async def test_only_what_was_refused_is_tried_again(bus: Bus, gate: Gate, queues: Queues):
    events = [an_event() for _ in range(4)]
    gate.refused.update([events[1].id, events[3].id])

    assert await bus.put(events) == ()

    assert gate.requests == [[event.id for event in events], [events[1].id, events[3].id]]
    assert len(await queues.received("audit", 4)) == 4


async def test_what_is_refused_twice_is_named_and_the_rest_is_on_the_bus_once(bus: Bus, gate: Gate, queues: Queues):
    events = [an_event() for _ in range(14)]
    gate.refused.update({events[2].id: 2, events[5].id: 1, events[13].id: 9})

    assert await bus.put(events) == (2, 13)

    arrived = {message["detail"]["id"] for message in await queues.received("audit", 12)}
    assert arrived == {event.id for index, event in enumerate(events) if index not in {2, 13}}


async def test_events_of_a_request_that_failed_whole_are_named_and_the_others_get_on(bus: Bus, gate: Gate):
    gate.throttled = 1

    assert await bus.put([an_event() for _ in range(12)]) == tuple(range(10))


async def test_a_bus_that_cannot_be_reached_takes_nothing(caplog):
    async with a_client("events", f"http://127.0.0.1:{free_port()}") as client:
        assert await Bus(client, "bus").put([an_event() for _ in range(11)]) == tuple(range(11))
    assert "Could not connect" in caplog.text
