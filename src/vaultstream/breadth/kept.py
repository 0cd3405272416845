"""What was made of values that never change, for the next request that asks the same of them.

Each selection keeps its own, by the value itself. All of them together are bounded, by number and by time, and
forgotten together.
"""

from collections.abc import Mapping
from itertools import chain, repeat
from time import monotonic
from typing import Any

OBJECTS_MAX = 16_384
SECONDS_MAX = 60.0  # what is shown no more does not stay
Answer = dict[str, Any]  # Any: the answer's JSON values
Made = tuple[object, Answer, int]  # a value, what was written of it, and how many objects lie within that
UNKNOWN: Made = (None, {}, 0)
"""Of a value of which nothing is kept: what is written of it is empty, and no other is."""


def objects_within(answer: Answer) -> int:
    """How many objects lie within an object of an answer."""
    level: list[Any] = [answer]  # Any: as in Answer
    count = -1
    while level:
        objects = [value for value in level if type(value) is dict]
        count += len(objects)
        rows = chain((value for value in level if type(value) is list), map(dict.values, objects))
        level = list(chain.from_iterable(rows))
    return count


class Kept:
    """What one selection has for each value. A value that is kept stays, so its `id` is no other's."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[int, Made] = {}

    def known(self, values: list[Any]) -> list[Made]:  # Any: values of any type
        """What there is of each value, or UNKNOWN."""
        return list(map(self._answers.get, map(id, values), repeat(UNKNOWN)))

    def keep(self, made: Mapping[int, Made]) -> None:
        """For the next request, by the `id` of each value; shared from here on, and not to be changed."""
        _all.make_room(self, len(made))
        self._answers.update(made)

    def forget(self) -> None:
        """All of it."""
        self._answers.clear()


class _All:
    def __init__(self) -> None:
        self._count = 0
        self._since = monotonic()
        self._users: set[Kept] = set()

    def make_room(self, user: Kept, more: int) -> None:
        if self._count + more > OBJECTS_MAX or monotonic() - self._since > SECONDS_MAX:
            for each in self._users:
                each.forget()
            self._users.clear()
            self._count, self._since = 0, monotonic()
        self._count += more
        self._users.add(user)


_all = _All()
