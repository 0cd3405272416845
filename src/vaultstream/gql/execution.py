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

from vaultstream.errors import Code, VaultError
from vaultstream.gql import errors, limits
from vaultstream.gql.context import Context
from vaultstream.gql.documents import Document, Documents, Refused

RUN_SECONDS_MAX = 30
_LOG = logging.getLogger(__name__)
Json = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Ask:
    """A GraphQL request, its shape already checked."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Operation:
    """A lawful operation with its variables and what it may cost at most."""

    ask: Ask
    document: Document
    node: OperationDefinitionNode
    cost: int

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
        cost = limits.cost_of(node, document.fragments, ask.variables)
        if cost > limits.COST_MAX:
            problem = f"This may cost {cost}, and the limit is {limits.COST_MAX}: ask for shorter pages."
            raise Refused([limits.too_much(problem)], Code.LIMITED)
        return Operation(ask, document, node, cost)

    async def run(self, operation: Operation, context: Context) -> Answer:
        """The answer to a query or a mutation; raises UNAVAILABLE where that takes too long."""
        try:
            async with asyncio.timeout(RUN_SECONDS_MAX):
                result = execute(
                    self._schema,
                    operation.document.tree,
                    context_value=context,
                    variable_values=dict(operation.ask.variables),
                    operation_name=operation.ask.operation_name,
                    hide_suggestions=self._hides,
                )
                if not isinstance(result, ExecutionResult):
                    result = await result
        except TimeoutError:
            raise VaultError(Code.UNAVAILABLE, "This took too long: ask for less, or try again.") from None
        return _answer(operation, context, result)

    async def stream(self, operation: Operation, context: Context) -> AsyncGenerator[Answer, None]:
        """Every answer of a subscription, or the one of anything else."""
        try:
            if operation.kind is not OperationType.SUBSCRIPTION:
                yield await self.run(operation, context)
                return
            results = await self._subscribed(operation, context)
            if isinstance(results, ExecutionResult):
                yield Answer(_answer(operation, context, results).body, refused=True)
                return
            async with aclosing(results):
                async for result in results:
                    yield _answer(operation, context, result)
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


def _answer(operation: Operation, context: Context, result: ExecutionResult) -> Answer:
    """An error without a place in the data is about the request: then nothing was run, and there is no data."""
    found = result.errors or []
    refused = result.data is None and bool(found) and all(error.path is None for error in found)
    body: Json = {} if refused else {"data": result.data}
    if found:
        body["errors"] = [errors.shown(error, context.actor.origin.request_id) for error in found]
    body["extensions"] = {"cost": {"requested": operation.cost, "limit": limits.COST_MAX}}
    return Answer(body, refused)


def refusal(refused: Refused) -> Json:
    """The body for an operation that will not run."""
    return {"errors": [errors.shown(error, "", code=refused.code) for error in refused.errors]}


def failure(error: VaultError) -> Json:
    """The body for an expected failure outside any field."""
    return {"errors": [errors.shown(GraphQLError(error.message, original_error=error), "")]}


def broken(request_id: str, error: Exception) -> Json:
    """The body for what nobody expected: logged here, and shown by its request id only."""
    _LOG.error("request %s failed within", request_id, exc_info=error)
    return {"errors": [errors.internal(request_id)]}
