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

from vaultstream.breadth.arguments import Arguments
from vaultstream.breadth.columns import Column, Values
from vaultstream.breadth.declarations import BY_CLASS, Derived, How, declared
from vaultstream.breadth.kept import Answer, Kept

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

    def slots(self, values: Values) -> tuple[list[Answer], int]:
        """Places for these objects, with what is known of them, and how many objects that is; empty where nothing is.

        A place that nothing is to be added to is the same for all who are shown the object.
        """
        if not self.derived:
            return [{} for _ in values], len(values)
        known = self.kept.known(values)
        objects = len(values) + sum([within for _, _, within in known])
        if self.others:
            return [answer.copy() for _, answer, _ in known], objects
        return [answer or {} for _, answer, _ in known], objects


@dataclass(frozen=True, slots=True)
class Field:
    """One response name of a selection, ready to be resolved for any number of parents.

    `below` tells what is asked of objects of a type that the field gives. `path` is where the field stands in the
    answer, the same for all parents; None below a list, where each has its own.
    """

    key: str
    name: str
    nodes: list[FieldNode]
    parent: GraphQLObjectType
    definition: GraphQLField
    how: How | None
    path: Path | None
    arguments: Arguments
    column: Column
    below: Callable[[GraphQLObjectType], Selection]

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
