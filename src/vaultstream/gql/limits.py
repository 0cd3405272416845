"""How large an operation may be: measured on its syntax, before validation and before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
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


def too_much(message: str) -> GraphQLError:
    """The error for an operation beyond a limit."""
    return GraphQLError(message, extensions={"code": Code.LIMITED.value})


@dataclass(slots=True)
class Weight:
    """What a selection set comes to with its fragments spread out."""

    roots: int = 0
    depth: int = 0
    nesting: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def take(self, inner: "Weight", *, deeper: int) -> None:
        """Add what is inside; `deeper` is 1 where a field stands between."""
        self.roots += 0 if deeper else inner.roots
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
        if selections is not None and level > NESTING_MAX:
            raise too_much(f"Nest selections at most {NESTING_MAX} deep, fragments included.")
        for selection in selections.selections if selections else ():
            total.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                total.roots += 1
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
    if operation.operation is OperationType.MUTATION:
        _at_most(MUTATIONS_MAX, weight.roots, "mutations in a request")
    _at_most(ROOT_FIELDS_MAX, weight.roots, "fields at the root of an operation")


def _check_weight(weight: Weight) -> None:
    _at_most(NESTING_MAX, weight.nesting, "levels of selections, fragments included")
    _at_most(DEPTH_MAX, weight.depth, "fields one within another")
    _at_most(FIELDS_MAX, weight.fields, "fields in an operation, fragments spread out")
    _at_most(ALIASES_MAX, weight.aliases, "aliases in an operation")
    _at_most(DIRECTIVES_MAX, weight.directives, "directives in an operation")


def _at_most(limit: int, count: int, what: str) -> None:
    if count > limit:
        raise too_much(f"There are at most {limit} {what}; here are {count}.")
