"""One operation from text to answer, whatever carries it: HTTP, server-sent events or a WebSocket."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    subscribe,
)

from vaultstream.adapters.telemetry.tracer import span
from vaultstream.budgets import RateLimited
from vaultstream.errors import Code, VaultError
from vaultstream.gql import errors, limits
from vaultstream.gql.context import Context
from vaultstream.gql.documents import Document, Documents, Refused
from vaultstream.gql.prices import PRICE_MAX, Price
from vaultstream.gql.spending import paid, settled, told
from vaultstream.metrics import LIVE_DELIVERIES

RUN_SECONDS_MAX = 30
_LOG = logging.getLogger(__name__)
Json = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Ask:
    """A GraphQL request, its shape already checked: it has a text, or names one by its SHA-256, or both."""

    query: str = ""
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A lawful operation with its variables and what it may cost at most."""

    ask: Ask
    document: Document
    node: OperationDefinitionNode
    price: Price

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as JSON values. `refused` tells that it has no data: it was not run, or a stream broke off."""

    body: Json
    refused: bool = False


class Engine:
    """Runs operations on one schema; holds nothing of any request."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        self._schema = schema
        self._documents = Documents(schema, introspection=introspection)
        self._hides = not introspection

    def operation(self, ask: Ask) -> Operation:
        """Parse, measure, validate and price; raises Refused."""
        document = self._documents.read(ask.query)
        node = document.operation(ask.operation_name)
        price = document.price(ask.operation_name, ask.variables)
        if price.points > PRICE_MAX:
            problem = f"This may cost {price.points}, and the limit is {PRICE_MAX}: ask for shorter pages."
            raise Refused([limits.too_much(problem)], Code.LIMITED)
        return Operation(ask, document, node, price)

    async def run(self, operation: Operation, context: Context) -> Answer:
        """The answer to a query or a mutation; raises RateLimited, or UNAVAILABLE where that takes too long."""
        charge = await paid(context, operation.price)
        try:
            async with asyncio.timeout(RUN_SECONDS_MAX):
                with span("graphql"):
                    result = await self._executed(operation, context)
        except TimeoutError:
            raise VaultError(Code.UNAVAILABLE, "This took too long: ask for less, or try again.") from None
        return _answer(result, context, await settled(context, operation.price, charge, result))

    async def _executed(self, operation: Operation, context: Context) -> ExecutionResult:
        name, variables = operation.ask.operation_name, dict(operation.ask.variables)
        plan = operation.document.plan(name)
        if plan is not None:
            return await plan.execute(None, context, variables, hide_suggestions=self._hides)
        result = execute(
            self._schema,
            operation.document.tree,
            context_value=context,
            variable_values=variables,
            operation_name=name,
            hide_suggestions=self._hides,
        )
        return result if isinstance(result, ExecutionResult) else await result

    async def stream(self, operation: Operation, context: Context) -> AsyncGenerator[Answer, None]:
        """Every answer of a subscription, or the one of anything else.

        A subscription is paid once, when it begins; each of its answers tells how the actor stood then.
        """
        try:
            if operation.kind is not OperationType.SUBSCRIPTION:
                yield await self.run(operation, context)
                return
            charge = await paid(context, operation.price)
            cost = told(charge.points, charge.points, charge.standing)
            results = await self._subscribed(operation, context)
            if isinstance(results, ExecutionResult):
                yield Answer(_answer(results, context, cost).body, refused=True)
                return
            async with aclosing(results):
                async for result in results:
                    context.vault.meters.count(LIVE_DELIVERIES)
                    yield _answer(result, context, cost)
        except VaultError as error:
            yield Answer(failure(error), refused=True)

    async def _subscribed(
        self, operation: Operation, context: Context
    ) -> AsyncGenerator[ExecutionResult, None] | ExecutionResult:
        source = subscribe(
            self._schema,
            operation.document.tree,
            context_value=context,
            variable_values=dict(operation.ask.variables),
            operation_name=operation.ask.operation_name,
            hide_suggestions=self._hides,
        )
        results = await source if isinstance(source, Awaitable) else source
        if isinstance(results, AsyncGenerator | ExecutionResult):
            return results
        raise TypeError("graphql-core maps a subscription's events with a generator")


def _answer(result: ExecutionResult, context: Context, cost: Json) -> Answer:
    """An error without a place in the data is about the request: then nothing was run, and there is no data."""
    found = result.errors or []
    refused = result.data is None and bool(found) and all(error.path is None for error in found)
    body: Json = {} if refused else {"data": result.data}
    if found:
        body["errors"] = [errors.shown(error, context.actor.origin.request_id) for error in found]
    body["extensions"] = {"cost": cost}
    return Answer(body, refused)


def refusal(refused: Refused) -> Json:
    """The body for an operation that will not run."""
    return {"errors": [errors.shown(error, "", code=refused.code) for error in refused.errors]}


def failure(error: VaultError) -> Json:
    """The body for an expected failure outside any field."""
    body: Json = {"errors": [errors.shown(GraphQLError(error.message, original_error=error), "")]}
    if isinstance(error, RateLimited):
        body["extensions"] = {"cost": told(error.points, 0, error.standing)}
    return body


def broken(request_id: str, error: Exception) -> Json:
    """The body for what nobody expected: logged here, and shown by its request id only."""
    _LOG.error("request %s failed within", request_id, exc_info=error)
    return {"errors": [errors.internal(request_id)]}
