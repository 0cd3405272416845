"""What is a function of its parent alone is worked out once for each parent, and never told of another."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import build_schema, is_object_type, parse

from vaultstream.breadth import Derived, Plan, compile_plan, declare, kept

SCHEMA = """
type Query { people: [Person] }
type Person { name: String age: Int mood: String friend: Person }
"""


class Person(SimpleNamespace):
    """Somebody who never changes, but for the mood."""


class World:
    """A schema in which all but the mood is derived, and how often each was asked for it."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.schema = build_schema(SCHEMA)
        person = self.schema.type_map["Person"]
        assert is_object_type(person)
        for name in ("name", "age", "friend"):
            declare(person.fields[name], Derived(self.reader(name)))

    def reader(self, name: str) -> Any:
        def read(person: Person) -> Any:
            self.asked[person.name, name] += 1
            return getattr(person, name)

        return read

    def plan(self, text: str) -> Plan:
        plan = compile_plan(self.schema, parse(text))
        assert plan is not None
        return plan


def person(name: str, **more: Any) -> Person:
    return Person(**{"name": name, "age": len(name), "mood": "calm", "friend": None} | more)


async def test_each_value_is_asked_once_however_often_it_is_shown() -> None:
    world, ann, bo = World(), person("Ann"), person("Bo")
    plan = world.plan("{ people { name mood age } }")
    for shown in ([ann, bo, ann], [bo, None, ann]):
        answer = await plan.execute({"people": shown})
        expected = [it and {"name": it.name, "mood": "calm", "age": it.age} for it in shown]
        assert answer.data == {"people": expected}
        assert all(list(each) == ["name", "mood", "age"] for each in answer.data["people"] if each)
    assert world.asked == {(who, what): 1 for who in ("Ann", "Bo") for what in ("name", "age")}
    assert plan.tally.compiled == 2


async def test_what_is_not_derived_is_asked_each_time() -> None:
    ann = person("Ann")
    plan = World().plan("{ people { name mood age } }")
    await plan.execute({"people": [ann]})
    ann.mood = "merry"
    assert (await plan.execute({"people": [ann]})).data == {"people": [{"name": "Ann", "mood": "merry", "age": 3}]}


async def test_values_that_are_equal_are_told_apart() -> None:
    plan = World().plan("{ people { name age } }")
    for _ in range(3):
        one, other = person("Ann"), person("Ann")
        other.age = 4
        assert (await plan.execute({"people": [one]})).data == {"people": [{"name": "Ann", "age": 3}]}
        assert (await plan.execute({"people": [other]})).data == {"people": [{"name": "Ann", "age": 4}]}


async def test_one_value_is_asked_different_things_in_one_query() -> None:
    ann = person("Ann", friend=person("Bo"))
    plan = World().plan("{ a: people { name age } b: people { age name friend { age name } } }")
    for _ in range(2):
        data = (await plan.execute({"people": [ann]})).data
        assert str(data) == str(
            {"a": [{"name": "Ann", "age": 3}], "b": [{"age": 3, "name": "Ann", "friend": {"age": 2, "name": "Bo"}}]}
        )


async def test_below_what_is_derived_what_is_not_is_asked_each_time() -> None:
    bo = person("Bo")
    ann = person("Ann", friend=bo)
    plan = World().plan("{ people { name age friend { name mood } } }")
    await plan.execute({"people": [ann]})
    bo.mood = "merry"
    data = (await plan.execute({"people": [ann]})).data
    assert data == {"people": [{"name": "Ann", "age": 3, "friend": {"name": "Bo", "mood": "merry"}}]}


async def test_nothing_is_kept_of_what_failed() -> None:
    ann = person("Ann", age="many")
    plan = World().plan("{ people { name age } }")
    answer = await plan.execute({"people": [ann]})
    assert answer.errors is not None
    ann.age = 5
    assert (await plan.execute({"people": [ann]})).data == {"people": [{"name": "Ann", "age": 5}]}


async def test_what_would_have_to_be_awaited_falls_back() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_result(7)
    plan = World().plan("{ people { name age } }")
    assert (await plan.execute({"people": [person("Ann", age=future)]})).data == {"people": [{"name": "Ann", "age": 7}]}
    assert plan.tally.fell_back == 1


async def test_what_is_kept_does_not_stay_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(kept, "monotonic", lambda: now)
    monkeypatch.setattr(kept, "_all", kept._All())
    world, ann, bo = World(), person("Ann"), person("Bo")
    plan = world.plan("{ people { name age } }")
    for shown, later in ((ann, kept.SECONDS_MAX), (bo, 0.1), (person("Cid"), 0), (ann, 0)):
        await plan.execute({"people": [shown]})
        now += later
    assert world.asked["Ann", "name"] == 2
    assert world.asked["Bo", "name"] == 1


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_all", kept._All())
    monkeypatch.setattr(kept, "OBJECTS_MAX", 5)
    world, crowd = World(), [person(f"{number}") for number in range(4)]
    plans = [world.plan("{ people { name age } }"), world.plan("{ people { age name } }")]
    for shown in (crowd[:3], crowd[:3], crowd[3:]):
        for plan in plans:
            expected = [{"name": it.name, "age": it.age} for it in shown]
            assert (await plan.execute({"people": shown})).data == {"people": expected}
    assert sum(world.asked.values()) == 2 * (3 + 3 + 3 + 3 + 1 + 1)
