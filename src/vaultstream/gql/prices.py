"""What an operation may cost at most: read off its syntax and variables, before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from graphql import (
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from vaultstream.access import Deed
from vaultstream.actions.cost import FILES_MAX
from vaultstream.actions.exposure import READINGS_MAX, SPANS_MAX
from vaultstream.actions.process import READERS_MAX
from vaultstream.actions.reach import DEPTH_MAX
from vaultstream.comments import MENTIONS_MAX
from vaultstream.costs import CostLine
from vaultstream.gql.limits import PAGE_MAX
from vaultstream.tiers import StorageTier

PRICE_MAX = 10_000
MUTATION = 10  # a transaction, and its event's way to every worker
SEARCH = 20  # rounds of the index, whatever they find
STORAGE_COST = FILES_MAX  # a Query each
EXPOSURE = 100  # rounds of the log and of the table, for each folder above
WHERE = 10  # a page of a folder looks at 1000 items for it
ORDER = 20  # a folder of 2000 items is read whole, but for the order of names in which it is kept
REFUSED_CHARACTERS = 1_000  # of a text that will not run, for one point
_FIELDS: Mapping[str, int] = MappingProxyType(
    {
        "search": SEARCH,
        "auditEvents": SEARCH,
        "history": SEARCH,
        "exposure": SEARCH,
        "exposureReport": EXPOSURE,
        "storageCost": STORAGE_COST,
    }
)
# Lists of objects that come whole, and how long each may be.
WHOLE_LISTS: Mapping[str, int] = MappingProxyType(
    {
        "ancestors": DEPTH_MAX,
        "mentions": MENTIONS_MAX,
        "deeds": len(Deed),
        "readers": READERS_MAX,
        "couldRead": SPANS_MAX,
        "didRead": READINGS_MAX,
        "costLines": len(CostLine),
        "costTiers": len(StorageTier),
    }
)
_KEPT_ORDER = "NAME"
_COUNTED = frozenset({"first", "ids", "where", "orderBy", "input"})  # the arguments that a price depends on


@dataclass(frozen=True, slots=True)
class Price:
    """Points in all; `works` are the fields, by their name in the answer, that cost more than what they show.

    `varies` tells that it may be another with other variables.
    """

    points: int
    works: Mapping[str, int]
    varies: bool


@dataclass(slots=True)
class _Purse:
    """Adds up what an operation may cost with these variables, each fragment once."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]  # Any: JSON values, or the syntax of a default
    works: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    varies: bool = False

    def cost(self, selections: SelectionSetNode | None, *, each: int = 0) -> int:
        """What a selection set may cost; each field of it that much beside."""
        return sum(self._selection(node, each) for node in selections.selections) if selections else 0

    def _selection(self, selection: SelectionNode, each: int) -> int:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in self.known:
                self.known[name] = self.cost(self.fragments[name].selection_set, each=each)
            return self.known[name]
        if isinstance(selection, InlineFragmentNode):
            return self.cost(selection.selection_set, each=each)
        return self._field(selection, each) if isinstance(selection, FieldNode) else 0

    def _field(self, node: FieldNode, each: int) -> int:
        given = (one for one in node.arguments or () if one.name.value in _COUNTED)
        arguments = {one.name.value: self._given(one.value) for one in given}
        work = each + _FIELDS.get(node.name.value, 0) + self._work(arguments)
        if work:
            shown = (node.alias or node.name).value
            self.works[shown] = max(work, self.works.get(shown, 0))
        if node.selection_set is None:
            return work
        inner, name = self.cost(node.selection_set), node.name.value
        if "ids" in arguments or name in WHOLE_LISTS:
            return work + max(1, _length(arguments.get("ids")), WHOLE_LISTS.get(name, 0)) * (1 + inner)
        return work + 1 + inner * (_number(arguments["first"]) if "first" in arguments else 1)

    def _work(self, arguments: Mapping[str, object]) -> int:
        """What these arguments of a field make it cost beside what it shows."""
        where, order = arguments.get("where"), self._fields(arguments.get("orderBy"))
        by = order.get("field")
        work = 0 if where is None or isinstance(where, NullValueNode) else WHERE
        if order and (by.value if isinstance(by, EnumValueNode) else by) != _KEPT_ORDER:
            work += ORDER
        return work + sum(_length(value) for value in self._fields(arguments.get("input")).values())

    def _fields(self, given: object) -> Mapping[str, object]:
        """The fields of an input object, in whichever way it was written."""
        if isinstance(given, ObjectValueNode):
            return {one.name.value: self._given(one.value) for one in given.fields}
        return given if isinstance(given, dict) else {}

    def _given(self, value: ValueNode) -> object:
        """The value itself, or that of its variable; None where there is none."""
        if not isinstance(value, VariableNode):
            return value
        self.varies = True
        return self.variables.get(value.name.value)


def _number(given: object) -> int:
    number = given.value if isinstance(given, IntValueNode) else given
    text = str(number) if isinstance(number, int | str) and len(str(number)) <= 4 else ""
    return min(max(int(text), 1), PAGE_MAX) if text.isdecimal() else PAGE_MAX


def _length(given: object) -> int:
    items = given.values if isinstance(given, ListValueNode) else given
    return len(items) if isinstance(items, list | tuple) else 0


def price_of(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],  # Any: JSON values
) -> Price:
    """What a valid operation may cost: one point for each object it may show, and more for what is work beside that.

    Lists multiply what is in them by `first` (a page that is not given counts as the longest) or by their ids. Each
    item of a list that a mutation is given costs one.
    """
    defaults = {one.variable.name.value: one.default_value for one in operation.variable_definitions or ()}
    purse = _Purse(fragments, {**defaults, **variables})
    is_mutation = operation.operation is OperationType.MUTATION
    points = purse.cost(operation.selection_set, each=MUTATION if is_mutation else 0)
    return Price(max(points, 1), purse.works, purse.varies)


def price_of_refusal(text: str) -> int:
    """What it costs to ask what will not run: it was read all the same."""
    return 1 + len(text) // REFUSED_CHARACTERS
