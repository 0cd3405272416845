"""One field being resolved for all parents of a level: its batch, its attribute, or its resolver for each."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from graphql import TypeNameMetaFieldDef
from graphql.pyutils import is_awaitable

from vaultstream.breadth.columns import Finding, Values, is_to_await, may_wait
from vaultstream.breadth.declarations import Attribute, Batch, Derived
from vaultstream.breadth.fallback import FellBack, discard
from vaultstream.breadth.fields import Field
from vaultstream.breadth.infos import Request, Told


@dataclass(frozen=True, slots=True)
class Wait:
    """An awaitable in a list, whose value is to take its place there."""

    place: Values
    index: int
    awaitable: Awaitable[Any]  # Any: what a resolver answers


class Call:
    """Started once, waited for with all others of its level, then completed."""

    __slots__ = ("_fresh", "_parents", "_request", "_told", "_values", "_whole", "field", "finding")

    def __init__(self, field: Field, parents: Values, request: Request) -> None:
        self.field = field
        self._told = Told(request, field)
        self.finding = Finding(self._told)
        self._parents = parents
        self._request = request
        self._values: Values = []
        self._whole: Values = []  # the one answer of a batch that is awaited
        self._fresh = True  # what is in the parents is theirs: graphql-core will want it if the plan falls back

    def started(self) -> Iterator[Wait]:
        """What has to be waited for before the values are there."""
        self._start()
        for place in (self._values, self._whole):
            if may_wait(place):
                yield from (Wait(place, index, value) for index, value in enumerate(place) if is_to_await(value))

    def completed(self) -> Values:
        """The column as it stands in the answer; objects are in `finding`, their fields still to come."""
        if self._whole:
            self._values = self._one_each(self._whole[0])
        return self.field.column(self._values, self.finding)

    def let_go(self) -> None:
        """Nothing of it is wanted any more."""
        discard(self._whole)
        if self._fresh:
            discard(self._values)

    def _start(self) -> None:
        how, resolve = self.field.how, self.field.definition.resolve
        if self.field.definition is TypeNameMetaFieldDef:
            self._values = [self.field.parent.name] * len(self._parents)
        elif isinstance(how, Attribute):
            self._keep(list(map(attrgetter(how.name), self._parents)))
        elif isinstance(how, Derived):
            self._keep(list(map(how.of, self._parents)))
        elif isinstance(how, Batch):
            self._take(how.resolve(self._parents, self._told(), **self.field.arguments(self._request.variables)))
        elif resolve is None:
            self._read()
        else:
            info, arguments, values = self._told(), self.field.arguments(self._request.variables), self._values
            for parent in self._parents:
                values.append(resolve(parent, info, **arguments))  # one by one: what is begun is let go when one raises

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
        """Values that are in the parents: one that is to be awaited can be awaited once only, and not here."""
        self._fresh = False
        if may_wait(values):
            raise FellBack("something to await among the attributes")
        self._values = values

    def _read(self) -> None:
        """As graphql-core's default resolver: by key or attribute, and called if that can be called."""
        name = self.field.name
        found = [
            parent.get(name) if isinstance(parent, Mapping) else getattr(parent, name, None) for parent in self._parents
        ]
        if not any(map(callable, found)):
            self._keep(found)
            return
        info, arguments = self._told(), self.field.arguments(self._request.variables)
        for value in found:
            if not callable(value) and is_to_await(value):
                raise FellBack("something to await among the attributes")
            self._values.append(value(info, **arguments) if callable(value) else value)
