"""One field being resolved for all parents of a group: its batch, its attribute, or its resolver for each."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from graphql import TypeNameMetaFieldDef
from graphql.pyutils import is_awaitable

from vaultstream.breadth.columns import Finding, Values, is_to_await, may_wait
from vaultstream.breadth.declarations import Attribute, Batch, Derived
from vaultstream.breadth.fallback import FellBack, discard
from vaultstream.breadth.fields import Field, Selection
from vaultstream.breadth.infos import Request, Told
from vaultstream.breadth.kept import Answer


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of which the same is asked, and where their fields are written."""

    selection: Selection
    parents: Values
    slots: list[Answer]


@dataclass(frozen=True, slots=True)
class Wait:
    """An awaitable in a list, whose value is to take its place there."""

    place: Values
    index: int
    awaitable: Awaitable[Any]  # Any: what a resolver answers


class Call:
    """Started once, waited for with all others of its level, then written."""

    __slots__ = ("_field", "_fresh", "_parents", "_request", "_slots", "_told", "_values", "_whole")

    def __init__(self, field: Field, group: Group, request: Request) -> None:
        self._field = field
        self._parents = group.parents
        self._slots = group.slots
        self._request = request
        self._told = Told(request, field)
        self._values: Values = []
        self._whole: Values = []  # the one answer of a batch that is awaited
        self._fresh = True  # what is in the parents is theirs: graphql-core will want it if the plan falls back

    def start(self) -> list[Wait]:
        """What has to be waited for before the values are there."""
        self._start()
        if self._whole:
            return [Wait(self._whole, 0, self._whole[0])]
        if not self._fresh or not may_wait(self._values):
            return []
        return [Wait(self._values, index, value) for index, value in enumerate(self._values) if is_to_await(value)]

    def write(self) -> list[Group]:
        """Complete the values, and write them into their objects: what is asked of those among them."""
        if self._whole:
            self._values = self._one_each(self._whole[0])
        finding, key = Finding(self._told), self._field.key
        for slot, value in zip(self._slots, self._field.column(self._values, finding), strict=True):
            slot[key] = value
        self._request.objects += finding.objects
        groups = [Group(self._field.below(found.kind), found.parents, found.slots) for found in finding.found]
        return [group for group in groups if group.selection.others or not all(group.slots)]

    def let_go(self) -> None:
        """Nothing of it is wanted any more."""
        discard(self._whole)
        if self._fresh:
            discard(self._values)

    def _start(self) -> None:
        how, definition = self._field.how, self._field.definition
        if definition is TypeNameMetaFieldDef:
            self._values = [self._field.parent.name] * len(self._parents)
        elif isinstance(how, Attribute):
            self._keep(list(map(attrgetter(how.name), self._parents)))
        elif isinstance(how, Derived):
            self._keep(list(map(how.of, self._parents)))
        elif isinstance(how, Batch):
            self._take(how.resolve(self._parents, self._told(), **self._field.arguments(self._request.variables)))
        elif definition.resolve is None:
            self._read()
        else:
            info, arguments, values = self._told(), self._field.arguments(self._request.variables), self._values
            for parent in self._parents:  # one by one: what is begun is let go when one raises
                values.append(definition.resolve(parent, info, **arguments))

    def _take(self, answer: Sequence[Any] | Awaitable[Sequence[Any]]) -> None:  # Any: GraphQL values
        if is_awaitable(answer):
            self._whole.append(answer)
        else:
            self._values = self._one_each(answer)

    def _one_each(self, answer: Any) -> Values:  # Any: what a batch gave, whatever it declared
        values = list(answer)
        if len(values) != len(self._parents):
            discard(values)
            raise FellBack("a batch that has not one value for each parent")
        return values

    def _keep(self, values: Values) -> None:
        """Values that are in the parents: one that is to be awaited can be awaited once only, so no column takes it."""
        self._fresh = False
        self._values = values

    def _read(self) -> None:
        """As graphql-core's default resolver: by key or attribute, and called if that can be called."""
        name = self._field.name
        found = [
            parent.get(name) if isinstance(parent, Mapping) else getattr(parent, name, None) for parent in self._parents
        ]
        if not any(map(callable, found)):
            self._keep(found)
            return
        info, arguments = self._told(), self._field.arguments(self._request.variables)
        for value in found:
            if not callable(value) and is_to_await(value):
                raise FellBack("something to await among the attributes")
            self._values.append(value(info, **arguments) if callable(value) else value)
