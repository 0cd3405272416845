"""The arguments of a field, coerced once for a plan where no variable has a part in them."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    VariableValues,
    get_argument_values,
)

Arguments = Callable[[VariableValues], Mapping[str, Any]]  # Any: coerced input values
_NONE: Mapping[str, Any] = {}  # Any: as above


def arguments_of(definition: GraphQLField, node: FieldNode) -> Arguments:
    """What tells a field's arguments under any variables; raises GraphQLError where they are unlawful under all.

    What could be changed by who is given it is made anew each time.
    """
    if not definition.args:
        return lambda _variables: _NONE
    if any(_varies(argument.value) for argument in node.arguments or ()):
        return lambda variables: get_argument_values(definition, node, variables)
    known = get_argument_values(definition, node)
    if any(isinstance(value, dict | list) for value in known.values()):
        return lambda variables: get_argument_values(definition, node, variables)
    return lambda _variables: known


def _varies(value: ValueNode) -> bool:
    if isinstance(value, ListValueNode):
        return any(map(_varies, value.values))
    if isinstance(value, ObjectValueNode):
        return any(_varies(field.value) for field in value.fields)
    return isinstance(value, VariableNode)
