"""The stand-in for Lambda over real queues and a real stream: what fails comes back, what is done does not."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import table
from vaultstream.adapters import clients
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.queues import Queues
from vaultstream.adapters.telemetry.tracer import Tracer
from vaultstream.adapters.vault import opened
from vaultstream.events import AUDIT, SCAN, Event, EventName
from vaultstream.local.container import Container
from vaultstream.local.provision_messages import queue_name
from vaultstream.local.pump import pump, pump_once
from vaultstream.local.stream import Checkpoint, Stream
from vaultstream.workers.lambda_entry import schedule_handler, sqs_batch_handler, sqs_handler, stream_handler

_SECONDS = 30


def event(name: EventName = EventName.VERSION_STORED, number: int = 0) -> Event:
    return Event(f"event-{number}", name, datetime(2026, 1, 1, tzinfo=UTC), "user_a", "request", details={"n": number})


@pytest.fixture(autouse=True)
def environment(settings, monkeypatch):
    """A handler reads the settings from the environment at its first call, as in Lambda."""
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)


@asynccontextmanager
async def contained(handler):
    container = Container("test", handler)
    try:
        yield container
    finally:
        assert await container.close()


@pytest.fixture
async def sqs(settings):
    async with clients.client(clients.session(settings), settings, "sqs") as client:
        yield client


@pytest.fixture
async def queue(settings, sqs):
    """The scan worker's queue and its dead letters, with no wait before a message comes back."""
    names = [queue_name(settings.queue_prefix, name) for name in (SCAN.name, SCAN.dead_letters)]
    urls = [(await sqs.get_queue_url(QueueName=name))["QueueUrl"] for name in names]
    await sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"VisibilityTimeout": "0"})
    for url in urls:
        await sqs.purge_queue(QueueUrl=url)
    return urls


def envelope(sent: Event) -> str:
    """An event as EventBridge hands it to a queue."""
    return json.dumps({"detail-type": sent.name, "source": "vaultstream", "detail": json.loads(sent.to_json())})


async def left_in(sqs, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counted = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(counted["Attributes"][name]) for name in names)


async def until(holds, why: str) -> None:
    async with asyncio.timeout(_SECONDS):
        while not await holds():  # noqa: ASYNC110  # what is waited for happens in other processes
            await asyncio.sleep(0.02)
    assert await holds(), why


async def test_a_committed_event_goes_from_the_bus_to_the_queues_of_its_workers_alone(settings, sqs, queue):
    async with opened(settings) as vault:
        assert await vault.bus.put([event(EventName.VERSION_STORED, 1), event(EventName.USER_CREATED, 2)]) == ()
    got: list[Event] = []

    async def handle(_, one):
        got.append(one)

    async with contained(sqs_handler(handle)) as container:
        while await pump_once(sqs, queue[0], SCAN, container, wait_seconds=1):
            pass
    assert got == [event(EventName.VERSION_STORED, 1)]
    audit_url = (await sqs.get_queue_url(QueueName=queue_name(settings.queue_prefix, "audit")))["QueueUrl"]
    assert await left_in(sqs, audit_url) == 2


async def test_what_a_handler_answers_for_is_deleted_and_what_fails_comes_back(sqs, queue):
    for number in range(6):
        await sqs.send_message(QueueUrl=queue[0], MessageBody=envelope(event(number=number)))
    tries: list[int] = []

    async def handle(_, one):
        tries.append(one.details["n"])
        if one.details["n"] % 2 and tries.count(one.details["n"]) < 3:
            raise RuntimeError("not yet")

    worker = replace(SCAN, batch=10)
    async with contained(sqs_handler(handle)) as container:
        while await pump_once(sqs, queue[0], worker, container, wait_seconds=0):
            pass
    assert sorted(tries) == sorted([0, 2, 4, *[1, 3, 5] * 3])
    assert [await left_in(sqs, url) for url in queue] == [0, 0]


async def test_what_fails_every_attempt_goes_to_the_dead_letters_and_holds_up_nothing(sqs, queue):
    await sqs.send_message(QueueUrl=queue[0], MessageBody=envelope(event(number=13)))
    await sqs.send_message(QueueUrl=queue[0], MessageBody="{ no event")
    await sqs.send_message(QueueUrl=queue[0], MessageBody=envelope(event(number=1)))
    done: list[int] = []

    async def handle(_, one):
        if one.details["n"] == 13:
            raise RuntimeError("never")
        done.append(one.details["n"])

    async with contained(sqs_handler(handle)) as container:
        for _ in range(SCAN.attempts * 3 + 3):
            await pump_once(sqs, queue[0], SCAN, container, wait_seconds=0)
    assert done == [1]
    assert await left_in(sqs, queue[0]) == 0
    dead = (await sqs.receive_message(QueueUrl=queue[1], MaxNumberOfMessages=10))["Messages"]
    assert sorted(message["Body"] for message in dead) == sorted([envelope(event(number=13)), "{ no event"])


async def test_a_handler_that_cannot_even_begin_loses_nothing(sqs, queue, monkeypatch):
    monkeypatch.setenv("VAULTSTREAM_PORT", "not a number")
    await sqs.send_message(QueueUrl=queue[0], MessageBody=envelope(event()))

    async def handle(_, one):
        raise AssertionError("it has no vault to work with")

    async with contained(sqs_handler(handle)) as container:
        assert await pump_once(sqs, queue[0], SCAN, container, wait_seconds=0) == 1
    assert await left_in(sqs, queue[0]) == 1


async def test_a_pump_whose_queue_is_not_there_yet_waits_for_it(settings, sqs):
    worker = replace(SCAN, name="late")
    got: list[Event] = []

    async def handle(_, one):
        got.append(one)

    async with contained(sqs_handler(handle)) as container:
        pumping = asyncio.create_task(pump(sqs, settings.queue_prefix, worker, container))
        made = await sqs.create_queue(QueueName=queue_name(settings.queue_prefix, worker.name))
        await sqs.send_message(QueueUrl=made["QueueUrl"], MessageBody=envelope(event()))

        async def has_got() -> bool:
            return bool(got)

        await until(has_got, "the message is handled")
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)
    assert got == [event()]


@given(st.lists(st.booleans(), max_size=25), st.integers(1, 10))
def test_one_bad_event_of_a_batch_is_the_only_one_to_come_back(goods, together):
    """Whatever the batch, exactly the messages whose events fail are answered as failed."""

    async def handle(_, events: Sequence[Event]):
        if not all(goods[one.details["n"]] for one in events):
            raise RuntimeError("one of them is bad")

    handler = sqs_batch_handler(handle, together=together)
    records = [{"messageId": f"{n}", "body": envelope(event(number=n))} for n in range(len(goods))]
    failed = {failure["itemIdentifier"] for failure in _answer_of(handler, {"Records": records})}
    assert failed == {f"{n}" for n, good in enumerate(goods) if not good}


def _answer_of(handler, message):
    """What a handler answers, with no more of a vault than what every handling is told to."""
    vault = SimpleNamespace(meters=Meters(), tracer=Tracer(0), now=lambda: datetime.now(UTC))
    with asyncio.Runner() as runner:
        return runner.run(handler._work(vault, message))["batchItemFailures"]


def stream_record(number: int, **changed) -> dict:
    record = {
        "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": f"{number}",
            "Keys": {"PK": {"S": f"{table.OUTBOX}0"}, "SK": {"S": f"event-{number}"}},
            "NewImage": {"event": {"S": event(number=number).to_json()}},
        },
    }
    return record | changed


def test_the_relay_gets_new_outbox_events_only_and_its_first_failure_is_the_checkpoint():
    other = stream_record(2)
    other["dynamodb"] = other["dynamodb"] | {"Keys": {"PK": {"S": "USER#1"}, "SK": {"S": "#USER"}}}
    unreadable = stream_record(5)
    unreadable["dynamodb"] = unreadable["dynamodb"] | {"NewImage": {"event": {"S": "{}"}}}
    records = [
        stream_record(1),
        other,
        stream_record(3, eventName="REMOVE"),
        stream_record(4),
        unreadable,
        stream_record(6),
    ]
    got: list[Event] = []
    touched: list[str] = []

    async def handle(_, events):
        got.extend(events)
        return [2, 1]

    async def changed(_, partitions):
        touched.extend(partitions)

    failures = _answer_of(stream_handler(handle, changed), {"Records": records})
    assert touched == [record["dynamodb"]["Keys"]["PK"]["S"] for record in records]
    assert got == [event(number=1), event(number=4), event(number=6)]
    assert failures == [{"itemIdentifier": "4"}]


def test_a_timer_has_nothing_to_answer_and_its_failure_is_raised():
    async def well(_):
        pass

    async def badly(_):
        raise RuntimeError("the table is gone")

    assert _answer_of(schedule_handler(well), {}) == []
    with pytest.raises(RuntimeError, match="the table is gone"):
        _answer_of(schedule_handler(badly), {})


@asynccontextmanager
async def carrying(settings, checkpoint, handle):
    """The stream of the table carried to a handler for as long as the block lasts."""

    async def changed(*_):
        pass

    session = clients.session(settings)
    async with (
        clients.client(session, settings, "dynamodb") as dynamodb,
        clients.client(session, settings, "dynamodbstreams") as streams,
        contained(stream_handler(handle, changed)) as container,
    ):
        stream = Stream(dynamodb, streams, settings.table, Checkpoint(checkpoint))
        carrying = asyncio.create_task(stream.carry(container))
        try:
            yield
        finally:
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)


async def test_the_stream_is_carried_in_order_once_and_goes_on_where_it_was(settings, tmp_path):
    got: list[int] = []

    async def handle(_, events):
        got.extend(one.details["n"] for one in events)
        return []

    async def has(count: int) -> bool:
        return len(got) == count

    async with opened(settings) as vault:
        async with carrying(settings, tmp_path / "stream.json", handle):
            for number in range(20):
                await vault.commit([], [event(number=number)])
            await until(lambda: has(20), "the first events are carried")
        for number in range(20, 25):
            await vault.commit([], [event(number=number)])
        async with carrying(settings, tmp_path / "stream.json", handle):
            await until(lambda: has(25), "those of the meantime too")
    assert got == list(range(25))


async def test_records_that_fail_are_repeated_from_the_first_failure_on(settings, tmp_path):
    calls: list[list[int]] = []

    async def handle(_, events):
        calls.append([one.details["n"] for one in events])
        return [1] if len(calls) == 1 else []

    async def done() -> bool:
        return len(calls) == 2

    async with opened(settings) as vault:
        start = 1000
        for number in range(start, start + 3):
            await vault.commit([], [event(number=number)])
        async with carrying(settings, tmp_path / "stream.json", handle):
            await until(done, "the batch is repeated")
    assert calls[0][-3:] == [1000, 1001, 1002]
    assert calls[1] == calls[0][1:]


async def test_the_audit_worker_takes_batches_as_its_row_says(settings, sqs):
    url = (await sqs.get_queue_url(QueueName=queue_name(settings.queue_prefix, "audit")))["QueueUrl"]
    await sqs.purge_queue(QueueUrl=url)
    for number in range(AUDIT.batch):
        await sqs.send_message(QueueUrl=url, MessageBody=envelope(event(number=number)))
    batches: list[int] = []

    async def handle(_, events):
        batches.append(len(events))

    async with contained(sqs_batch_handler(handle)) as container:
        while await pump_once(sqs, url, AUDIT, container, wait_seconds=0):
            pass
    assert sum(batches) == AUDIT.batch


async def test_what_is_worked_on_for_long_is_nobody_elses_meanwhile(sqs, queue):
    await sqs.set_queue_attributes(QueueUrl=queue[0], Attributes={"VisibilityTimeout": "1"})
    await sqs.send_message(QueueUrl=queue[0], MessageBody=envelope(event()))
    worker = replace(SCAN, visibility_seconds=1)
    begun, goes_on, calls = threading.Event(), threading.Event(), []

    async def handle(_, one):
        calls.append(one.id)
        begun.set()
        await asyncio.to_thread(goes_on.wait)

    async with contained(sqs_handler(handle)) as container:
        pumping = asyncio.create_task(pump_once(sqs, queue[0], worker, container))
        await asyncio.to_thread(begun.wait)
        for _ in range(3):
            again = await sqs.receive_message(QueueUrl=queue[0], WaitTimeSeconds=1)
            assert "Messages" not in again
        goes_on.set()
        await pumping
    assert calls == ["event-0"]
    assert await left_in(sqs, queue[0]) == 0


async def test_a_pump_that_is_stopped_ends_what_it_has_begun(sqs, queue, settings):
    for number in range(2):
        await sqs.send_message(QueueUrl=queue[0], MessageBody=envelope(event(number=number)))
    begun, goes_on = threading.Event(), threading.Event()

    async def handle(_, one):
        begun.set()
        await asyncio.to_thread(goes_on.wait)

    async with contained(sqs_handler(handle)) as container:
        pumping = asyncio.create_task(pump(sqs, settings.queue_prefix, SCAN, container))
        await asyncio.to_thread(begun.wait)
        pumping.cancel()
        await asyncio.sleep(0)
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await pumping
    assert await left_in(sqs, queue[0]) == 1, "one is done, one was never begun"


async def test_dead_letters_are_given_once_more_and_only_those_there_are(settings, sqs, queue):
    bodies = sorted(envelope(event(number=number)) for number in range(13))
    for body in bodies:
        await sqs.send_message(QueueUrl=queue[1], MessageBody=body)
    queues = Queues(sqs, settings.queue_prefix)
    assert await queues.dead(SCAN) == 13
    assert await queues.redrive(SCAN) == 13
    assert await queues.redrive(SCAN) == 0
    await sqs.set_queue_attributes(QueueUrl=queue[0], Attributes={"VisibilityTimeout": "60"})
    got = []
    while more := (await sqs.receive_message(QueueUrl=queue[0], MaxNumberOfMessages=10)).get("Messages"):
        got += [message["Body"] for message in more]
    assert sorted(got) == bodies


async def test_the_command_redrives_a_worker(settings, sqs, queue):
    await sqs.send_message(QueueUrl=queue[1], MessageBody=envelope(event()))
    told = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "vaultstream", "redrive", "scan"],
        env=os.environ | settings.to_env(),
        capture_output=True,
        check=True,
    )
    assert told.stdout.decode() == "scan: 1 given once more\n"
    assert await left_in(sqs, queue[0]) == 1
