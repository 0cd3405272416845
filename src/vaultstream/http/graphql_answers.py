"""Answers that are still good, given again before anything is parsed; paid for each time like those that are made."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import orjson
from graphql import OperationType

from vaultstream import dependencies, ids, table
from vaultstream.actor import Actor
from vaultstream.adapters.budgets import Bill
from vaultstream.adapters.cache import Answers, Foresight
from vaultstream.adapters.vault import Vault
from vaultstream.budgets import MILLI, Bucket, Standing, full_at_ms
from vaultstream.dependencies import Dependencies
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Answer, Engine, Operation
from vaultstream.ids import UserId

_REQUEST_BYTES_MAX = 16 * 1024
_STANDING = b'"remaining":'  # from here on an answer is another each time: it ends with how its asker stands
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Pieces = tuple[bytes, ...]  # that come one after another


@dataclass(frozen=True, slots=True)
class Known:
    """An answer up to how its asker stands, and what proves and pays it."""

    front: bytes
    actual: int
    bill: Bill

    @classmethod
    def of(cls, body: bytes, actual: int, bill: Bill) -> "Known":
        """What is to be known of an answer whose last words are how its asker stands."""
        return cls(body[: body.rindex(_STANDING) + len(_STANDING)], actual, bill)

    def body(self, standing: Standing) -> bytes:
        """All of it, as `told` would say it."""
        return self.front + _end(standing.remaining, (standing.reset_at - _EPOCH) // timedelta(milliseconds=1))

    def pieces(self, bucket: Bucket) -> Pieces:
        """The same of the bucket itself."""
        return self.front, _end(bucket.level_milli // MILLI, full_at_ms(bucket, self.bill.allowance))


class KnownAnswers:
    """Held by the door; each person and each program has answers of their own."""

    def __init__(self, vault: Vault, engine: Engine) -> None:
        self._vault = vault
        self._engine = engine
        self._answers: Answers[Known] = Answers(vault.cache, vault.meters)
        self._foresight = Foresight(vault.cache)

    async def find(self, actor: Actor, request: bytes) -> bytes | None:
        """The body for this very request by this very actor, paid for in the round trip that proves it good; raises
        RateLimited where there are not the points that it may cost.
        """
        key = _key(actor, request)
        kept = await self._answers.find(key) if len(request) <= _REQUEST_BYTES_MAX else None
        if kept is None:
            return None
        standing = await self._vault.budgets.take_where(actor, kept.content.bill)
        if standing is None:
            self._answers.stale(key)
            return None
        if not self._answers.proved(key, kept):
            await self._vault.budgets.give_back(actor, kept.content.actual)
            return None
        return kept.content.body(standing)

    def ask(self, user_id: UserId, request: bytes, end: Callable[[Pieces | None], None]) -> bool:
        """As `find` for a person, without a task: whether Redis was asked. Then `end` is told the body, in pieces, or
        None where `find` is to say what there is.
        """
        key = (user_id, None, request)
        kept = self._answers.at_hand(key)
        if kept is None:
            return False

        def paid(bucket: Bucket | None) -> None:
            if bucket is None or not self._answers.proved(key, kept):
                end(None)
            else:
                end(kept.content.pieces(bucket))

        return self._vault.budgets.present(kept.content.bill, paid)

    def _foreseen(self, operation: Operation, actor: Actor, seen: Dependencies) -> AbstractContextManager[None]:
        ask = operation.ask
        named = {table.item(item_id).pk for value in ask.variables.values() if (item_id := ids.item_of(value))}
        return self._foresight.of((actor.id, ask.query or ask.digest, ask.operation_name), named, seen)

    async def run(self, operation: Operation, context: Context, request: bytes) -> Answer | bytes:
        """The answer to an operation, kept where it can be told later whether it is good; as bytes where it may be."""
        if operation.kind is not OperationType.QUERY or len(request) > _REQUEST_BYTES_MAX:
            return await self._engine.run(operation, context)
        with dependencies.recorded() as seen, self._foreseen(operation, context.actor, seen):
            answer = await self._engine.run(operation, context)
        if answer.refused or "errors" in answer.body:
            return answer
        cost = answer.body["extensions"]["cost"]
        body = orjson.dumps({"data": answer.body["data"], "extensions": {"cost": cost}})

        def made(keys: Sequence[str], hold: Sequence[bytes]) -> Known:
            bill = self._vault.budgets.bill(
                context.actor, cost["actual"], needed=cost["requested"], keys=keys, hold=hold
            )
            return Known(body[: body.rindex(_STANDING) + len(_STANDING)], cost["actual"], bill)

        self._answers.keep(_key(context.actor, request), seen, len(body), made)
        return body


def _end(remaining: int, resets_at_ms: int) -> bytes:
    seconds, milliseconds = divmod(resets_at_ms, 1000)
    return b'%d,"resetAt":"%b.%03d+00:00"}}}' % (remaining, _second(seconds), milliseconds)


@lru_cache(64)
def _second(unix_seconds: int) -> bytes:
    """A moment without its parts of a second and its offset: what many answers have alike."""
    return (_EPOCH + timedelta(seconds=unix_seconds)).isoformat().removesuffix("+00:00").encode()


def _key(actor: Actor, request: bytes) -> Hashable:
    return actor.user_id, actor.grant, request
