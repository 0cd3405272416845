"""Stands in for EventBridge's rule on a bucket's events: puts what a worker asked for into its queue, in its envelope.

Events are S3's own and their source is `aws.s3`, which no emulator's bus takes from outside any more than AWS's does.
What cannot be delivered is tried again; what is still here when the store stops is lost, as any event may be.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aioboto3
from botocore.exceptions import BotoCoreError, ClientError

from vaultstream.events import StorageNews
from vaultstream.local.s3.events import Listener, ObjectEvent

_DETAIL_TYPES: Mapping[str, StorageNews] = {
    "LifecycleTransition": StorageNews.CLASS_CHANGED,
    "ObjectRestore:Post": StorageNews.RESTORE_INITIATED,
    "ObjectRestore:Completed": StorageNews.RESTORE_COMPLETED,
    "ObjectRestore:Delete": StorageNews.RESTORE_EXPIRED,
}
_WAITING_MAX = 10_000
_RETRY_SECONDS = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """The queue that a rule sends to: the endpoint of its service, its name and its region."""

    endpoint: str
    queue: str
    region: str


def envelope(event: ObjectEvent, region: str) -> dict[str, Any] | None:  # Any: JSON values
    """The event as EventBridge would deliver it; None for what nobody asked for.

    Its shape is that of the S3 User Guide, "EventBridge event message structure".
    """
    detail_type = _DETAIL_TYPES.get(event.name)
    if detail_type is None:
        return None
    at = f"{event.happened_at:%Y-%m-%dT%H:%M:%SZ}"
    version = {"version-id": event.version_id} if event.version_id else {}
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": event.bucket},
        "object": {"key": event.key, "size": event.size_bytes, "etag": event.etag, **version},
        "requester": "s3.amazonaws.com",
    }
    if detail_type is StorageNews.CLASS_CHANGED:
        detail["destination-storage-class"] = event.storage_class
    else:
        detail["source-storage-class"] = event.storage_class
    if detail_type is StorageNews.RESTORE_COMPLETED and event.restore_until is not None:
        detail["restore-expiry-time"] = f"{event.restore_until:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "version": "0",
        "id": f"{uuid.uuid4()}",
        "detail-type": detail_type.value,
        "source": "aws.s3",
        "account": "000000000000",
        "time": at,
        "region": region,
        "resources": [f"arn:aws:s3:::{event.bucket}"],
        "detail": detail,
    }


@asynccontextmanager
async def bridge(target: Target) -> AsyncIterator[Listener]:
    """A listener that hands events on, for as long as this is open."""
    waiting: asyncio.Queue[str] = asyncio.Queue(_WAITING_MAX)

    def listen(event: ObjectEvent) -> None:
        told = envelope(event, target.region)
        if told is not None:
            try:
                waiting.put_nowait(json.dumps(told))
            except asyncio.QueueFull:
                _log.warning("an event of %s is lost: too many wait", event.bucket)

    carrying = asyncio.create_task(_carry(target, waiting))
    try:
        yield listen
    finally:
        carrying.cancel()


async def _carry(target: Target, waiting: "asyncio.Queue[str]") -> None:
    async with aioboto3.Session().client("sqs", region_name=target.region, endpoint_url=target.endpoint) as sqs:
        while True:
            body = await waiting.get()
            while not await _sent(sqs, target.queue, body):  # noqa: ASYNC110  # it waits for another process
                await asyncio.sleep(_RETRY_SECONDS)


async def _sent(sqs: Any, queue: str, body: str) -> bool:  # Any: botocore makes its clients at run time
    try:
        url = (await sqs.get_queue_url(QueueName=queue))["QueueUrl"]
        await sqs.send_message(QueueUrl=url, MessageBody=body)
    except (BotoCoreError, ClientError) as error:
        _log.warning("an event waits for the queue %s: %s", queue, error)
        return False
    return True
