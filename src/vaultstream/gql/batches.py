"""Telling the breadth-first executor what it can do without Strawberry's wrapper around every single value."""

from collections.abc import Callable, Collection, Sequence
from inspect import Parameter
from operator import attrgetter
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLResolveInfo,
    GraphQLSchema,
    is_interface_type,
    is_non_null_type,
    is_object_type,
    is_scalar_type,
)
from strawberry import Info
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from vaultstream.breadth import BY_CLASS, EXTENSION, ONCE, Attribute, Batch, Derived, declare

HAS_EFFECTS = {EXTENSION: ONCE}
"""The `metadata` of a field that does more than read."""


def declare_batches(schema: GraphQLSchema, *, lasting: Collection[type]) -> None:
    """Mark the plain fields of a schema that Strawberry built: attributes, and methods.

    Those of the `lasting` types are read from values that never change, and what they give is kept with these.

    What a field says of itself in its `metadata` goes before. One with a permission or an extension keeps its wrapper,
    which sees to all of them.
    """
    for kind in schema.type_map.values():
        if is_interface_type(kind) or is_object_type(kind):
            declare(kind, BY_CLASS)  # each noun is a class: no type here looks at more than that
        if is_object_type(kind):
            shown = kind.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            lasts = isinstance(shown, StrawberryObjectDefinition) and shown.origin in lasting
            for field in kind.fields.values():
                _declare(field, lasts=lasts)


def _declare(field: GraphQLField, *, lasts: bool) -> None:
    made = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(made, StrawberryField) or made.extensions:
        return
    if how := made.metadata.get(EXTENSION):
        declare(field, how)
        return
    resolver = made.base_resolver
    if resolver is None:
        if made.default_resolver is getattr:
            declare(field, Derived(attrgetter(made.python_name)) if lasts else Attribute(made.python_name))
    elif callable(method := resolver.wrapped_func) and _takes_its_parent(resolver):
        told = resolver.info_parameter
        is_derived = lasts and told is None and not made.arguments
        declare(field, Derived(method) if is_derived else Batch(_batch(field, made, method, told)))


def _takes_its_parent(resolver: StrawberryResolver[Any]) -> bool:  # Any: what it gives
    others = (resolver.parent_parameter, resolver.root_parameter)
    return resolver.self_parameter is not None and not any(others)


def _batch(
    field: GraphQLField,
    made: StrawberryField,
    method: Callable[..., Any],  # Any: whatever the method gives
    told: Parameter | None,
) -> Callable[..., Sequence[Any]]:  # Any: as above
    """The method for each parent. Where Strawberry makes something else of an argument, it is asked."""
    names = {name: _python_name(argument) for name, argument in field.args.items()}
    plain = {name for name, argument in field.args.items() if _is_plain(argument)}

    def batch(parents: Sequence[Any], info: GraphQLResolveInfo[Any], **given: Any) -> Sequence[Any]:  # Any: as above
        if field.resolve and not all(value is None or each in plain for each, value in given.items()):
            return [field.resolve(parent, info, **given) for parent in parents]
        renamed = {names[each]: value for each, value in given.items()}
        if told is not None:
            renamed[told.name] = Info(_raw_info=info, _field=made)
        return [method(parent, **renamed) for parent in parents]

    return batch


def _python_name(argument: GraphQLArgument) -> str:
    made: StrawberryArgument = argument.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
    return made.python_name


def _is_plain(argument: GraphQLArgument) -> bool:
    """Whether it is a scalar: Strawberry hands it on as it is."""
    return is_scalar_type(argument.type.of_type if is_non_null_type(argument.type) else argument.type)
