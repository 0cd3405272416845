"""What a plan does at its edges: what it refuses, what it tells resolvers, how it waits and how it lets go."""

import asyncio
import gc
import warnings
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLField,
    GraphQLSchema,
    build_schema,
    execute,
    get_introspection_query,
    is_object_type,
    parse,
)

from vaultstream.breadth import BY_CLASS, Attribute, Batch, Plan, compile_plan, declare
from vaultstream.breadth.fallback import FellBack
from vaultstream.breadth.plan import VARIANTS_MAX

PEOPLE = """
type Query { people(first: Int = 2): [Person!]! one: Named nobody: Person! }
interface Named { name: String }
type Person implements Named { name: String friend: Person age: Int! }
type Robot implements Named { name: String }
type Mutation { grow: Int }
type Subscription { grew: Int }
"""


class Person(SimpleNamespace):
    """Somebody of the schema above."""


def schema_of(resolvers: dict[str, Callable[..., Any]]) -> GraphQLSchema:
    """The schema with these resolvers, by `Type.field`."""
    made = build_schema(PEOPLE)
    for place, resolve in resolvers.items():
        field_of(made, place).resolve = resolve
    return made


def field_of(made: GraphQLSchema, place: str) -> GraphQLField:
    kind, name = place.split(".")
    found = made.type_map[kind]
    assert is_object_type(found)
    return found.fields[name]


def plan_of(made: GraphQLSchema, text: str, name: str | None = None) -> Plan:
    plan = compile_plan(made, parse(text), name)
    assert plan is not None
    return plan


async def standard(plan: Plan, root: Any, given: dict[str, Any] | None = None) -> ExecutionResult:
    result = execute(plan.schema, plan.document, root, variable_values=given)
    return result if isinstance(result, ExecutionResult) else await result


def crowd(*names: str) -> dict[str, Any]:
    return {"people": [Person(name=name, age=len(name), friend=None) for name in names]}


@pytest.mark.parametrize(
    "text",
    [
        "mutation { grow }",
        "subscription { grew }",
        "{ ...F @defer } fragment F on Query { __typename }",
        "{ people @stream(initialCount: 1) { name } }",
        "fragment F on Query { __typename }",
        "query A { __typename } query B { __typename }",
    ],
)
def test_there_is_no_plan_for_what_it_does_not_know(text: str) -> None:
    assert compile_plan(build_schema(PEOPLE), parse(text)) is None


def test_there_is_no_plan_for_a_schema_that_is_not_lawful() -> None:
    assert compile_plan(build_schema("type Query { a: Int } type Empty", assume_valid=False), parse("{ a }")) is None


async def test_the_operation_is_chosen_by_its_name() -> None:
    plan = plan_of(build_schema(PEOPLE), "query A { __typename } query B { b: __typename }", "B")
    assert (await plan.execute()).data == {"b": "Query"}
    assert compile_plan(plan.schema, plan.document, "C") is None


async def test_introspection_is_answered_alike() -> None:
    plan = plan_of(build_schema(PEOPLE), get_introspection_query())
    assert await plan.execute() == await standard(plan, None)
    assert plan.tally.compiled == 1


async def test_a_batch_is_called_once_for_all_parents_of_a_level() -> None:
    seen: list[list[str]] = []

    async def ages(people: list[Person], _info: Any) -> list[int]:
        seen.append([person.name for person in people])
        await asyncio.sleep(0)
        return [person.age for person in people]

    made = build_schema(PEOPLE)
    declare(field_of(made, "Person.age"), Batch(ages))
    plan = plan_of(made, "{ people { name age } }")
    assert await plan.execute(crowd("Ann", "Bo")) == await standard(plan, crowd("Ann", "Bo"))
    assert seen == [["Ann", "Bo"]]


async def test_a_batch_that_does_not_give_one_value_for_each_parent_is_not_believed() -> None:
    made = build_schema(PEOPLE)
    declare(field_of(made, "Person.age"), Batch(lambda _people, _info: [1]))
    plan = plan_of(made, "{ people { age } }")
    assert (await plan.execute(crowd("Ann", "Bo"))).data == {"people": [{"age": 3}, {"age": 2}]}
    assert plan.tally.fell_back == 1


async def test_an_attribute_is_read_past_its_resolver() -> None:
    made = schema_of({"Person.name": lambda *_: pytest.fail("was called")})
    declare(field_of(made, "Person.name"), Attribute("name"))
    plan = plan_of(made, "{ people { name } }")
    assert (await plan.execute(crowd("Ann"))).data == {"people": [{"name": "Ann"}]}


async def test_what_a_class_tells_is_asked_once_for_each_class() -> None:
    asked: list[object] = []

    def kind_of(value: object, *_: object) -> str:
        asked.append(value)
        return type(value).__name__

    made = build_schema(
        "type Query { all: [Named] } interface Named { name: String } type Person implements Named { name: String }"
    )
    named, person = made.type_map["Named"], made.type_map["Person"]
    named.resolve_type, person.is_type_of = kind_of, lambda value, _info: isinstance(value, Person)  # type: ignore[union-attr]
    declare(named, BY_CLASS)
    declare(person, BY_CLASS)
    plan = plan_of(made, "{ all { name } }")
    root = {"all": [Person(name="Ann"), None, Person(name="Bo")]}
    assert (await plan.execute(root)).data == {"all": [{"name": "Ann"}, None, {"name": "Bo"}]}
    assert len(asked) == 1


async def test_a_path_is_told_where_there_is_one_and_falls_back_below_a_list() -> None:
    def path(_person: object, info: Any) -> str:
        return str(info.path.as_list())

    made = schema_of({"Person.name": path, "Query.one": lambda *_: {"__typename": "Person"}})
    above = plan_of(made, "{ one { name } }")
    assert (await above.execute()).data == {"one": {"name": "['one', 'name']"}}
    assert above.tally.compiled == 1
    below = plan_of(made, "{ people { name } }")
    assert (await below.execute(crowd("Ann"))).data == {"people": [{"name": "['people', 0, 'name']"}]}
    assert below.tally.fell_back == 1


async def test_a_resolver_that_hides_that_it_was_refused_its_path_is_found_out() -> None:
    def path(_person: object, info: Any) -> str:
        with suppress(Exception):  # as a careless resolver does
            return str(info.path.as_list())
        return "nowhere"

    plan = plan_of(schema_of({"Person.name": path}), "{ people { name } }")
    assert (await plan.execute(crowd("Ann"))).data == {"people": [{"name": "['people', 0, 'name']"}]}


async def test_resolvers_are_told_what_graphql_core_tells() -> None:
    told: list[Any] = []
    made = schema_of(
        {"Person.name": lambda _it, info: told.append(info), "Query.one": lambda *_: {"__typename": "Person"}}
    )
    plan = plan_of(made, "query Q($x: Int) { one { ...F } } fragment F on Named { again: name }")
    await plan.execute("root", "context", {"x": 1})
    await _finished(execute(made, plan.document, "root", "context", {"x": 1}))
    compiled, core = (each._asdict() for each in told)
    different = {"is_awaitable", "async_helpers"}
    assert {k: v for k, v in compiled.items() if k not in different} == {
        k: v for k, v in core.items() if k not in different
    }
    assert await compiled["async_helpers"].gather([asyncio.sleep(0, 1), asyncio.sleep(0, 2)]) == [1, 2]


async def _finished(result: Any) -> Any:
    return result if isinstance(result, ExecutionResult) else await result


async def test_all_coroutines_of_a_level_are_under_way_together() -> None:
    together = asyncio.Barrier(3)

    async def name(_person: object, _info: Any) -> str:
        await together.wait()
        return "met"

    plan = plan_of(schema_of({"Person.name": name}), "{ people { name } }")
    async with asyncio.timeout(5):
        assert (await plan.execute(crowd("Ann", "Bo", "Cy"))).data == {"people": [{"name": "met"}] * 3}


async def test_who_is_cancelled_cancels_what_was_begun() -> None:
    began, ended = asyncio.Semaphore(0), []

    async def name(person: Person, _info: Any) -> str:
        try:
            began.release()
            await asyncio.Event().wait()
        finally:
            ended.append(person.name)
        return ""

    plan = plan_of(schema_of({"Person.name": name}), "{ people { name } }")
    task = asyncio.ensure_future(plan.execute(crowd("Ann", "Bo")))
    await began.acquire()
    await began.acquire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == ["Ann", "Bo"]
    assert plan.tally.fell_back == 0


async def test_what_was_begun_for_nothing_is_let_go_without_a_word() -> None:
    async def name(_person: object, _info: Any) -> str:
        return ""

    def age(*_: object) -> int:
        raise RuntimeError("too old")

    plan = plan_of(schema_of({"Person.name": name, "Person.age": age}), "{ people { name age } }")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(FellBack):
            await plan.attempt(crowd("Ann", "Bo"), None, None)
        gc.collect()
    assert heard == []


async def test_what_a_request_read_goes_with_it_without_the_garbage_collector() -> None:
    async def name(person: Person, _info: Any) -> Any:
        return person.name

    made = schema_of({"Person.name": name, "Query.one": lambda root, _info: root["people"][0]})
    declare(field_of(made, "Person.age"), Attribute("age"))
    made.type_map["Named"].resolve_type = lambda value, *_: type(value).__name__  # type: ignore[union-attr]
    plan = plan_of(made, "{ people { name age } one { name } }")
    gc.disable()
    try:
        root = crowd("Ann", "Bo")
        seen = [weakref.ref(person) for person in root["people"]]
        data = (await plan.execute(root)).data
        del root
        assert [each() for each in seen] == [None, None]
    finally:
        gc.enable()
    assert data == {"people": [{"name": "Ann", "age": 3}, {"name": "Bo", "age": 2}], "one": {"name": "Ann"}}
    assert plan.tally.compiled == 1


@pytest.mark.parametrize("text", ["[1, 2]", "[$n, 2]"])
async def test_what_a_resolver_does_to_its_arguments_is_not_seen_by_the_next_request(text: str) -> None:
    made = build_schema("type Query { taken(all: [Int!]!): Int }")
    field_of(made, "Query.taken").resolve = lambda _root, _info, all: all.pop(0)  # noqa: A006  # as the schema has it
    plan = plan_of(made, f"query ($n: Int = 1) {{ taken(all: {text}) __typename }}")
    for _ in range(2):
        assert (await plan.execute()).data == {"taken": 1, "__typename": "Query"}
    assert plan.tally.compiled == 2


async def test_variables_of_one_request_are_not_kept_for_the_next() -> None:
    plan = plan_of(
        build_schema(PEOPLE), "query Q($n: Int, $yes: Boolean!) { people(first: $n) { name @skip(if: $yes) age } }"
    )
    seen: list[int] = []

    def people(_info: Any, first: int | None = None) -> list[Person]:
        seen.append(first or 0)
        return crowd("Ann")["people"]

    for number in (1, 2):
        await plan.execute({"people": people}, None, {"n": number, "yes": True})
    assert seen == [1, 2]


async def test_the_variants_of_a_plan_are_bounded() -> None:
    names = [f"v{number}" for number in range(6)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: __typename @include(if: ${name})" for name in names)
    plan = plan_of(build_schema(PEOPLE), f"query Q({declared}) {{ {fields} always: __typename }}")
    for bits in range(64):
        given = {name: bool(bits >> place & 1) for place, name in enumerate(names)}
        assert set((await plan.execute(None, None, given)).data or {}) == {n for n in names if given[n]} | {"always"}
    assert len(plan._variants) == VARIANTS_MAX


async def test_a_plan_that_always_falls_back_is_passed_over_and_answers_alike() -> None:
    plan = plan_of(build_schema(PEOPLE), "{ nobody { name } }")
    answers = [await plan.execute({}) for _ in range(20)]
    expected = await standard(plan, {})
    assert expected.errors is not None
    assert answers == [expected] * 20
    assert (plan.tally.compiled, plan.tally.fell_back, plan.tally.passed_over) == (0, 8, 12)
