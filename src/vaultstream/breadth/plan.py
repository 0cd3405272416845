"""A query compiled for breadth-first execution: fields collected and types taken apart once for a document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableValues,
    execute,
    is_list_type,
    is_non_null_type,
    validate_schema,
)
from graphql.pyutils import Path

from vaultstream.breadth.arguments import arguments_of
from vaultstream.breadth.columns import column_of
from vaultstream.breadth.declarations import declared
from vaultstream.breadth.fallback import FellBack
from vaultstream.breadth.fields import Field, Selection
from vaultstream.breadth.infos import Request
from vaultstream.breadth.kept import Answer
from vaultstream.breadth.levels import run
from vaultstream.breadth.patience import Patience
from vaultstream.breadth.selections import Scope, collected, switches_of
from vaultstream.breadth.variables import Reader, reader_of

VARIANTS_MAX = 16
Variables = Mapping[str, Any]  # Any: JSON values


@dataclass(slots=True)
class Tally:
    """What became of a plan's requests: answered by it, tried in vain, or not tried because of earlier ones."""

    compiled: int = 0
    fell_back: int = 0
    passed_over: int = 0


class Answered(ExecutionResult):
    """An answer without errors, and how many objects it has below its root."""

    __slots__ = ("objects",)

    def __init__(self, data: Answer, objects: int) -> None:
        super().__init__(data, None)
        self.objects = objects

    def __eq__(self, other: object) -> bool:
        """As of any answer: what was counted is no part of it."""
        return ExecutionResult(self.data, None) == other

    __hash__ = None  # type: ignore[assignment]  # what graphql-core's own is, and the type of `object`'s is not


@dataclass(frozen=True, slots=True)
class Plan:
    """One query of a document on one schema, for any number of requests; made by `compile_plan`."""

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    switches: tuple[str, ...]
    variables: Reader
    tally: Tally = field(default_factory=Tally)
    patience: Patience = field(default_factory=Patience)
    _variants: dict[tuple[bool, ...], Selection] = field(default_factory=dict)

    async def execute(
        self,
        root_value: Any = None,  # Any: as graphql-core takes it
        context_value: Any = None,  # Any: as above
        variable_values: Variables | None = None,
        *,
        hide_suggestions: bool = False,
    ) -> ExecutionResult:
        """What `graphql.execute` answers, from the plan or, wherever that does not know or something fails, from it."""
        if self.patience.allows():
            try:
                answered = await self.attempt(root_value, context_value, variable_values)
            except FellBack:
                self.patience.fell_back()
                self.tally.fell_back += 1
            else:
                self.tally.compiled += 1
                return answered
        else:
            self.tally.passed_over += 1
        return await self._standard(root_value, context_value, variable_values, hide_suggestions)

    async def attempt(
        self,
        root_value: Any,  # Any: as graphql-core takes it
        context_value: Any,  # Any: as above
        variable_values: Variables | None,
    ) -> Answered:
        """An answer without errors; raises FellBack for any other."""
        variables = self.variables(dict(variable_values or {}))
        if isinstance(variables, list):
            raise FellBack("variables that are not lawful")
        request = Request(self.schema, self.fragments, self.operation, variables, root_value, context_value)
        try:
            data = await run(self._variant(variables), request)
        except Exception as error:  # whatever it is, graphql-core will meet it and say it
            raise FellBack("an error") from error
        if request.refused:
            raise FellBack("a resolver was refused what it asked for, and went on")
        return Answered(data, request.objects)

    def _variant(self, variables: VariableValues) -> Selection:
        """The selection under these values of the switches; the one made first goes when there are too many."""
        key = tuple(variables.coerced.get(name) is True for name in self.switches)
        if not all(isinstance(variables.coerced.get(name), bool) for name in self.switches):
            raise FellBack("a switch that is neither on nor off")
        known = self._variants.get(key)
        if known is None:
            if len(self._variants) >= VARIANTS_MAX:
                del self._variants[next(iter(self._variants))]
            known = self._variants[key] = self._collected(variables)
        return known

    def _collected(self, variables: VariableValues) -> Selection:
        """Kept with the switches alone: other people's variables are none of a plan's business."""
        sources = {name: variables.sources[name] for name in self.switches}
        scope = Scope(self.schema, self.fragments, VariableValues(sources, {n: variables.coerced[n] for n in sources}))
        kind = self.schema.query_type
        if kind is None:
            raise FellBack("a schema without queries")
        return selection(scope, kind, [self.operation.selection_set], None, located=True)

    async def _standard(
        self,
        root: Any,
        context: Any,
        variables: Variables | None,
        hides: bool,  # Any: as graphql-core takes them
    ) -> ExecutionResult:
        name = self.operation.name.value if self.operation.name else None
        given = dict(variables) if variables is not None else None
        result = execute(self.schema, self.document, root, context, given, operation_name=name, hide_suggestions=hides)
        return result if isinstance(result, ExecutionResult) else await result


def selection(
    scope: Scope, kind: GraphQLObjectType, nodes: list[SelectionSetNode], above: Path | None, *, located: bool
) -> Selection:
    """The fields asked of objects of this type; `located` tells that there is one, not in a list, at `above`."""
    fields = tuple(
        _field(scope, kind, key, found, Path(above, key, kind.name) if located else None)
        for key, found in collected(scope, kind, nodes).items()
    )
    return Selection.of(fields)


def _field(scope: Scope, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], path: Path | None) -> Field:
    name = nodes[0].name.value
    definition = scope.schema.get_field(parent, name)
    if definition is None:
        raise FellBack("a field that the type does not have")
    inner = [node.selection_set for node in nodes if node.selection_set]
    located = path is not None and not _has_list(definition.type)

    @cache  # collected when the first object of a type is met
    def below(kind: GraphQLObjectType) -> Selection:
        return selection(scope, kind, inner, path, located=located)

    column = column_of(scope.schema, definition.type, lambda kind, values: below(kind).slots(values))
    arguments = arguments_of(definition, nodes[0])
    return Field(key, name, nodes, parent, definition, declared(definition), path, arguments, column, below)


def _has_list(kind: GraphQLOutputType) -> bool:
    while is_non_null_type(kind):
        kind = kind.of_type
    return is_list_type(kind)


def compile_plan(schema: GraphQLSchema, document: DocumentNode, operation_name: str | None = None) -> Plan | None:
    """A plan for the query of this name, or for the only one; None for what no plan knows.

    That is anything but a query, @defer and @stream, variables of fragments, fields declared ONCE, and what
    graphql-core would refuse.
    """
    operation = _operation(document, operation_name)
    if operation is None or operation.operation is not OperationType.QUERY or schema.query_type is None:
        return None
    fragments = {each.name.value: each for each in _fragments(document)}
    if any(fragment.variable_definitions for fragment in fragments.values()):
        return None
    switches = switches_of(schema, document)
    if switches is None or schema.get_directive("defer") or schema.get_directive("stream") or validate_schema(schema):
        return None
    variables = reader_of(schema, operation.variable_definitions or ())
    return Plan(schema, document, operation, fragments, switches, variables)


def _fragments(document: DocumentNode) -> Iterator[FragmentDefinitionNode]:
    return (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """As graphql-core chooses: without a name the only one, with a name the last of that name."""
    all_of_them = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is None:
        return all_of_them[0] if len(all_of_them) == 1 else None
    return next((each for each in reversed(all_of_them) if each.name and each.name.value == name), None)
