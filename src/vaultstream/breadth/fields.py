"""A plan's tree: selections of fields, each with what is asked of the objects that it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field

from graphql import FieldNode, GraphQLField, GraphQLObjectType
from graphql.pyutils import Path

from vaultstream.breadth.columns import Column
from vaultstream.breadth.declarations import How


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields that are asked of an object of one type, in the order of the answer."""

    fields: "tuple[Field, ...]"


@dataclass(frozen=True, slots=True)
class Field:
    """One response name of a selection, ready to be resolved for any number of parents.

    `path` is where it stands in the answer, the same for all parents; None below a list, where each has its own.
    """

    key: str
    name: str
    nodes: list[FieldNode]
    parent: GraphQLObjectType
    definition: GraphQLField
    how: How | None
    path: Path | None
    column: Column
    collect: Callable[[GraphQLObjectType], Selection]
    _below: dict[GraphQLObjectType, Selection] = field(default_factory=dict)

    def below(self, kind: GraphQLObjectType) -> Selection:
        """What is asked of objects of this type that the field gives; collected when the first one is met."""
        known = self._below.get(kind)
        if known is None:
            known = self._below[kind] = self.collect(kind)
        return known
