"""SQS: the dead letters of each worker, and their way back."""

from typing import Any

from vaultstream.events import Worker

_BATCH = 10


class Queues:
    """The workers' queues through one open SQS client; `prefix` begins their names."""

    def __init__(self, client: Any, prefix: str) -> None:  # Any: botocore makes its clients at run time
        self._client = client
        self._prefix = prefix

    async def dead(self, worker: Worker) -> int:
        """How many messages failed every attempt, about."""
        url = await self._url(worker.dead_letters)
        counted = await self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(counted["Attributes"]["ApproximateNumberOfMessages"])

    async def redrive(self, worker: Worker) -> int:
        """Give the worker its dead letters once more, as many as there are now; returns how many those were.

        One is sent before it is deleted: whoever is cut off between has it twice, and workers do not mind.
        """
        dead_url, url = await self._url(worker.dead_letters), await self._url(worker.name)
        left = await self.dead(worker)
        moved = 0
        while moved < left:
            got = await self._client.receive_message(QueueUrl=dead_url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=1)
            messages = got.get("Messages", [])
            if not messages:
                break
            for message in messages:
                await self._client.send_message(QueueUrl=url, MessageBody=message["Body"])
                await self._client.delete_message(QueueUrl=dead_url, ReceiptHandle=message["ReceiptHandle"])
            moved += len(messages)
        return moved

    async def _url(self, name: str) -> str:
        return str((await self._client.get_queue_url(QueueName=f"{self._prefix}-{name}"))["QueueUrl"])
