"""Reads of the table, each strongly consistent and batched, and the one conditional write."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from vaultstream import dependencies, table
from vaultstream.adapters.records import changes as change_makers
from vaultstream.adapters.records.attributes import Item, from_attributes, to_attributes
from vaultstream.adapters.records.changes import Change, changed_underneath
from vaultstream.adapters.records.moments import moment
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event

TRANSACTION_ITEMS_MAX = 100  # DynamoDB's own limit
_BATCH_KEYS_MAX = 100
_TRIES = 8
_CONFLICT = "TransactionConflict"
_THROTTLED = {"ThrottlingError", "ProvisionedThroughputExceeded"}  # as a cancelled transaction's reasons say it
_BUSY = {
    "TransactionInProgressException",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
}


class Records:
    """The table through one open DynamoDB client."""

    def __init__(self, client: Any, table_name: str) -> None:  # Any: botocore makes its clients at run time
        self._client = client
        self._table = table_name

    async def items(self, keys: Sequence[table.Key]) -> list[Item | None]:
        """The items under these keys, in their order; None where there is none. One round trip for a hundred."""
        unique = list(dict.fromkeys(keys))
        batches = [unique[at : at + _BATCH_KEYS_MAX] for at in range(0, len(unique), _BATCH_KEYS_MAX)]
        found: dict[table.Key, Item] = {}
        for batch in await asyncio.gather(*map(self._batch, batches)):
            found |= {table.Key(item[table.PK], item[table.SK]): item for item in batch}
        return [found.get(key) for key in keys]

    async def item(self, key: table.Key) -> Item | None:
        """The item under one key."""
        answer = await self._call(
            "get_item", Key=to_attributes(key.attributes()), ConsistentRead=True, TableName=self._table
        )
        return from_attributes(answer["Item"]) if "Item" in answer else None

    async def _batch(self, keys: Sequence[table.Key]) -> list[Item]:
        wanted = [to_attributes(key.attributes()) for key in keys]
        found: list[Item] = []
        for attempt in range(_TRIES):
            request = {self._table: {"Keys": wanted, "ConsistentRead": True}}
            answer = await self._call("batch_get_item", RequestItems=request)
            found += map(from_attributes, answer["Responses"].get(self._table, []))
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not wanted:
                return found
            await _pause(attempt)
        raise _unavailable()

    async def collection(
        self, pk: str, *, after: str | None = None, until: str | None = None, limit: int, forward: bool = True
    ) -> list[Item]:
        """At most `limit` items of one collection in the order of their sort keys: one Query, or as many as 1 MB
        pages need. `after` and `until` bound the sort key in the direction of reading: the first is left out.
        """
        low, high = (after, until) if forward else (until, after)
        condition, values = "PK = :pk", {":pk": pk}
        if low is not None and high is not None:
            condition += " AND SK BETWEEN :low AND :high"
            values |= {":low": low, ":high": high}
        elif low is not None:
            condition += " AND SK > :low" if forward else " AND SK >= :low"
            values[":low"] = low
        elif high is not None:
            condition += " AND SK <= :high" if forward else " AND SK < :high"
            values[":high"] = high
        both = low is not None and high is not None
        found = await self._query(condition, values, limit + both, forward=forward, ConsistentRead=True)
        return [item for item in found if item[table.SK] != after][:limit]

    async def between(
        self, pk: str, low: str, high: str, *, after: str | None, limit: int, forward: bool = True
    ) -> list[Item]:
        """At most `limit` items of one collection whose sort keys are from `low` to `high`, both included; those
        that follow on `after` in the direction of reading.
        """
        if after is not None:
            low, high = (max(low, after), high) if forward else (low, min(high, after))
        if low > high:
            return []
        values = {":pk": pk, ":low": low, ":high": high}
        asked = limit + (after is not None)
        condition = "PK = :pk AND SK BETWEEN :low AND :high"
        found = await self._query(condition, values, asked, forward=forward, ConsistentRead=True)
        return [item for item in found if item[table.SK] != after][:limit]

    async def things(self, pk: str, *, prefix: str, before: str | None = None, limit: int) -> list[Item]:
        """At most `limit` of a person's things of one kind (GSI1), those with the highest sort key first; `before`
        is left out. The index may lag a moment: who shows what it gives looks at the items themselves.
        """
        condition = "GSI1PK = :pk AND GSI1SK BETWEEN :low AND :high"
        values = {":pk": pk, ":low": prefix, ":high": before or prefix + "\uffff"}
        found = await self._query(condition, values, limit + 1, forward=False, IndexName=table.GSI1.name)
        return [item for item in found if item[table.GSI1.sk] != before][:limit]

    async def scanned(self, sort_keys: Sequence[str]) -> AsyncIterator[list[Item]]:
        """Every item of the table whose sort key is one of these, page by page of at most 1 MB read: a Scan, for what
        is made anew from the whole table.
        """
        values = {f":sk{at}": sort_key for at, sort_key in enumerate(sort_keys)}
        start: dict[str, Any] = {}  # Any: DynamoDB's own request shape
        while True:
            answer = await self._call(
                "scan",
                TableName=self._table,
                ConsistentRead=True,
                FilterExpression=f"SK IN ({', '.join(values)})",
                ExpressionAttributeValues=to_attributes(values),
                **start,
            )
            yield [from_attributes(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    async def due(self, shard: str, before: datetime, limit: int) -> list[Item]:
        """Items of one GSI3 partition whose time has come, the oldest first; the index may lag a moment."""
        condition = "GSI3PK = :pk AND GSI3SK < :now"
        values = {":pk": shard, ":now": moment(before)}
        return await self._query(condition, values, limit, forward=True, IndexName=table.GSI3.name)

    async def following(self, shard: str, after: str | None, limit: int) -> list[Item]:
        """The next items of one GSI3 partition behind a sort key, or its first; the index may lag a moment."""
        condition, values = "GSI3PK = :pk", {":pk": shard}
        if after is not None:
            condition, values = f"{condition} AND GSI3SK > :after", values | {":after": after}
        return await self._query(condition, values, limit, forward=True, IndexName=table.GSI3.name)

    async def _query(self, condition: str, values: Item, limit: int, *, forward: bool, **more: Any) -> list[Item]:
        found: list[Item] = []
        start: dict[str, Any] = {}  # Any: DynamoDB's own request shape
        while len(found) < limit:
            answer = await self._call(
                "query",
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=to_attributes(values),
                ScanIndexForward=forward,
                Limit=limit - len(found),
                **start,
                **more,
            )
            found += map(from_attributes, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return found

    async def commit(self, changes: Sequence[Change], events: Sequence[Event] = ()) -> None:
        """All changes and the events that tell of them, or none: one TransactWriteItems.

        Raises the `refused` of the first change whose condition failed. Conflicts with other transactions are tried
        again with jitter; those that do not end are a CONFLICT, and a table that has no room for us, or cannot be
        reached, is UNAVAILABLE. All tries have one request token, so that a lost answer cannot write twice.
        """
        every = [*changes, *map(change_makers.emit, events)]
        if len(every) > TRANSACTION_ITEMS_MAX:
            raise ValueError("a transaction has at most 100 items")
        request = [{each.verb: {**each.request, "TableName": self._table}} for each in every]
        token = secrets.token_hex(16)  # `random` repeats itself in forked processes: two requests would be one
        for attempt in range(_TRIES):
            try:
                await self._call("transact_write_items", TransactItems=request, ClientRequestToken=token)
            except ClientError as error:
                given_up = _if_no_try_helps(error, every)
            else:
                return
            await _pause(attempt)
        raise given_up

    async def amend(
        self, key: table.Key, put: Mapping[str, str], *, forget: Sequence[str] = (), expected: Mapping[str, str | None]
    ) -> None:
        """Change attributes of one item that is nobody's data, without an event; it is made where there is none.

        Raises CONFLICT unless each attribute of `expected` has its value, or for None is not there.
        """
        place = {name: at for at, name in enumerate(dict.fromkeys([*put, *forget, *expected]))}
        there = {name: value for name, value in expected.items() if value is not None}
        sets = ", ".join(f"#{place[name]} = :put{place[name]}" for name in put)
        removes = ", ".join(f"#{place[name]}" for name in forget)
        conditions = [
            f"#{place[name]} = :was{place[name]}" if name in there else f"attribute_not_exists(#{place[name]})"
            for name in expected
        ]
        values = {f":put{place[name]}": value for name, value in put.items()}
        values |= {f":was{place[name]}": value for name, value in there.items()}
        request: dict[str, Any] = {  # Any: DynamoDB's own request shape
            "UpdateExpression": f"SET {sets}" + (f" REMOVE {removes}" if removes else ""),
            "ExpressionAttributeNames": {f"#{at}": name for name, at in place.items()},
            "ExpressionAttributeValues": to_attributes(values),
        }
        if conditions:
            request["ConditionExpression"] = " AND ".join(conditions)
        try:
            await self._call("update_item", TableName=self._table, Key=to_attributes(key.attributes()), **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise changed_underneath() from None

    async def delivered(self, event_ids: Iterable[str]) -> None:
        """These events are in the audit log: they leave the outbox."""
        keys = [table.outbox(event_id) for event_id in dict.fromkeys(event_ids)]
        for at in range(0, len(keys), 25):
            await self._delete_batch(keys[at : at + 25])

    async def _delete_batch(self, keys: Sequence[table.Key]) -> None:
        wanted = [{"DeleteRequest": {"Key": to_attributes(key.attributes())}} for key in keys]
        for attempt in range(_TRIES):
            answer = await self._call("batch_write_item", RequestItems={self._table: wanted})
            wanted = answer.get("UnprocessedItems", {}).get(self._table, [])
            if not wanted:
                return
            await _pause(attempt)
        raise _unavailable()

    async def undelivered(self, shard: str, before: str, limit: int) -> list[Event]:
        """Events of one outbox partition whose id (a ULID) is older than `before`, the oldest first."""
        condition, values = "PK = :pk AND SK < :before", {":pk": shard, ":before": before}
        found = await self._query(condition, values, limit, forward=True, ConsistentRead=True)
        return [Event.from_json(item["event"]) for item in found]

    async def ping(self) -> None:
        """One cheap read; raises UNAVAILABLE where the table does not answer."""
        await self.item(table.Key("PING", "#PING"))

    async def _call(self, verb: str, **request: Any) -> Any:  # Any: DynamoDB's own shapes, both ways
        dependencies.untraceable()  # whoever reads through the cache records nothing of this, and tells of tokens
        try:
            return await getattr(self._client, verb)(**request)
        except BotoCoreError:
            raise _unavailable() from None
        except ClientError as error:
            is_ours = error.response["ResponseMetadata"]["HTTPStatusCode"] < 500
            if is_ours and error.response["Error"]["Code"] not in _BUSY:
                raise
            raise _unavailable() from None


def _if_no_try_helps(error: ClientError, every: Sequence[Change]) -> VaultError:
    """Raise what a failed transaction means to the caller; where another try may help, return what to raise if none
    does.
    """
    reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
    for change, reason in zip(every, reasons, strict=False):
        if reason == "ConditionalCheckFailed":
            raise change.refusal()
    if _CONFLICT in reasons:
        return changed_underneath()
    if _THROTTLED.intersection(reasons):
        return _unavailable()
    raise error


async def _pause(attempt: int) -> None:
    """Wait a random while that may double with each attempt (full jitter, from 20 ms)."""
    await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311  # jitter, not a secret


def _unavailable() -> VaultError:
    return VaultError(Code.UNAVAILABLE, "The vault cannot reach its table: try again in a moment.")
