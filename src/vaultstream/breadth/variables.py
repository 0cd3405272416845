"""The variables of a request: plain ones are taken as they are where they are what they should be."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLSchema,
    GraphQLString,
    VariableDefinitionNode,
    VariableValues,
    get_variable_values,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValueSource

Reader = Callable[[dict[str, Any]], VariableValues | list[GraphQLError]]  # Any: JSON values
_TAKEN = {GraphQLID: str, GraphQLString: str, GraphQLBoolean: bool}


def reader_of(schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> Reader:
    """What makes of JSON values what graphql-core would, with its errors; to be made once for a plan."""
    plain: list[tuple[GraphQLVariableSignature, type]] = []
    for definition in definitions:
        signature = get_variable_signature(schema, definition)
        if (taken := _taken(signature)) is None or isinstance(signature, GraphQLError):
            return lambda given: get_variable_values(schema, definitions, given, max_errors=0)
        plain.append((signature, taken))

    def read(given: dict[str, Any]) -> VariableValues | list[GraphQLError]:  # Any: as above
        sources, coerced = {}, {}
        for signature, taken in plain:
            value = given.get(signature.name)
            if type(value) is not taken:
                return get_variable_values(schema, definitions, given, max_errors=0)
            sources[signature.name] = VariableValueSource(signature, value)
            coerced[signature.name] = value
        return VariableValues(sources, coerced)

    return read


def _taken(signature: GraphQLVariableSignature | GraphQLError) -> type | None:
    """The class of the values that such a variable takes as they are."""
    if isinstance(signature, GraphQLError):
        return None
    kind: Any = signature.type.of_type if is_non_null_type(signature.type) else signature.type  # Any: to look it up
    return _TAKEN.get(kind)
