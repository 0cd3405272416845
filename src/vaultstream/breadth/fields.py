"""A plan's tree: selections of fields, each with what is asked of the objects that it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    TypeNameMetaFieldDef,
    get_named_type,
    is_leaf_type,
    is_object_type,
)
from graphql.pyutils import Path

from vaultstream.breadth.columns import Column
from vaultstream.breadth.declarations import BY_CLASS, Derived, How, declared
from vaultstream.breadth.kept import Kept

_WORTH_KEEPING = 2


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The fields that are asked of an object of one type, in the order of the answer.

    Those that are `derived` are a function of the object alone, with all that lies below them; the `others` are not.
    """

    fields: "tuple[Field, ...]"
    derived: "tuple[Field, ...]"
    others: "tuple[Field, ...]"
    kept: Kept = field(default_factory=Kept)

    @classmethod
    def of(cls, fields: "tuple[Field, ...]") -> "Selection":
        """A single field that is derived is not worth keeping."""
        derived = tuple(each for each in fields if each.is_derived)
        if len(derived) < _WORTH_KEEPING:
            return cls(fields, (), fields)
        return cls(fields, derived, tuple(each for each in fields if not each.is_derived))


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

    @property
    def is_derived(self) -> bool:
        """Whether the object that it is of decides all that it gives, down to the leaves."""
        if self.definition is TypeNameMetaFieldDef:
            return True
        if not isinstance(self.how, Derived) or self.definition.args:
            return False
        kind = get_named_type(self.definition.type)
        if not is_object_type(kind):
            return is_leaf_type(kind)
        if kind.is_type_of is not None and declared(kind) is not BY_CLASS:
            return False
        return all(each.is_derived for each in self.below(kind).fields)
