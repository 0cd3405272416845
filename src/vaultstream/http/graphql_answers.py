"""Answers that are still good, given again before anything is parsed; paid for each time like those that are made."""

from collections.abc import Hashable

import orjson
from graphql import OperationType

from vaultstream import dependencies
from vaultstream.actor import Actor
from vaultstream.adapters.cache import Answers
from vaultstream.adapters.vault import Vault
from vaultstream.gql.context import Context
from vaultstream.gql.execution import Answer, Engine, Json, Operation
from vaultstream.gql.spending import told

_REQUEST_BYTES_MAX = 16 * 1024


class KnownAnswers:
    """Held by the door; each person and each program has answers of their own."""

    def __init__(self, vault: Vault, engine: Engine) -> None:
        self._vault = vault
        self._engine = engine
        self._answers = Answers(vault.cache, vault.meters)

    async def find(self, actor: Actor, request: bytes) -> bytes | None:
        """The body for this very request by this very actor, paid for in the round trip that proves it good; raises
        RateLimited where there are not the points that it may cost.
        """
        key = _key(actor, request)
        kept = await self._answers.find(key) if len(request) <= _REQUEST_BYTES_MAX else None
        if kept is None:
            return None
        standing = await self._vault.budgets.take_where(
            actor, kept.actual, needed=kept.requested, keys=kept.keys, hold=kept.tokens
        )
        if standing is None:
            self._answers.stale(key)
            return None
        if not self._answers.proved(key, kept):
            await self._vault.budgets.give_back(actor, kept.actual)
            return None
        return _body(kept.data, told(kept.requested, kept.actual, standing))

    async def run(self, operation: Operation, context: Context, request: bytes) -> Answer | bytes:
        """The answer to an operation, kept where it can be told later whether it is good; as bytes where it may be."""
        if operation.kind is not OperationType.QUERY or len(request) > _REQUEST_BYTES_MAX:
            return await self._engine.run(operation, context)
        with dependencies.recorded() as seen:
            answer = await self._engine.run(operation, context)
        if answer.refused or "errors" in answer.body:
            return answer
        data, cost = orjson.dumps(answer.body["data"]), answer.body["extensions"]["cost"]
        key = _key(context.actor, request)
        self._answers.keep(key, data, seen, requested=cost["requested"], actual=cost["actual"])
        return _body(data, cost)


def _key(actor: Actor, request: bytes) -> Hashable:
    return actor.user_id, actor.grant, request


def _body(data: bytes, cost: Json) -> bytes:
    return b"".join((b'{"data":', data, b',"extensions":{"cost":', orjson.dumps(cost), b"}}"))
