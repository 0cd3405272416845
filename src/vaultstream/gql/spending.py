"""Paying for an operation: its price before it runs, and back what it turned out not to need."""

from itertools import chain
from typing import Any

from graphql import ExecutionResult

from vaultstream.breadth import Answered
from vaultstream.budgets import Standing
from vaultstream.gql.context import Charge, Context
from vaultstream.gql.prices import Price

Json = dict[str, Any]  # Any: JSON values
_HOLDS = frozenset({dict, list})


async def paid(context: Context, price: Price) -> Charge:
    """The price is paid, and the context knows; raises RateLimited, and then nothing is."""
    charge = Charge(price.points, await context.vault.budgets.take(context.actor, price.points))
    context.charge = charge
    return charge


async def settled(context: Context, price: Price, charge: Charge, result: ExecutionResult) -> Json:
    """What was asked, what it came to and how the actor stands; the difference is given back."""
    actual, standing = _actual(price, result), charge.standing
    if actual < price.points:
        standing = await context.vault.budgets.give_back(context.actor, price.points - actual)
    return told(price.points, actual, standing)


def told(requested: int, actual: int, standing: Standing) -> Json:
    """The `cost` of an answer's extensions."""
    return {
        "requested": requested,
        "actual": actual,
        "limit": standing.limit,
        "remaining": standing.remaining,
        "resetAt": standing.reset_at.isoformat(timespec="milliseconds"),
    }


def _actual(price: Price, result: ExecutionResult) -> int:
    """What an error took away with it is paid in full, for nobody knows how far it came; what did not begin costs 1."""
    if isinstance(result, Answered) and not price.works:
        return min(price.points, max(1, result.objects))
    paths = [error.path for error in result.errors or []]
    if any(path is not None and _took_more(result.data, path) for path in paths):
        return price.points
    return 1 if None in paths else min(price.points, max(1, _shown(result.data, price)))


def _took_more(data: Any, path: list[str | int]) -> bool:  # Any: JSON values
    """Whether more than the one place of an error became null."""
    for step in path[:-1]:
        if data is None:
            return True
        data = data[step]
    return data is None


def _shown(data: object, price: Price) -> int:
    """One for each object in an answer but its root, and the works; None in an object's place costs nothing."""
    level: list[Any] = [data]
    points = -1
    while level:
        objects = [value for value in level if type(value) is dict]
        points += len(objects)
        for name, work in price.works.items():
            points += work * sum(name in each for each in objects)
        rows = chain((value for value in level if type(value) is list), map(dict.values, objects))
        level = [value for value in chain.from_iterable(rows) if type(value) in _HOLDS]
    return points
