"""EventBridge: puts events on the vault's bus, in as few requests as its limits allow."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vaultstream.events import SOURCE, Event

# Amazon EventBridge, "PutEvents": at most 10 entries, and 256 KB for all of one request's together.
ENTRIES_MAX = 10
REQUEST_BYTES_MAX = 256 * 1024
_TIME_BYTES = 14  # what an entry's time counts for, whatever its text
_ATTEMPTS = 2

_Entry = Mapping[str, Any]  # Any: the wire's own shapes
_log = logging.getLogger(__name__)


class Bus:
    """One event bus through one open EventBridge client."""

    def __init__(self, client: Any, name: str) -> None:  # Any: botocore makes its clients at run time
        self._client = client
        self._name = name

    async def put(self, events: Sequence[Event]) -> tuple[int, ...]:
        """Put the events on the bus in their order; returns the indices, ascending, of those it did not take.

        Events refused singly are tried once more. An event above 256 KB never gets on. Nothing is raised for a bus
        that cannot be reached: all its events are among the failed.
        """
        entries = [self._entry(event) for event in events]
        failed = [index for index, entry in enumerate(entries) if _size_bytes(entry) > REQUEST_BYTES_MAX]
        for index in failed:
            _log.error("event %s is above the bus's limit of %d bytes", events[index].id, REQUEST_BYTES_MAX)
        for batch in _batches(entries):
            failed += await self._put_batch(entries, batch)
        return tuple(sorted(failed))

    async def _put_batch(self, entries: Sequence[_Entry], batch: list[int]) -> list[int]:
        left = batch
        for _ in range(_ATTEMPTS):
            try:
                answer = await self._client.put_events(Entries=[entries[index] for index in left])
            except (ClientError, BotoCoreError) as error:  # the client has tried that several times already
                _log.warning("the bus took none of %d events: %s", len(left), error)
                return left
            codes = [result.get("ErrorCode") for result in answer["Entries"]]
            left = [index for index, code in zip(left, codes, strict=True) if code]
            if not left:
                break
            _log.warning("the bus did not take %d events: %s", len(left), sorted({code for code in codes if code}))
        return left

    def _entry(self, event: Event) -> _Entry:
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": event.name.value,
            "Detail": event.to_message(),
            "Time": event.at,
        }


def _batches(entries: Sequence[_Entry]) -> Iterator[list[int]]:
    """Indices of neighbours that one request may hold; an entry too large for any is left out."""
    batch: list[int] = []
    batch_bytes = 0
    for index, entry in enumerate(entries):
        size_bytes = _size_bytes(entry)
        if size_bytes > REQUEST_BYTES_MAX:
            continue
        if len(batch) == ENTRIES_MAX or batch_bytes + size_bytes > REQUEST_BYTES_MAX:
            yield batch
            batch, batch_bytes = [], 0
        batch.append(index)
        batch_bytes += size_bytes
    if batch:
        yield batch


def _size_bytes(entry: _Entry) -> int:
    """An entry's size as EventBridge counts it (user guide, "Calculating PutEvents event entry size")."""
    return _TIME_BYTES + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))
