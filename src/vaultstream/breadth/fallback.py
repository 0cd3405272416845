"""Giving a query up to graphql-core, and letting go of what was begun for it."""

import asyncio
import inspect
from collections.abc import Iterable
from typing import Any


class FellBack(Exception):
    """The plan does not know how, or something failed: graphql-core has to run the whole query."""


def discard(values: Iterable[Any]) -> None:  # Any: what resolvers answered
    """Let go of what nobody will await, in lists too, so that asyncio has nothing to complain about."""
    for value in values:
        if inspect.iscoroutine(value):
            value.close()
        elif asyncio.isfuture(value):
            value.add_done_callback(look_at)
        elif isinstance(value, list | tuple):
            discard(value)


def look_at(future: "asyncio.Future[Any]") -> None:  # Any: a result that nobody wants
    """Take note of an error, which is reported as lost otherwise."""
    if not future.cancelled():
        future.exception()
