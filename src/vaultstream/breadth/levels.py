"""Running a plan level by level: each field is resolved once for all of its parents, and no child is awaited alone."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from vaultstream.breadth.calls import Call, Wait
from vaultstream.breadth.columns import Values
from vaultstream.breadth.fallback import FellBack, discard
from vaultstream.breadth.fields import Field, Selection
from vaultstream.breadth.infos import Request


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of which the same is asked, and where their fields are written."""

    selection: Selection
    parents: Values
    slots: list[dict[str, Any]]  # Any: the answer's JSON values


async def run(selection: Selection, request: Request) -> dict[str, Any]:  # Any: the answer's JSON values
    """The data of the answer; raises FellBack, or whatever a resolver raised."""
    data: dict[str, Any] = {}
    level = [Group(selection, [request.root], [data])]
    while level:
        level = await _below(level, request)
    return data


async def _below(level: list[Group], request: Request) -> list[Group]:
    """Resolve all fields of a level, wait once, complete them: the next level."""
    for group in level:
        if group.selection.derived:
            _derive(group, request)
    calls = [[Call(field, group.parents, request) for field in group.selection.others] for group in level]
    try:
        waits = [wait for row in calls for call in row for wait in call.started()]
        if waits:
            await _settle(waits)
        return [below for group, row in zip(level, calls, strict=True) for below in _written(group, row)]
    except BaseException:
        _let_go(call for row in calls for call in row)
        raise


def _derive(group: Group, request: Request) -> None:
    """Write the fields that are a function of their parent, each with a place for those that are not."""
    selection = group.selection
    missing = selection.kept.filled(group.parents, group.slots)
    if not missing:
        return
    parents = list(missing.values())
    made: list[dict[str, Any]] = [dict.fromkeys(field.key for field in selection.fields) for _ in parents]
    level = [(Group(selection, parents, made), selection.derived)]
    while level:
        found = [below for above, fields in level for below in _at_once(above, fields, request)]
        level = [(below, below.selection.fields) for below in found]
    answers = dict(zip(missing, made, strict=True))
    for parent, slot in zip(group.parents, group.slots, strict=True):
        if (answer := answers.get(id(parent))) is not None:
            slot.update(answer)
    selection.kept.keep(parents, made)


def _at_once(group: Group, fields: tuple[Field, ...], request: Request) -> list[Group]:
    calls = [Call(field, group.parents, request) for field in fields]
    try:
        for call in calls:
            _start_at_once(call)
        return list(_written(group, calls))
    except BaseException:
        _let_go(calls)
        raise


def _start_at_once(call: Call) -> None:
    if any(True for _ in call.started()):
        raise FellBack("something to await in what is of the parent alone")


def _let_go(calls: Iterable[Call]) -> None:
    for call in calls:
        call.let_go()


def _written(group: Group, calls: list[Call]) -> Iterator[Group]:
    """Write the fields into their objects; what is asked of the objects among them is the next level."""
    for call in calls:
        key = call.field.key
        for slot, value in zip(group.slots, call.completed(), strict=True):
            slot[key] = value
    for call in calls:
        for kind, found in call.finding.found.items():
            yield Group(call.field.below(kind), found.parents, found.slots)


async def _settle(waits: list[Wait]) -> None:
    """Wait for all, and put their values in place; raises what the first that failed raised.

    Nothing is cancelled when one fails: what the others load, or share with anybody, graphql-core will ask for again.
    Futures are under way without us, so they are awaited one after the other: a tenth of what `gather` costs.
    """
    if len(waits) == 1:
        waits[0].place[waits[0].index] = await waits[0].awaitable
        return
    futures = [asyncio.ensure_future(wait.awaitable) for wait in waits]
    tasks = [future for future, wait in zip(futures, waits, strict=True) if future is not wait.awaitable]
    try:
        if tasks:
            await asyncio.wait(tasks)
        for wait, future in zip(waits, futures, strict=True):
            wait.place[wait.index] = future.result() if future.done() else await future
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        discard(futures)
        raise
