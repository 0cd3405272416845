"""Which fields a selection has for a type: the specification's CollectFields, done once for a plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    get_directive_values,
    is_abstract_type,
    type_from_ast,
    visit,
)
from graphql.execution.values import VariableValues
from graphql.language import Visitor

from vaultstream.breadth.declarations import ONCE, declared

Grouped = dict[str, list[FieldNode]]
_SWITCHES = {GraphQLSkipDirective.name, GraphQLIncludeDirective.name}
_UNKNOWN = {"defer", "stream"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What selections are collected with; of the variables only the switches matter, those of @skip and @include."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    switches: VariableValues


def collected(scope: Scope, kind: GraphQLObjectType, selections: Sequence[SelectionSetNode]) -> Grouped:
    """The fields of an object of this type by response name, in the order of the answer.

    Raises GraphQLError for a switch that is neither true nor false.
    """
    grouped: Grouped = {}
    spread: set[str] = set()
    for selection in selections:
        for node in _fields(scope, kind, selection, spread):
            grouped.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
    return grouped


def _fields(
    scope: Scope, kind: GraphQLObjectType, selections: SelectionSetNode, spread: set[str]
) -> Iterator[FieldNode]:
    for node in selections.selections:
        if not _included(scope, node):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            if _applies(scope, node, kind):
                yield from _fields(scope, kind, node.selection_set, spread)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            fragment = scope.fragments.get(node.name.value)
            if fragment is not None and _applies(scope, fragment, kind):
                spread.add(node.name.value)
                yield from _fields(scope, kind, fragment.selection_set, spread)


def _included(scope: Scope, node: SelectionNode) -> bool:
    if not node.directives:
        return True
    skip = get_directive_values(GraphQLSkipDirective, node, scope.switches)
    if skip and skip["if"]:
        return False
    include = get_directive_values(GraphQLIncludeDirective, node, scope.switches)
    return not include or bool(include["if"])


def _applies(scope: Scope, fragment: FragmentDefinitionNode | InlineFragmentNode, kind: GraphQLObjectType) -> bool:
    if fragment.type_condition is None:
        return True
    wanted = type_from_ast(scope.schema, fragment.type_condition)
    return wanted is kind or (is_abstract_type(wanted) and scope.schema.is_sub_type(wanted, kind))


class _Survey(Visitor):
    def __init__(self, place: TypeInfo) -> None:
        super().__init__()
        self.place = place
        self.switches: dict[str, None] = {}
        self.known = True

    def enter_field(self, *_: object) -> None:
        definition = self.place.get_field_def()
        self.known &= definition is None or declared(definition) is not ONCE

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        self.known &= node.name.value not in _UNKNOWN
        if node.name.value in _SWITCHES:
            values = (argument.value for argument in node.arguments or ())
            self.switches.update({value.name.value: None for value in values if isinstance(value, VariableNode)})


def switches_of(schema: GraphQLSchema, document: DocumentNode) -> tuple[str, ...] | None:
    """The variables that decide @skip and @include; None where the document has what no plan takes."""
    place = TypeInfo(schema)
    survey = _Survey(place)
    visit(document, TypeInfoVisitor(place, survey))
    return tuple(survey.switches) if survey.known else None
