"""What was made of values that never change, for the next request that asks the same of them.

Each selection keeps its own, by the value itself. All of them together are bounded, by number and by time, and
forgotten together.
"""

from time import monotonic
from typing import Any

OBJECTS_MAX = 16_384
SECONDS_MAX = 60.0  # what is shown no more does not stay
Answer = dict[str, Any]  # Any: the answer's JSON values


class Kept:
    """What one selection has for each value. A value that is kept stays, so its `id` is no other's."""

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[int, tuple[object, Answer]] = {}

    def filled(self, values: list[Any], slots: list[Answer]) -> dict[int, Any]:  # Any: values of any type
        """Write what is known into the slots of these values; those of which nothing is, each once."""
        missing: dict[int, Any] = {}
        known = self._answers
        for value, slot in zip(values, slots, strict=True):
            found = known.get(id(value))
            if found is None:
                missing[id(value)] = value
            else:
                slot.update(found[1])
        return missing

    def keep(self, values: list[Any], answers: list[Answer]) -> None:  # Any: as above
        """For the next request; the answers are shared from here on, and not to be changed."""
        _all.make_room(self, len(values))
        for value, answer in zip(values, answers, strict=True):
            self._answers[id(value)] = (value, answer)

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
