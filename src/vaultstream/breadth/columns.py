"""Completing a column, the values of one field for all parents of a level: the specification's CompleteValue.

A column function either completes every value or raises, and then graphql-core runs the query: so that there is one
place that makes errors, and here is only the way that has none.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from types import GeneratorType, NoneType
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLBoolean,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLString,
    default_type_resolver,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from graphql.pyutils import Undefined, UndefinedType, is_awaitable

from vaultstream.breadth.declarations import BY_CLASS, declared
from vaultstream.breadth.fallback import FellBack
from vaultstream.breadth.kept import Answer

Values = list[Any]  # Any: GraphQL values of any type
Info = GraphQLResolveInfo[Any]  # Any: the context is the caller's
_ABSENT: frozenset[type] = frozenset({NoneType, UndefinedType})
_AS_THEY_ARE = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_CLASSES_KEPT = 1024
_NAMES_KEPT = 64
_NO_LISTS = (bytearray, bytes, str, memoryview, Mapping)


_awaitable: set[type] = set()
_plain: set[type] = set(_ABSENT)
_present: set[type] = set()  # the plain ones that are values


def may_wait(values: Values) -> bool:
    """Whether some of the values are to be awaited, as far as their classes tell."""
    return not _plain.issuperset(map(type, values)) and any(is_to_await(value) for value in values)


def is_to_await(value: object) -> bool:
    """Whether the value is to be awaited, as far as its class tells."""
    kind = type(value)
    if kind not in _plain and kind not in _awaitable:
        _learn(kind)
    return kind in _awaitable


def _learn(kind: type) -> None:
    """What classes tell is kept; all of it is forgotten when there are many of them."""
    if len(_plain) + len(_awaitable) >= _CLASSES_KEPT:
        _awaitable.clear()
        _present.clear()
        _plain.intersection_update(_ABSENT)
    if hasattr(kind, "__await__"):
        _awaitable.add(kind)
    else:
        _plain.add(kind)
        if not issubclass(kind, Exception | GeneratorType):  # what to make of a generator, graphql-core must say
            _present.add(kind)


@dataclass(frozen=True, slots=True)
class Found:
    """Objects of one type that a field gave, each with its place in the answer."""

    kind: GraphQLObjectType
    parents: Values
    slots: list[Answer]


Place = Callable[[GraphQLObjectType, Values], tuple[list[Answer], int]]
"""Gives objects of a type their places, and tells how many objects that makes, with those that are written there."""


@dataclass(slots=True)
class Finding:
    """What comes of completing one field's column."""

    info: Callable[[], Info]
    found: list[Found] = field(default_factory=list)
    objects: int = 0

    def placed(self, place: Place, kind: GraphQLObjectType, values: Values) -> list[Answer]:
        """The places of these objects; what is not written there yet is the next level's."""
        slots, objects = place(kind, values)
        self.objects += objects
        self.found.append(Found(kind, values, slots))
        return slots


Column = Callable[[Values, Finding], Values]


def column_of(schema: GraphQLSchema, kind: GraphQLOutputType, place: Place, *, nullable: bool = True) -> Column:
    """The function that completes values of this type."""
    if isinstance(kind, GraphQLNonNull):
        return column_of(schema, kind.of_type, place, nullable=False)
    if is_list_type(kind):
        return _lists(column_of(schema, kind.of_type, place), nullable=nullable)
    if is_leaf_type(kind):
        return _integers(nullable=nullable) if kind is GraphQLInt else _leaves(kind, nullable=nullable)
    if is_abstract_type(kind):
        return _abstracts(schema, kind, place, nullable=nullable)
    if is_object_type(kind):
        return _objects(kind, place, nullable=nullable)
    raise FellBack("a type that nobody knows")


def _has_absent(values: Values, *, nullable: bool) -> bool:
    """Whether some of the values are null; raises FellBack where they may not be, or are no values."""
    if _present.issuperset(map(type, values)):
        return False
    for kind in set(map(type, values)) - _ABSENT - _plain - _awaitable:
        _learn(kind)
    if not _present.issuperset(set(map(type, values)) - _ABSENT):
        raise FellBack("an error, or something to await, in the place of a value")
    absent = not _ABSENT.isdisjoint(map(type, values))
    if absent and not nullable:
        raise FellBack("null where none may be")
    return absent


def _is_absent(value: object) -> bool:
    return value is None or value is Undefined


def _leaves(kind: GraphQLLeafType, *, nullable: bool) -> Column:
    coerce = kind.coerce_output_value
    exact = {_AS_THEY_ARE[kind]} if kind in _AS_THEY_ARE else set()
    as_they_are = frozenset(exact | ({NoneType} if exact and nullable else set()))

    written: dict[tuple[type, Any], Any] = {}  # Any: an enum's values within, its names without

    def by_name(value: Any) -> Any:  # Any: as above; equal values of one class have one name
        name = written.get((type(value), value))
        if name is None:
            name = coerce(value)
            if len(written) < _NAMES_KEPT:
                written[type(value), value] = name
        return name

    coerce_one = by_name if is_enum_type(kind) else coerce

    def coerced(values: Values) -> Values:
        done = list(map(coerce_one, values))
        if not _ABSENT.isdisjoint(map(type, done)):
            raise FellBack("a scalar that was coerced to nothing")
        return done

    def column(values: Values, _finding: Finding) -> Values:
        if as_they_are.issuperset(map(type, values)):
            return values
        if not _has_absent(values, nullable=nullable):
            return coerced(values)
        done = iter(coerced([value for value in values if not _is_absent(value)]))
        return [None if _is_absent(value) else next(done) for value in values]

    return column


def _integers(*, nullable: bool) -> Column:
    others = _leaves(GraphQLInt, nullable=nullable)
    exact = frozenset({int})

    def column(values: Values, finding: Finding) -> Values:
        if (
            exact.issuperset(map(type, values))
            and _INT_MIN <= min(values, default=0) <= max(values, default=0) <= _INT_MAX
        ):
            return values
        return others(values, finding)

    return column


def _lists(inner: Column, *, nullable: bool) -> Column:
    def column(values: Values, finding: Finding) -> Values:
        if not _has_absent(values, nullable=nullable):
            rows = [_row(value) for value in values]
            items = iter(inner(list(chain.from_iterable(rows)), finding))
            return [list(islice(items, len(row))) for row in rows]
        done = iter(column([value for value in values if not _is_absent(value)], finding))
        return [None if _is_absent(value) else next(done) for value in values]

    return column


def _row(value: Any) -> Sequence[Any]:  # Any: whatever the resolver called a list
    kind = type(value)
    if kind is list or kind is tuple:
        return value  # type: ignore[no-any-return]  # its class was looked at, not declared
    if not isinstance(value, Collection) or isinstance(value, _NO_LISTS) or hasattr(kind, "__aiter__"):
        raise FellBack("no list where one should be, or one that can be gone through only once")
    return list(value)


def _objects(kind: GraphQLObjectType, place: Place, *, nullable: bool) -> Column:
    check = _check_of(kind)

    def column(values: Values, finding: Finding) -> Values:
        if not _has_absent(values, nullable=nullable):
            check(values, finding)
            return finding.placed(place, kind, values)
        done = iter(column([value for value in values if not _is_absent(value)], finding))
        return [None if _is_absent(value) else next(done) for value in values]

    return column


def _check_of(kind: GraphQLObjectType) -> Callable[[Values, Finding], None]:
    """What raises FellBack unless all values are of the type; where the class tells, each class is asked about once."""
    known: set[type] = set()

    def check(values: Values, finding: Finding) -> None:
        if kind.is_type_of is None or known.issuperset(map(type, values)):
            return
        is_by_class = declared(kind) is BY_CLASS
        if is_by_class:
            values = list(dict(zip(map(type, values), values, strict=True)).values())  # one of each class
        for value in values:
            _check_answer(kind.is_type_of(value, finding.info()), finding.info())
        if is_by_class and len(known) + len(values) <= _CLASSES_KEPT:
            known.update(map(type, values))

    return check


def _check_answer(answer: object, info: Info) -> None:
    if answer is not True and (is_awaitable(answer) or not answer):
        info.async_helpers.track([answer])
        raise FellBack("an object of another type, or one that is told by waiting")


def _abstracts(schema: GraphQLSchema, kind: GraphQLAbstractType, place: Place, *, nullable: bool) -> Column:
    types_of = _types_of(schema, kind)

    def column(values: Values, finding: Finding) -> Values:
        if not _has_absent(values, nullable=nullable):
            kinds = types_of(values, finding)
            if len(set(kinds)) == 1:
                return finding.placed(place, kinds[0], values)
            slots = {}
            for each in dict.fromkeys(kinds):
                of_it = [value for value, found in zip(values, kinds, strict=True) if found is each]
                slots[each] = iter(finding.placed(place, each, of_it))
            return [next(slots[found]) for found in kinds]
        done = iter(column([value for value in values if not _is_absent(value)], finding))
        return [None if _is_absent(value) else next(done) for value in values]

    return column


def _types_of(schema: GraphQLSchema, kind: GraphQLAbstractType) -> Callable[[Values, Finding], list[GraphQLObjectType]]:
    """What tells the type of each value; where the class tells, each class is asked about once."""
    resolve = kind.resolve_type or default_type_resolver
    known: dict[type, GraphQLObjectType] = {}

    def type_of(value: Any, finding: Finding) -> GraphQLObjectType:  # Any: an object of a type still unknown
        info = finding.info()
        name = resolve(value, info, kind)
        if not isinstance(name, str):
            info.async_helpers.track([name])
            raise FellBack("a type that is not named, or only by waiting")
        found = schema.get_type(name)
        if not is_object_type(found) or not schema.is_sub_type(kind, found):
            raise FellBack("a type that this cannot be")
        _check_of(found)([value], finding)
        return found

    def types_of(values: Values, finding: Finding) -> list[GraphQLObjectType]:
        if declared(kind) is not BY_CLASS:
            return [type_of(value, finding) for value in values]
        if len(known) > _CLASSES_KEPT:
            known.clear()
        for value in values:
            if type(value) not in known:
                known[type(value)] = type_of(value, finding)
        return [known[type(value)] for value in values]

    return types_of
