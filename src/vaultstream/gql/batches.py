"""Telling the breadth-first executor what it can do without Strawberry's wrapper around every single value."""

from collections.abc import Callable, Collection, Sequence
from inspect import Parameter
from operator import attrgetter
from typing import Any

from graphql import GraphQLField, GraphQLResolveInfo, GraphQLSchema, is_interface_type, is_object_type
from strawberry import Info
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from vaultstream.breadth import BY_CLASS, EXTENSION, ONCE, Attribute, Batch, Derived, declare

HAS_EFFECTS = {EXTENSION: ONCE}
"""The `metadata` of a field that does more than read."""


def declare_batches(schema: GraphQLSchema, *, lasting: Collection[type]) -> None:
    """Mark the plain fields of a schema that Strawberry built: attributes, and methods that take no arguments.

    Those of the `lasting` types are read from values that never change, and what they give is kept with these.

    What a field says of itself in its `metadata` goes before. One with a permission, an extension or an argument keeps
    its wrapper, which sees to all of them.
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
    elif callable(method := resolver.wrapped_func) and _takes_only_its_parent(made, resolver):
        told = resolver.info_parameter
        declare(field, Derived(method) if lasts and told is None else Batch(_batch(made, method, told)))


def _takes_only_its_parent(field: StrawberryField, resolver: StrawberryResolver[Any]) -> bool:  # Any: what it gives
    others = (field.arguments, resolver.parent_parameter, resolver.root_parameter)
    return resolver.self_parameter is not None and not any(others)


def _batch(
    field: StrawberryField,
    method: Callable[..., Any],  # Any: whatever the method gives
    told: Parameter | None,
) -> Callable[[Sequence[Any], GraphQLResolveInfo[Any]], Sequence[Any]]:  # Any: nouns, their fields, the context
    def without(parents: Sequence[Any], _info: GraphQLResolveInfo[Any]) -> Sequence[Any]:  # Any: as above
        return list(map(method, parents))

    def informed(parents: Sequence[Any], info: GraphQLResolveInfo[Any]) -> Sequence[Any]:  # Any: as above
        given = {told.name: Info(_raw_info=info, _field=field)} if told else {}
        return [method(parent, **given) for parent in parents]

    return informed if told else without
