"""Fields whose value is loaded by a key: one declaration, from which each executor has its own way to resolve it."""

from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLResolveInfo

from vaultstream.breadth import EXTENSION, Batch
from vaultstream.gql.context import Info
from vaultstream.gql.loader import Loader
from vaultstream.gql.loaders import Loaders

K = TypeVar("K")
Key = Callable[[Any], K | None]  # Any: the noun that the field is of


def by_key(
    by: Callable[[Loaders], Loader[K, Any]],  # Any: what the loader gives
    *,
    description: str,
    graphql_type: Any,  # Any: as Strawberry takes it
) -> Callable[[Key[K]], Any]:
    """A field whose method answers the key of its value; None gives what the loader has for no key.

    graphql-core resolves it for one parent, a plan for all parents of a level at once.
    """

    def decorated(key: Key[K]) -> Any:  # Any: Strawberry's field
        def one(self: object, info: Info) -> "Future[Any]":  # Any: what the loader gives
            return by(info.context.loaders).load(key(self))

        def every(parents: Sequence[Any], info: GraphQLResolveInfo[Any]) -> "list[Any] | Future[list[Any]]":
            return by(info.context.loaders).many(list(map(key, parents)))  # Any: nouns, and as above

        one.__name__, one.__doc__ = key.__name__, key.__doc__
        return strawberry.field(
            resolver=one, description=description, graphql_type=graphql_type, metadata={EXTENSION: Batch(every)}
        )

    return decorated
