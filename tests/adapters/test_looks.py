"""Looks: what many want at once is read once, after the last of them asked."""

import asyncio
from dataclasses import dataclass

import pytest

from vaultstream.adapters.live import Looks
from vaultstream.errors import Code, VaultError


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Seen:
    number: int
    last: int | None


class Source:
    """Counts reads, each of which waits for the test."""

    def __init__(self) -> None:
        self.begun = 0
        self.gates: list[asyncio.Future[None]] = []

    async def read(self, last: Seen | None) -> Seen:
        self.begun += 1
        number, gate = self.begun, asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return Seen(number, last.number if last else None)

    async def has_begun(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.begun < count:  # noqa: ASYNC110  # a task begins in one of the next turns of the loop
                await asyncio.sleep(0)


async def test_who_asks_while_a_read_is_under_way_is_answered_by_the_next() -> None:
    looks, source = Looks(), Source()
    first = [asyncio.create_task(looks.look("a", source.read)) for _ in range(5)]
    await source.has_begun(1)
    later = [asyncio.create_task(looks.look("a", source.read)) for _ in range(5)]
    other = asyncio.create_task(looks.look("b", source.read))
    await source.has_begun(2)
    source.gates[1].set_result(None)
    assert await other == Seen(2, None)
    source.gates[0].set_result(None)
    answers = await asyncio.gather(*first)
    assert answers == [Seen(1, None)] * 5
    await source.has_begun(3)
    source.gates[2].set_result(None)
    assert await asyncio.gather(*later) == [Seen(3, 1)] * 5
    assert source.begun == 3


async def test_who_leaves_takes_nobodys_answer_away() -> None:
    looks, source = Looks(), Source()
    leaving, staying = (asyncio.create_task(looks.look("a", source.read)) for _ in range(2))
    await source.has_begun(1)
    leaving.cancel()
    assert isinstance((await asyncio.gather(leaving, return_exceptions=True))[0], asyncio.CancelledError)
    source.gates[0].set_result(None)
    assert await staying == Seen(1, None)


async def test_a_failure_is_everybodys_own_and_the_next_look_is_new() -> None:
    async def fails(_last: Seen | None) -> Seen:
        raise VaultError(Code.UNAVAILABLE, "Try again.", path=("x",))

    looks, source = Looks(), Source()
    failures = await asyncio.gather(*(looks.look("a", fails) for _ in range(3)), return_exceptions=True)
    assert len({id(failure) for failure in failures}) == 3
    for failure in failures:
        assert isinstance(failure, VaultError)
        assert (failure.code, failure.message, failure.path) == (Code.UNAVAILABLE, "Try again.", ("x",))
    answer = asyncio.create_task(looks.look("a", source.read))
    await source.has_begun(1)
    source.gates[0].set_result(None)
    assert await answer == Seen(1, None)


async def test_closing_ends_what_is_under_way() -> None:
    looks, source = Looks(), Source()
    asked = [asyncio.create_task(looks.look("a", source.read)) for _ in range(2)]
    await source.has_begun(1)
    asked.append(asyncio.create_task(looks.look("a", source.read)))
    await asyncio.sleep(0)
    await looks.close()
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(answer, asyncio.CancelledError)


async def test_what_nobody_holds_is_not_kept() -> None:
    looks, source = Looks(), Source()
    for _ in range(2):
        answer = asyncio.create_task(looks.look("a", source.read))
        await source.has_begun(source.begun + 1)
        source.gates[-1].set_result(None)
        assert (await answer).last is None
        del answer


@pytest.mark.parametrize("count", [1, 50])
async def test_any_number_of_watchers_is_one_read(count: int) -> None:
    looks, source = Looks(), Source()
    asked = [asyncio.create_task(looks.look("a", source.read)) for _ in range(count)]
    await source.has_begun(1)
    source.gates[0].set_result(None)
    await asyncio.gather(*asked)
    assert source.begun == 1
