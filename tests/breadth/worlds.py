"""Made-up schemas with something behind them, and questions about them: all of it from one source of chance.

What stands behind a field depends on nothing but the world's seed, the parent and the field's name and arguments, so
that two executors that ask in any order, or twice, are told the same.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    Undefined,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from vaultstream.breadth import BY_CLASS, Attribute, Batch, Derived, declare

WAYS = ("default", "method", "sync", "async", "future", "attribute", "batch", "batch of futures", "awaited batch")
LASTING = (*WAYS, *["derived"] * 12)  # of a type whose fields are mostly functions of their parent


def _odd(value: object) -> str:
    if value == "crooked":
        raise ValueError("not to be written")
    return f"<{value}>"


ODD = GraphQLScalarType("Odd", serialize=_odd)
COLOUR = GraphQLEnumType("Colour", {"RED": 1, "GREEN": 2, "BLUE": "blue"})
LEAVES = (GraphQLString, GraphQLInt, GraphQLFloat, GraphQLBoolean, GraphQLID, ODD, COLOUR)
GOOD = {
    "String": ("a", "", "ü", 7, True, 1.5),
    "Int": (0, -1, 2**31 - 1, True, "12", 3.0),
    "Float": (0.5, 3, -1e10, "2.5"),
    "Boolean": (True, False, 1, 0),
    "ID": ("x", 5, "007"),
    "Odd": ("y", 1, False),
    "Colour": (1, 2, "blue"),
}
BAD = (object(), [], {}, 2**31, float("nan"), "crooked", b"bytes", ValueError("returned"), Undefined)


@dataclass(frozen=True, slots=True)
class World:
    """A schema, and how sick it is: the chance of a bad value where a good one might be."""

    seed: int
    sickness: float
    schema: GraphQLSchema
    ways: dict[tuple[str, str], str]
    things: dict[tuple[str, str], "Thing | Box"] = field(default_factory=dict)

    def chance(self, *about: object) -> Random:
        return Random(f"{self.seed}{about}")

    def value(self, token: str, kind: Any, name: str) -> Any:
        """What the field gives, whichever way."""
        return self._value(self.chance(token, name), kind, f"{token}.{name}")

    def _value(self, chance: Random, kind: Any, token: str) -> Any:
        nullable = not is_non_null_type(kind)
        kind = kind if nullable else kind.of_type
        if chance.random() < self.sickness:
            return chance.choice((None, *BAD))
        if nullable and chance.random() < 0.2:
            return None
        if is_list_type(kind):
            row = [self._value(chance, kind.of_type, f"{token}{index}") for index in range(chance.choice((0, 1, 3)))]
            return chance.choice((list, tuple))(row)
        if is_leaf_type(kind):
            return chance.choice(GOOD[kind.name])
        return self._thing(chance, kind, token)

    def _thing(self, chance: Random, kind: Any, token: str) -> "Thing | Box":
        if is_abstract_type(kind):
            kind = chance.choice(self.schema.get_possible_types(kind))
        if chance.random() < self.sickness:
            kind = chance.choice([each for each in self.schema.type_map.values() if each.name.startswith("T")])
        made = _of_kind(chance.choice((Thing, Box)), kind.name)(self, kind.name, token)
        return self.things.setdefault((kind.name, token), made)

    def stored(self, thing: "Thing | Box", name: str) -> Any:
        """What an attribute holds: the value, or a method that gives it."""
        definition = self.schema.type_map[thing.kind].fields.get(name)
        if definition is None:
            raise AttributeError(name)
        if self.ways[thing.kind, name] == "method":
            return lambda _info, **given: self.value(thing.token, definition.type, f"{name}{given}")
        return self.value(thing.token, definition.type, name)


@dataclass(slots=True, eq=False)
class Thing:
    """A parent with attributes."""

    world: World
    kind: str
    token: str

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.world.stored(self, name)


class Box(Mapping[str, Any]):
    """A parent with keys."""

    def __init__(self, world: World, kind: str, token: str) -> None:
        self.world, self.kind, self.token = world, kind, token

    def __getitem__(self, name: str) -> Any:
        if name == "__typename":
            return self.kind
        try:
            return self.world.stored(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __getattr__(self, name: str) -> Any:  # for Attribute, which reads no keys
        if name.startswith("_"):
            raise AttributeError(name)
        return self.world.stored(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@cache
def _of_kind(parent: type["Thing | Box"], kind: str) -> type["Thing | Box"]:
    """A class for each kind: what type a thing is of, its class tells."""
    return type(f"{kind}{parent.__name__}", (parent,), {})


@dataclass(slots=True)
class _Maker:
    chance: Random
    seed: int
    sickness: float
    ways: dict[tuple[str, str], str] = field(default_factory=dict)
    lasting: dict[str, bool] = field(default_factory=dict)
    worlds: list[World] = field(default_factory=list)

    def world(self) -> World:
        shared = {f"s{n}": GraphQLField(self._wrapped(self.chance.choice(LEAVES))) for n in range(2)}
        named = GraphQLInterfaceType("I", shared, resolve_type=self.chance.choice((None, lambda it, *_: it.kind)))
        kinds: list[Any] = []
        for number in range(self.chance.randint(1, 3)):
            kinds.append(self._object(f"T{number}", kinds, shared, named))
        union = GraphQLUnionType("U", tuple(kinds), resolve_type=self.chance.choice((None, lambda it, *_: it.kind)))
        kinds.extend((named, union))
        query = GraphQLObjectType("Query", self._fields("Query", kinds, 5))
        schema = GraphQLSchema(query, types=[*kinds, GraphQLInt])
        self.worlds.append(World(self.seed, self.sickness, schema, self.ways))
        return self.worlds[0]

    def _object(self, name: str, kinds: list[Any], shared: dict[str, GraphQLField], named: Any) -> GraphQLObjectType:
        def fields() -> dict[str, GraphQLField]:
            own = {key: self._resolved(name, key, GraphQLField(one.type)) for key, one in shared.items()}
            return own | self._fields(name, kinds, 4)

        made = GraphQLObjectType(name, fields, interfaces=[named], is_type_of=lambda it, _info: it.kind == name)
        if self.chance.random() < 0.7:
            declare(made, BY_CLASS)
        return made

    def _fields(self, parent: str, kinds: list[Any], most: int) -> dict[str, GraphQLField]:
        made = {}
        for number in range(self.chance.randint(1, most)):
            kind = self.chance.choice((*LEAVES, *kinds, *kinds, *kinds))
            given = {"n": GraphQLArgument(GraphQLInt, default_value=3)} if self.chance.random() < 0.3 else {}
            name = f"{parent.lower()}_{number}"  # no two types differ about what a name means
            made[name] = self._resolved(parent, name, GraphQLField(self._wrapped(kind), args=given))
        return made

    def _wrapped(self, kind: Any) -> Any:
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            kind = GraphQLList(GraphQLNonNull(kind) if self.chance.random() < 0.4 else kind)
        return GraphQLNonNull(kind) if self.chance.random() < 0.4 else kind

    def _resolved(self, parent: str, name: str, made: GraphQLField) -> GraphQLField:
        lasts = self.lasting.setdefault(parent, self.chance.random() < 0.5)
        way = self.ways[parent, name] = self.chance.choice(LASTING if lasts else WAYS)
        if way in {"default", "method"} and not (made.args and way == "default"):
            return made

        def answer(thing: Any, given: dict[str, Any]) -> Any:
            value = self.worlds[0].value(thing.token, made.type, f"{name}{given}" if made.args else name)
            if self.sickness and self.worlds[0].chance(thing.token, name, "raises").random() < self.sickness:
                raise RuntimeError(f"{name} failed")
            return value

        made.resolve = _resolver(way, answer)
        if way == "attribute" and not made.args and not self.sickness:
            declare(made, Attribute(name))
        elif way == "derived" and not made.args:
            declare(made, Derived(lambda thing: answer(thing, {})))
        elif batch := _batch(way, answer, made.resolve):
            declare(made, Batch(batch))
        return made


def _resolver(way: str, answer: Any) -> Any:
    async def later(thing: Any, _info: Any, **given: Any) -> Any:
        await asyncio.sleep(0)
        return answer(thing, given)

    def future(thing: Any, _info: Any, **given: Any) -> Any:
        return asyncio.ensure_future(later(thing, _info, **given))

    def now(thing: Any, _info: Any, **given: Any) -> Any:
        return answer(thing, given)

    return {"async": later, "future": future, "batch of futures": later, "awaited batch": later}.get(way, now)


def _batch(way: str, answer: Any, resolve: Any) -> Any:
    async def awaited(things: list[Any], _info: Any, **given: Any) -> Any:
        await asyncio.sleep(0)
        return [answer(thing, given) for thing in things]

    return {
        "batch": lambda things, _info, **given: [answer(thing, given) for thing in things],
        "batch of futures": lambda things, info, **given: tuple(resolve(thing, info, **given) for thing in things),
        "awaited batch": awaited,
    }.get(way)


def made_up(chance: Random, *, sickness: float) -> World:
    """A world; one without sickness answers every question without an error."""
    return _Maker(chance, chance.randint(0, 2**32), sickness).world()


def root(world: World) -> Thing | Box:
    """What the query's fields are asked of."""
    return world.things.setdefault(("Query", ""), Thing(world, "Query", ""))


@dataclass(slots=True)
class Asker:
    """Questions of bounded depth, with fragments, aliases, directives, arguments and variables."""

    chance: Random
    world: World
    fragments: list[str] = field(default_factory=list)
    count: int = 0

    def question(self) -> str:
        body = self._selection(self.world.schema.query_type, 4)
        return " ".join((f"query ($yes: Boolean!, $no: Boolean = false, $n: Int) {body}", *self.fragments))

    def _selection(self, kind: Any, depth: int) -> str:
        parts = [self._part(kind, depth) for _ in range(self.chance.randint(1, 4))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, kind: Any, depth: int) -> str:
        dice = self.chance.random()
        if dice < 0.12 and depth:
            return f"...{self._on(kind)}{self._switch()} {self._selection(kind, depth - 1)}"
        if dice < 0.2 and depth:
            self.count += 1
            name, body = f"F{self.count}", self._selection(kind, depth - 1)
            self.fragments.append(f"fragment {name} on {kind.name} {body}")
            return f"...{name}{self._switch()}" + (f" ...{name}" if self.chance.random() < 0.3 else "")
        if is_abstract_type(kind) and dice < 0.7 and depth:
            inner = self.chance.choice(self.world.schema.get_possible_types(kind))
            return f"... on {inner.name}{self._switch()} {self._selection(inner, depth - 1)}"
        return self._field(kind, depth)

    def _on(self, kind: Any) -> str:
        return self.chance.choice(("", f" on {kind.name}"))

    def _field(self, kind: Any, depth: int) -> str:
        fields = {} if kind.name == "U" else kind.fields
        names = [name for name, one in fields.items() if depth or is_leaf_type(_innermost(one.type))]
        name = self.chance.choice(("__typename", *names, *names, *names))
        if name == "__typename":
            return self._alias(always=False) + name
        one = fields[name]
        inner = _innermost(one.type)
        given = f"(n: {self.chance.choice(('$n', '1', 'null'))})" if one.args and self.chance.random() < 0.6 else ""
        text = f"{self._alias(always=bool(given))}{name}{given}{self._switch()}"
        return text if is_leaf_type(inner) else f"{text} {self._selection(inner, depth - 1)}"

    def _alias(self, *, always: bool) -> str:
        self.count += 1
        return f"a{self.count}: " if always or self.chance.random() < 0.2 else ""

    def _switch(self) -> str:
        switches = (" @skip(if: $yes)", " @include(if: $yes)", " @include(if: true)", " @skip(if: $no)")
        return self.chance.choice(switches) if self.chance.random() < 0.15 else ""


def _innermost(kind: Any) -> Any:
    while not (is_leaf_type(kind) or is_enum_type(kind)) and hasattr(kind, "of_type"):
        kind = kind.of_type
    return kind
