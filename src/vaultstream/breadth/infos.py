"""What a resolver is told about the execution: graphql-core's info, built once for all parents of a level."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableValues,
)
from graphql.pyutils import Path, gather_with_cancel, is_awaitable
from graphql.type import GraphQLResolveInfoHelpers

from vaultstream.breadth.columns import Info
from vaultstream.breadth.fallback import FellBack, look_at
from vaultstream.breadth.fields import Field


@dataclass(slots=True)
class Request:
    """One execution of a plan; `refused` tells that a resolver asked for what a level does not have, `objects` how many
    the answer has below its root.
    """

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    operation: OperationDefinitionNode
    variables: VariableValues
    root: Any  # Any: the caller's
    context: Any  # Any: the caller's
    refused: bool = False
    objects: int = 0


class LevelInfo(Info):
    """What all parents of a level share below a list. Their paths differ: a resolver that asks for it falls back."""

    request: Request

    @property
    def path(self) -> Path:
        """There is none for all of them; that it was asked for is remembered, should the resolver go on."""
        self.request.refused = True
        raise FellBack("a resolver asks for its path in a list")


_NOWHERE = Path(None, "", None)
_tracked: set[asyncio.Future[Any]] = set()  # Any: whatever resolvers want to be settled; kept until it is


def _track(values: Sequence[Any]) -> None:  # Any: what is no awaitable does not count
    for value in values:
        if is_awaitable(value):
            future = asyncio.ensure_future(value)
            _tracked.add(future)
            future.add_done_callback(_tracked.discard)
            future.add_done_callback(look_at)


async def _gather(values: Sequence[Awaitable[Any]]) -> list[Any]:  # Any: what a resolver awaits together
    return await gather_with_cancel(*values)


_HELPERS = GraphQLResolveInfoHelpers(_gather, _track)


class Told:
    """A field's info, built when somebody first asks. It refers to nothing that refers to it: no cycle holds what a
    request has loaded.
    """

    __slots__ = ("_field", "_info", "_request")

    def __init__(self, request: Request, field: Field) -> None:
        self._request = request
        self._field = field
        self._info: Info | None = None

    def __call__(self) -> Info:
        """The same for all who ask."""
        if self._info is None:
            self._info = _info_of(self._request, self._field)
        return self._info


def _info_of(request: Request, field: Field) -> Info:
    """What the field's resolvers are told."""
    kind = LevelInfo if field.path is None else Info
    info = kind(
        field.name,
        field.nodes,
        field.definition.type,
        field.parent,
        field.path or _NOWHERE,
        request.schema,
        request.fragments,
        request.root,
        request.operation,
        request.variables,
        request.context,
        is_awaitable,
        None,
        _HELPERS,
    )
    if isinstance(info, LevelInfo):
        info.request = request
    return info
