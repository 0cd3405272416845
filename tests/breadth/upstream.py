"""A pytest plugin that runs graphql-core's own execution tests with plans in the place of its executor.

In a folder with the `tests` of graphql-core's source distribution, with pytest-describe and anyio installed:
`PYTHONPATH=<this project>/src:<this folder> pytest -p upstream tests/execution`. What is asked with options that a
plan does not take (resolvers, middleware, hooks, signals) goes to graphql-core as before; how much went which way is
printed at the end. None of those tests is copied here.

With graphql-core 3.3.2 726 of 738 pass. Of the other 12 one nests fields deeper than graphql-core's stack bears, which
a plan answers; the rest look at when and how often: whether an answer comes at once or is awaited, which of two errors
is told that were there together, what a resolver did meanwhile that a plan runs a second time.
"""

from collections import Counter
from collections.abc import Generator
from types import coroutine
from typing import Any

import graphql
import graphql.execution
import graphql.graphql
from graphql import ExecutionResult

from vaultstream.breadth import compile_plan
from vaultstream.breadth.fallback import FellBack

_TALLY: Counter[str] = Counter()
_standard, _standard_sync = graphql.execution.execute, graphql.execution.execute_sync


def execute(
    schema: Any,
    document: Any,
    root_value: Any = None,
    context_value: Any = None,
    variable_values: Any = None,
    operation_name: Any = None,
    *others: Any,
    **options: Any,
) -> Any:
    """As graphql-core's: at once where nothing is awaited."""
    given = (schema, document, root_value, context_value, variable_values, operation_name)
    return _by_plan(_standard, given, others, options)


def execute_sync(
    schema: Any,
    document: Any,
    root_value: Any = None,
    context_value: Any = None,
    variable_values: Any = None,
    operation_name: Any = None,
    *others: Any,
    **options: Any,
) -> Any:
    """As graphql-core's: what is awaited is an error, which it says itself."""
    given = (schema, document, root_value, context_value, variable_values, operation_name)
    return _by_plan(_standard_sync, given, others, options)


def _by_plan(standard: Any, given: tuple[Any, ...], others: tuple[Any, ...], options: dict[str, Any]) -> Any:
    schema, document, root, context, variables, name = given
    plan = None if others or options else compile_plan(schema, document, name)
    if plan is None:
        _TALLY["options or documents that no plan takes"] += 1
        return standard(*given, *others, **options)
    attempt = plan.attempt(root, context, variables)
    try:
        first = attempt.send(None)
    except StopIteration as done:
        _TALLY["answered by the plan"] += 1
        return done.value
    except FellBack:
        first = None
    if first is None or standard is _standard_sync:
        attempt.close()
        _TALLY["fell back"] += 1
        return standard(*given)
    return _later(attempt, first, given)


async def _later(attempt: Any, first: Any, given: tuple[Any, ...]) -> ExecutionResult:
    try:
        answered = await _rest(attempt, first)
    except FellBack:
        _TALLY["fell back"] += 1
    else:
        _TALLY["answered by the plan"] += 1
        return answered
    result = _standard(*given)
    return result if isinstance(result, ExecutionResult) else await result


@coroutine
def _rest(attempt: Any, first: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that has been started by hand."""
    waited = first
    while True:
        try:
            sent = yield waited
        except BaseException as error:  # noqa: BLE001  # handed on to where it belongs
            waited = attempt.throw(error)
            continue
        try:
            waited = attempt.send(sent)
        except StopIteration as done:
            return done.value


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(f"plans: {dict(_TALLY)}")


for _module in (graphql, graphql.execution, graphql.graphql):
    _module.execute = execute
    if hasattr(_module, "execute_sync"):
        _module.execute_sync = execute_sync
