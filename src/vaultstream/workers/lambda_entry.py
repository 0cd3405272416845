"""Turns a worker into an AWS Lambda handler: one event loop and one vault a container, failures told one by one.

The shapes are those of the AWS Lambda developer guide: "Using Lambda with Amazon SQS", "Using Lambda with Amazon
DynamoDB", each with partial batch responses (ReportBatchItemFailures).
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from vaultstream import table
from vaultstream.adapters.secret_store import revealed
from vaultstream.adapters.telemetry.logs import log_to_stderr, logged_request
from vaultstream.adapters.vault import Vault, opened
from vaultstream.events import STORAGE_SOURCE, Event, storage_event
from vaultstream.metrics import EVENT_WAIT_SECONDS, WORKER_NAMES, WORKER_SECONDS
from vaultstream.settings import Settings

Handle = Callable[[Vault, Event], Awaitable[None]]
HandleBatch = Callable[[Vault, Sequence[Event]], Awaitable[None]]
HandleRecords = Callable[[Vault, Sequence[Event]], Awaitable[Sequence[int]]]
HandleChanges = Callable[[Vault, Sequence[str]], Awaitable[None]]
HandleSchedule = Callable[[Vault], Awaitable[object]]
Message = Mapping[str, Any]  # Any: JSON as Lambda gives it
Answer = dict[str, list[dict[str, str]]]
Work = Callable[[Vault, Message], Awaitable[Answer]]

_log = logging.getLogger(__name__)


class Handler:
    """What Lambda calls, always from one thread. The vault is opened by the first call and stays open."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._runner: asyncio.Runner | None = None
        self._stack = AsyncExitStack()
        self._vault: Vault | None = None

    def __call__(self, event: Message, context: object) -> Answer:  # noqa: ARG002  # Lambda gives both
        """One invocation."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(self._invoke(event))

    def close(self) -> None:
        """Close the vault and the loop, for a process that goes on without them; Lambda itself never does."""
        if self._runner is not None:
            self._runner.run(self._stack.aclose())
            self._runner.close()
        self._runner, self._vault = None, None

    async def _invoke(self, event: Message) -> Answer:
        if self._vault is None:
            settings = Settings.from_env(await revealed(os.environ))
            if not settings.is_local:
                log_to_stderr(as_json=True)
            self._vault = await self._stack.enter_async_context(opened(settings))
        try:
            return await self._work(self._vault, event)
        finally:  # between two invocations nothing runs
            await self._vault.exporter.flush()


def sqs_handler(handle: Handle) -> Handler:
    """A handler for queue messages that hold one bus event each, handled one by one."""

    async def handle_one(vault: Vault, events: Sequence[Event]) -> None:
        (event,) = events
        await handle(vault, event)

    return _queue_handler(_name(handle), handle_one, together=1)


def sqs_batch_handler(handle: HandleBatch, *, together: int = 10) -> Handler:
    """A handler for queue messages whose events are handled `together` at a time.

    When a batch fails each of its events is tried alone, so that one that cannot be handled holds up no other.
    """
    return _queue_handler(_name(handle), handle, together=together)


def _queue_handler(worker: str, handle: HandleBatch, *, together: int) -> Handler:
    async def work(vault: Vault, message: Message) -> Answer:
        failed: list[str] = []
        read = [(record["messageId"], _event_of_message(record)) for record in message["Records"]]
        failed += [message_id for message_id, event in read if event is None]
        events = [(message_id, event) for message_id, event in read if event is not None]
        for start in range(0, len(events), together):
            failed += await _failures(vault, worker, handle, events[start : start + together])
        return _answer(failed)

    return Handler(work)


def stream_handler(handle: HandleRecords, changed: HandleChanges) -> Handler:
    """A handler for the table's stream: it tells which partitions were written to, then gives the events of new outbox
    items, in their order.

    Lambda takes the first failure for a checkpoint and repeats what follows it, so only that one is answered.
    """
    worker = _name(handle)

    async def work(vault: Vault, message: Message) -> Answer:
        found = [(record["dynamodb"]["SequenceNumber"], _event_of_record(record)) for record in message["Records"]]
        events = [(sequence, event) for sequence, event in found if event is not None]
        await changed(vault, [record["dynamodb"]["Keys"][table.PK]["S"] for record in message["Records"]])
        if not events:
            return _answer([])
        with _measured(vault, worker, [event for _, event in events]):
            failed = await handle(vault, [event for _, event in events])
        return _answer([events[min(failed)][0]] if failed else [])

    return Handler(work)


def schedule_handler(handle: HandleSchedule) -> Handler:
    """A handler for a timer; a failure is raised, for Lambda to count and the next run to mend."""
    worker = _name(handle)

    async def work(vault: Vault, message: Message) -> Answer:  # noqa: ARG001  # a timer's message says nothing
        with _measured(vault, worker, []):
            await handle(vault)
        return _answer([])

    return Handler(work)


def _name(handle: Callable[..., object]) -> str:
    """A worker's name is its module's."""
    name = handle.__module__.rpartition(".")[2]
    return name if name in WORKER_NAMES else "other"


@contextmanager
def _measured(vault: Vault, worker: str, events: Sequence[Event]) -> Iterator[None]:
    """One handling in the meters, and in the traces that its events came of."""
    begun, outcome = time.perf_counter(), "failed"
    logged_request.set(events[0].request_id if len(events) == 1 else "")
    for event in events:
        vault.meters.observe(EVENT_WAIT_SECONDS, (vault.now() - event.at).total_seconds(), worker)
    try:
        with vault.tracer.handling(f"worker {worker}", [event.trace for event in events]):
            yield
        outcome = "done"
    finally:
        vault.meters.observe(WORKER_SECONDS, time.perf_counter() - begun, worker, outcome)


async def _failures(vault: Vault, worker: str, handle: HandleBatch, events: Sequence[tuple[str, Event]]) -> list[str]:
    """Handle some events together; returns the message ids of those to deliver again."""
    try:
        with _measured(vault, worker, [event for _, event in events]):
            await handle(vault, [event for _, event in events])
    except Exception:  # noqa: BLE001  # the edge: it is logged, and the queue brings the message back
        if len(events) == 1:
            message_id, event = events[0]
            _log.exception("event %s (%s) failed in message %s", event.id, event.name, message_id)
            return [message_id]
        return [failed for one in events for failed in await _failures(vault, worker, handle, [one])]
    return []


def _event_of_message(record: Message) -> Event | None:
    """The event in a bus message, ours or S3's; None for what is none, which can only go to the dead letters."""
    try:
        body = json.loads(record["body"])
        if isinstance(body, dict) and body.get("source") == STORAGE_SOURCE:
            return storage_event(body)
        return Event.from_json(json.dumps(body["detail"]))
    except (ValueError, KeyError, TypeError):
        _log.exception("message %s holds no event", record["messageId"])
        return None


def _event_of_record(record: Message) -> Event | None:
    """The event of a new outbox item; None for any other record."""
    image = record["dynamodb"].get("NewImage", {})
    partition = record["dynamodb"]["Keys"][table.PK]["S"]
    if record["eventName"] != "INSERT" or not partition.startswith(table.OUTBOX) or "event" not in image:
        return None
    try:
        return Event.from_json(image["event"]["S"])
    except (ValueError, KeyError, TypeError):
        _log.exception("outbox item %s holds no event", record["dynamodb"]["Keys"][table.SK]["S"])
        return None


def _answer(failed: Sequence[str]) -> Answer:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}
