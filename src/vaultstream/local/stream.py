"""Stands in for Lambda's event source mapping of the table's stream: reads it in order, remembers how far."""

import asyncio
import base64
import json
import logging
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from vaultstream.local.container import Container
from vaultstream.local.trouble import TROUBLE

_BUSY_POLL_SECONDS = 0.02
_IDLE_POLL_SECONDS = 0.2
_BUSY_SECONDS = 10  # after the last record; one deed is seldom alone
_RETRY_SECONDS = 0.25
_BATCH = 100
_ATTEMPTS = 5
_SEQUENCE_DIGITS = 21  # botocore refuses fewer; dynoxide's own have no leading zeros
_log = logging.getLogger(__name__)


class Checkpoint:
    """How far each shard of one stream was handled, in a file that outlives us."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def after(self, stream: str, shard: str) -> str | None:
        """The last sequence number that was handled, or None before the first."""
        return self._known.get(f"{stream} {shard}")

    def move(self, stream: str, shard: str, sequence: str) -> None:
        """Remember it. A crash in between repeats a batch, which the workers bear."""
        self._known = {f"{stream} {shard}": sequence}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self._known))
        new.replace(self._path)


class Stream:
    """The stream of one table, whose one shard is read from the checkpoint on."""

    def __init__(self, dynamodb: Any, streams: Any, table: str, checkpoint: Checkpoint) -> None:  # Any: botocore's
        self._dynamodb = dynamodb
        self._streams = streams
        self._table = table
        self._checkpoint = checkpoint
        self._busy_until = 0.0

    async def carry(self, container: Container) -> None:
        """Carry records to the handler, until cancelled. A stream that cannot be reached is tried again."""
        while True:
            try:
                await self._read(container)
            except TROUBLE as error:
                _log.warning("the table's stream: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self, container: Container) -> None:
        described = await self._dynamodb.describe_table(TableName=self._table)
        arn = described["Table"]["LatestStreamArn"]
        shards = (await self._streams.describe_stream(StreamArn=arn))["StreamDescription"]["Shards"]
        if not shards:  # nothing was ever written
            await asyncio.sleep(_RETRY_SECONDS)
            return
        shard = shards[0]["ShardId"]
        iterator = await self._iterator(arn, shard)
        while True:
            page = await self._streams.get_records(ShardIterator=iterator, Limit=_BATCH)
            if page["Records"]:
                await _handle(container, [_plain(record) for record in page["Records"]])
                self._checkpoint.move(arn, shard, page["Records"][-1]["dynamodb"]["SequenceNumber"])
                self._busy_until = time.monotonic() + _BUSY_SECONDS
            iterator = page["NextShardIterator"]
            if len(page["Records"]) < _BATCH:
                is_busy = time.monotonic() < self._busy_until
                await asyncio.sleep(_BUSY_POLL_SECONDS if is_busy else _IDLE_POLL_SECONDS)

    async def _iterator(self, arn: str, shard: str) -> str:
        after = self._checkpoint.after(arn, shard)
        place = (
            {"ShardIteratorType": "TRIM_HORIZON"}
            if after is None
            else {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after.zfill(_SEQUENCE_DIGITS)}
        )
        answer = await self._streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **place)
        iterator: str = answer["ShardIterator"]
        return iterator


async def _handle(container: Container, records: list[dict[str, Any]]) -> None:  # Any: JSON
    """Have a batch handled, from its first failure on again; what fails every time is the sweeper's."""
    for attempt in range(_ATTEMPTS):
        failed = await container.invoke({"Records": records})
        if failed == []:
            return
        if failed:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
            records = records[numbers.index(failed[0]) :]
        await asyncio.sleep(_RETRY_SECONDS * 2**attempt)
    _log.error("%d stream records were given up; what they tell stays in the outbox", len(records))


def _plain(value: Any) -> Any:  # Any: JSON, from what botocore made of it
    """A record in JSON, as Lambda gives it: binary in base64, times in seconds."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.timestamp()
    return value
