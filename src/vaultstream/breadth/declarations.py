"""What a field may declare about how a plan resolves it; graphql-core knows nothing of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from graphql import GraphQLField, GraphQLNamedType

EXTENSION = "breadth"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the parent: what the field's resolver would answer, without calling it."""

    name: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A function of the parent alone, which never changes, nor does what it holds: worked out once for each parent.

    `of(parent)` is what the field's resolver would answer at any time, without arguments and whoever asks.
    """

    of: Callable[[Any], Any]  # Any: as in Batch


@dataclass(frozen=True, slots=True)
class Batch:
    """Resolved for all parents of a level at once: `resolve(parents, info, **arguments)`.

    The answer, or what is awaited from it, has a value for each parent, in their order. It must be what the field's
    ordinary resolver would answer, for that is who answers when the plan falls back.
    """

    resolve: Callable[..., Sequence[Any] | Awaitable[Sequence[Any]]]  # Any: GraphQL values of any type


class ByClass(Enum):
    """Of a type: what type a value is of, and whether it is of this one, its Python class tells."""

    BY_CLASS = auto()


class Once(Enum):
    """Of a field: resolving it has effects, so it is not resolved again: no plan has it, for none could fall back."""

    ONCE = auto()


BY_CLASS = ByClass.BY_CLASS
ONCE = Once.ONCE
How = Attribute | Batch | ByClass | Derived | Once


def declare(what: GraphQLField | GraphQLNamedType, how: How) -> None:
    """Say how a plan resolves this field or type; to be done before the first plan is compiled."""
    what.extensions[EXTENSION] = how


def declared(what: GraphQLField | GraphQLNamedType) -> How | None:
    """What was said about this field or type."""
    how = what.extensions.get(EXTENSION)
    return how if isinstance(how, How) else None
