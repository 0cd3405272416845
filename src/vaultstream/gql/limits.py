"""How large an operation may be: measured on its syntax, before validation and before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from vaultstream.errors import Code

SOURCE_CHARACTERS_MAX = 32_768
TOKENS_MAX = 2_000
COMMENTS_MAX = 200
OPERATIONS_MAX = 10
FRAGMENTS_MAX = 50
VARIABLES_MAX = 50
ROOT_FIELDS_MAX = 20
MUTATIONS_MAX = 10
DEPTH_MAX = 15
NESTING_MAX = 30
FIELDS_MAX = 1_000
ALIASES_MAX = 50
DIRECTIVES_MAX = 20
PAGE_MAX = 100
COST_MAX = 10_000
COST_OF_MUTATION = 10


def too_much(message: str) -> GraphQLError:
    """The error for an operation beyond a limit."""
    return GraphQLError(message, extensions={"code": Code.LIMITED.value})


@dataclass(slots=True)
class Weight:
    """What a selection set comes to with its fragments spread out."""

    depth: int = 0
    nesting: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def take(self, inner: "Weight", *, deeper: int) -> None:
        """Add what is inside; `deeper` is 1 where a field stands between."""
        self.depth = max(self.depth, inner.depth + deeper)
        self.nesting = max(self.nesting, inner.nesting + 1)
        self.fields += inner.fields
        self.aliases += inner.aliases
        self.directives += inner.directives


@dataclass(slots=True)
class _Scale:
    """Weighs selection sets; each fragment once, so that a fragment bomb costs its text and not its blast."""

    fragments: Mapping[str, FragmentDefinitionNode]
    known: dict[str, Weight] = field(default_factory=dict)

    def weigh(self, selections: SelectionSetNode | None, level: int = 1) -> Weight:
        total = Weight()
        if level > NESTING_MAX:
            raise too_much(f"Nest selections at most {NESTING_MAX} deep, fragments included.")
        for selection in selections.selections if selections else ():
            total.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                total.fields += 1
                total.aliases += selection.alias is not None
                total.take(self.weigh(selection.selection_set, level + 1), deeper=1)
            elif isinstance(selection, FragmentSpreadNode):
                total.take(self._spread(selection.name.value, level), deeper=0)
            else:
                total.take(self.weigh(_inner(selection), level + 1), deeper=0)
        return total

    def _spread(self, name: str, level: int) -> Weight:
        if name not in self.known:
            self.known[name] = Weight()  # a fragment within itself weighs nothing here: validation refuses it
            fragment = self.fragments.get(name)
            self.known[name] = self.weigh(fragment.selection_set if fragment else None, level + 1)
        return self.known[name]


def _inner(selection: SelectionNode) -> SelectionSetNode | None:
    inner: SelectionSetNode | None = getattr(selection, "selection_set", None)
    return inner


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The document's fragments by name."""
    nodes = document.definitions
    return {node.name.value: node for node in nodes if isinstance(node, FragmentDefinitionNode)}


def check_document(document: DocumentNode) -> None:
    """Refuse a document that is too large in any dimension; raises a GraphQLError with code LIMITED."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = fragments_of(document)
    _at_most(OPERATIONS_MAX, len(operations), "operations in a document")
    _at_most(FRAGMENTS_MAX, len(document.definitions) - len(operations), "fragments in a document")
    scale = _Scale(fragments)
    for name in fragments:
        _check_weight(scale.weigh(fragments[name].selection_set))
    for operation in operations:
        _check_operation(operation, scale.weigh(operation.selection_set))


def _check_operation(operation: OperationDefinitionNode, weight: Weight) -> None:
    variables = operation.variable_definitions or ()
    weight.directives += len(operation.directives or ())
    weight.directives += sum(len(variable.directives or ()) for variable in variables)
    _check_weight(weight)
    _at_most(VARIABLES_MAX, len(variables), "variables in an operation")
    roots = len(operation.selection_set.selections)
    if operation.operation is OperationType.MUTATION:
        _at_most(MUTATIONS_MAX, roots, "mutations in a request")
    _at_most(ROOT_FIELDS_MAX, roots, "fields at the root of an operation")


def _check_weight(weight: Weight) -> None:
    _at_most(NESTING_MAX, weight.nesting, "levels of selections, fragments included")
    _at_most(DEPTH_MAX, weight.depth, "fields one within another")
    _at_most(FIELDS_MAX, weight.fields, "fields in an operation, fragments spread out")
    _at_most(ALIASES_MAX, weight.aliases, "aliases in an operation")
    _at_most(DIRECTIVES_MAX, weight.directives, "directives in an operation")


def _at_most(limit: int, count: int, what: str) -> None:
    if count > limit:
        raise too_much(f"There are at most {limit} {what}; here are {count}.")


@dataclass(slots=True)
class _Purse:
    """Adds up what an operation may cost with these variables, each fragment once."""

    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]  # Any: JSON values
    known: dict[str, int] = field(default_factory=dict)

    def cost(self, selections: SelectionSetNode | None) -> int:
        return sum(self._selection(node) for node in selections.selections) if selections else 0

    def _selection(self, selection: SelectionNode) -> int:
        if isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name not in self.known:
                self.known[name] = self.cost(self.fragments[name].selection_set)
            return self.known[name]
        inner = self.cost(_inner(selection))
        if not isinstance(selection, FieldNode) or selection.selection_set is None:
            return inner
        return 1 + inner * self._times(selection)

    def _times(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                return self._number(argument.value)
            if argument.name.value == "ids":
                return self._length(argument.value)
        return 1

    def _number(self, value: ValueNode) -> int:
        given = value.value if isinstance(value, IntValueNode) else self._variable(value)
        text = str(given) if isinstance(given, int | str) and len(str(given)) <= 4 else ""
        return min(max(int(text), 1), PAGE_MAX) if text.isdecimal() else PAGE_MAX

    def _length(self, value: ValueNode) -> int:
        given = value.values if isinstance(value, ListValueNode) else self._variable(value)
        return max(len(given), 1) if isinstance(given, list | tuple) else 1

    def _variable(self, value: ValueNode) -> object:
        return self.variables.get(value.name.value) if isinstance(value, VariableNode) else None


def cost_of(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],  # Any: JSON values
) -> int:
    """What a valid operation may cost: one for each object it may show, ten for each mutation.

    Lists multiply what is in them by `first` (a page that is not given counts as the longest) or by their ids.
    """
    cost = _Purse(fragments, variables).cost(operation.selection_set)
    if operation.operation is OperationType.MUTATION:
        cost += COST_OF_MUTATION * len(operation.selection_set.selections)
    return max(cost, 1)
