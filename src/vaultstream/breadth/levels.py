"""Running a plan level by level: each field is resolved once for all of its parents, and no child is awaited alone."""

import asyncio
from collections.abc import Iterable

from vaultstream.breadth.calls import Call, Group, Wait
from vaultstream.breadth.fallback import FellBack, discard
from vaultstream.breadth.fields import Field, Selection
from vaultstream.breadth.infos import Request
from vaultstream.breadth.kept import Answer, objects_within


async def run(selection: Selection, request: Request) -> Answer:
    """The data of the answer; raises FellBack, or whatever a resolver raised."""
    data: Answer = {}
    level = [Group(selection, [request.root], [data])]
    while level:
        level = await _below(level, request)
    return data


async def _below(level: list[Group], request: Request) -> list[Group]:
    """Resolve all fields of a level, wait once, write them: the next level."""
    for group in level:
        if group.selection.derived and not all(group.slots):
            _derive(group, request)
    calls = [Call(field, group, request) for group in level for field in group.selection.others]
    try:
        waits = [wait for call in calls for wait in call.start()]
        if waits:
            await _settle(waits)
        return [below for call in calls for below in call.write()]
    except BaseException:
        _let_go(calls)
        raise


def _derive(group: Group, request: Request) -> None:
    """Write the fields that are a function of their parent, each with a place for those that are not."""
    selection, counted = group.selection, request.objects
    missing = {id(parent): parent for parent, slot in zip(group.parents, group.slots, strict=True) if not slot}
    parents = list(missing.values())
    answers: list[Answer] = [dict.fromkeys(field.key for field in selection.fields) for _ in parents]
    level = [(Group(selection, parents, answers), selection.derived)]
    while level:
        found = [below for above, fields in level for below in _at_once(above, fields, request)]
        level = [(below, below.selection.fields) for below in found]
    made = {
        id(parent): (parent, answer, objects_within(answer)) for parent, answer in zip(parents, answers, strict=True)
    }
    selection.kept.keep(made)
    request.objects = counted  # what was made is counted where it is shown
    for parent, slot in zip(group.parents, group.slots, strict=True):
        if not slot:
            _, answer, within = made[id(parent)]
            slot.update(answer)
            request.objects += within


def _at_once(group: Group, fields: tuple[Field, ...], request: Request) -> list[Group]:
    calls = [Call(field, group, request) for field in fields]
    try:
        for call in calls:
            _start_at_once(call)
        return [below for call in calls for below in call.write()]
    except BaseException:
        _let_go(calls)
        raise


def _start_at_once(call: Call) -> None:
    if call.start():
        raise FellBack("something to await in what is of the parent alone")


def _let_go(calls: Iterable[Call]) -> None:
    for call in calls:
        call.let_go()


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
