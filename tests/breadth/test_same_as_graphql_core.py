"""Whatever is asked of whatever schema, a plan answers what graphql-core answers."""

import gc
import json
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableValues,
    build_schema,
    execute,
    get_variable_values,
    parse,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.breadth.worlds import Asker, made_up, root
from vaultstream.breadth import Answered, Plan, compile_plan
from vaultstream.breadth.fallback import FellBack
from vaultstream.breadth.variables import reader_of

CHANCE = st.randoms(use_true_random=False)
SWITCHES = ({"yes": True}, {"yes": False, "n": 4}, {"yes": True, "no": True, "n": None})


async def standard(schema: GraphQLSchema, plan: Plan, source: Any, given: dict[str, Any]) -> ExecutionResult:
    result = execute(schema, plan.document, source, variable_values=given)
    return result if isinstance(result, ExecutionResult) else await result


def same(one: ExecutionResult, other: ExecutionResult) -> bool:
    return json.dumps(one.data) == json.dumps(other.data) and one.errors == other.errors  # the order of keys too


def objects_in(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(objects_in, value.values()))
    return sum(map(objects_in, value)) if isinstance(value, list) else 0


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(CHANCE)
async def test_a_question_without_errors_is_answered_by_the_plan_itself(chance: Random) -> None:
    world = made_up(chance, sickness=0)
    document = parse(Asker(chance, world).question())
    plan = compile_plan(world.schema, document)
    assert plan is not None
    for number, variables in enumerate(SWITCHES * 2):  # the second time some of it is known
        expected = await standard(world.schema, plan, root(world), variables)
        assert expected.errors is None
        answered = await plan.execute(root(world), None, variables)
        assert same(answered, expected)
        assert isinstance(answered, Answered)
        assert answered.objects == objects_in(expected.data) - 1
        assert plan.tally.compiled == number + 1


VALUES = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2) | st.lists(st.text(max_size=1), max_size=2)
)
TYPES = st.sampled_from(("ID", "String", "Boolean", "Int", "ID!", "String!", "Boolean!", "[String!]", "Nobody"))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), TYPES, max_size=3), st.dictionaries(st.sampled_from("abcd"), VALUES))
def test_variables_are_what_graphql_core_makes_of_them(types: dict[str, str], sent: dict[str, Any]) -> None:
    schema = build_schema("type Query { one: Int }")
    defined = ", ".join(f"${name}: {kind}" for name, kind in types.items())
    (operation,) = parse(f"query {f'({defined})' if defined else ''} {{ one }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    definitions = operation.variable_definitions or ()
    expected = get_variable_values(schema, definitions, sent, max_errors=0)
    found = reader_of(schema, definitions)(sent)
    if isinstance(expected, list):
        assert found == expected
    else:
        assert isinstance(found, VariableValues)
        assert found.coerced == expected.coerced
        assert sent_of(found) == sent_of(expected)


def sent_of(values: VariableValues) -> dict[str, Any]:
    return {name: source.value for name, source in values.sources.items()}


# graphql-core itself leaves coroutines behind: of what stands beside an error it cancels tasks before their first step,
# and what those would have awaited is lost. A plan does not, as the test after this one holds.
@pytest.mark.filterwarnings(r"ignore:coroutine '(Executor\.|_resolver\.<locals>\.later):RuntimeWarning")
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(CHANCE, st.sampled_from((0.003, 0.03, 0.2)))
async def test_a_question_with_errors_is_answered_alike(chance: Random, sickness: float) -> None:
    world = made_up(chance, sickness=sickness)
    plan = compile_plan(world.schema, parse(Asker(chance, world).question()))
    assert plan is not None
    for variables in (*SWITCHES, {}, {"yes": None}, {"yes": True, "n": "many"}):
        expected = await standard(world.schema, plan, root(world), variables)
        assert same(await plan.execute(root(world), None, variables), expected)
        fails = expected.errors is not None
        assert plan.tally.compiled <= len(SWITCHES)
        assert not (fails and plan.tally.fell_back + plan.tally.passed_over == 0)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(CHANCE, st.sampled_from((0.003, 0.03, 0.2)))
async def test_what_a_plan_gives_up_it_leaves_nothing_of(chance: Random, sickness: float) -> None:
    """No coroutine that nobody awaits, no error that nobody looks at: either would be a warning, which is an error."""
    world = made_up(chance, sickness=sickness)
    plan = compile_plan(world.schema, parse(Asker(chance, world).question()))
    assert plan is not None
    for variables in SWITCHES:
        with suppress(FellBack):
            await plan.attempt(root(world), None, variables)
    gc.collect(0)
