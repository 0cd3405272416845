"""Stands in for Lambda's event source mapping of a queue: polls it, calls the worker, deletes what was done."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from vaultstream.events import Worker
from vaultstream.local.container import Container
from vaultstream.local.provision_messages import queue_name
from vaultstream.local.trouble import TROUBLE

_WAIT_SECONDS = 10
_RETRY_SECONDS = 0.5
STOP_SECONDS = 5.0
_log = logging.getLogger(__name__)

_Message = dict[str, Any]  # Any: the wire's own shapes


async def pump(sqs: Any, prefix: str, worker: Worker, container: Container) -> None:  # Any: botocore's client
    """Carry messages from a worker's queue to its handler, until cancelled.

    What the handler does not answer for stays in the queue: its visibility time-out brings it back, and the queue's
    redrive policy moves it to the dead letters in the end. A queue that cannot be reached is tried again.
    """
    while True:
        try:
            url = (await sqs.get_queue_url(QueueName=queue_name(prefix, worker.name)))["QueueUrl"]
            while True:
                await pump_once(sqs, url, worker, container)
        except TROUBLE as error:
            _log.warning("the queue of %s: %s", worker.name, error)
            await asyncio.sleep(_RETRY_SECONDS)


async def pump_once(sqs: Any, url: str, worker: Worker, container: Container, wait_seconds: int = _WAIT_SECONDS) -> int:
    """Wait for one batch and see it done; returns how many messages it had."""
    received = await sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=worker.batch,
        WaitTimeSeconds=wait_seconds,
        MessageSystemAttributeNames=["All"],
    )
    messages: list[_Message] = received.get("Messages", [])
    if messages:
        await _to_its_end(_carried(sqs, url, worker, container, messages))
    return len(messages)


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:  # Any: nothing is sent into it
    """Wait for work that goes on for a while when the pump is told to stop: what is done then need not be repeated."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=STOP_SECONDS)
        task.cancel()
        raise


async def _carried(sqs: Any, url: str, worker: Worker, container: Container, messages: list[_Message]) -> None:
    beating = asyncio.create_task(_beat(sqs, url, worker, messages))
    try:
        failed = await container.invoke({"Records": [_record(message) for message in messages]})
    finally:
        beating.cancel()
    if failed is not None:
        await _delete(sqs, url, [message for message in messages if message["MessageId"] not in failed])


async def _beat(sqs: Any, url: str, worker: Worker, messages: Sequence[_Message]) -> None:
    """Nobody else gets the messages while they are worked on, however long that takes."""
    while True:
        await asyncio.sleep(worker.visibility_seconds / 3)
        entries = [
            {
                "Id": f"{index}",
                "ReceiptHandle": message["ReceiptHandle"],
                "VisibilityTimeout": worker.visibility_seconds,
            }
            for index, message in enumerate(messages)
        ]
        try:
            await sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
        except TROUBLE as error:
            _log.warning("the queue of %s: %s", worker.name, error)


async def _delete(sqs: Any, url: str, messages: Sequence[_Message]) -> None:
    entries = [{"Id": f"{index}", "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(messages)]
    if entries:
        await sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def _record(message: _Message) -> _Message:
    """A received message as Lambda shows it to a handler."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "eventSource": "aws:sqs",
    }
