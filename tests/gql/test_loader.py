"""What an operation loads is loaded once, in one batch for all who ask together, and nobody spoils it for another."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import dependencies
from vaultstream.dependencies import Foreseen
from vaultstream.errors import VaultError, not_found
from vaultstream.gql.loader import Loader


class Source:
    """Squares, by batches that are written down; those of negative numbers fail, and each can be made to wait."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.began = asyncio.Semaphore(0)
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, keys: Sequence[int]) -> list[int]:
        self.batches.append(list(keys))
        self.began.release()
        await self.gate.wait()
        if any(key < 0 for key in keys):
            raise ValueError("negative")
        return [key * key for key in keys]


@given(st.lists(st.one_of(st.integers(0, 9), st.lists(st.one_of(st.none(), st.integers(0, 9)))), max_size=12))
async def test_what_is_asked_together_is_one_batch_and_nothing_is_loaded_twice(
    asks: list[int | list[int | None]],
) -> None:
    source = Source()
    loader: Loader[int, int] = Loader(source.load, nothing=-1)
    for _ in range(2):
        found = [loader.many(ask) if isinstance(ask, list) else loader.load(ask) for ask in asks]
        for ask, answer in zip(asks, found, strict=True):
            value = await answer if isinstance(answer, asyncio.Future) else answer
            one_by_one = [-1 if key is None else key * key for key in (ask if isinstance(ask, list) else [ask])]
            assert value == (one_by_one if isinstance(ask, list) else one_by_one[0])
    wanted = {key for ask in asks for key in (ask if isinstance(ask, list) else [ask]) if key is not None}
    assert [sorted(batch) for batch in source.batches] == ([sorted(wanted)] if wanted else [])


async def test_what_came_along_is_known_at_once_and_does_not_replace_what_was_loaded() -> None:
    source = Source()
    loader: Loader[int, int] = Loader(source.load)
    loader.saw([(2, 40)])
    assert loader.many([2, 2]) == [40, 40]
    assert await loader.load(3) == 9
    loader.saw([(3, 90)])
    assert loader.many([3, 2]) == [9, 40]
    assert source.batches == [[3]]


async def test_keys_that_do_not_hash_are_told_apart_by_name() -> None:
    async def lengths(keys: Sequence[list[int]]) -> list[int]:
        return [len(key) for key in keys]

    loader: Loader[list[int], int] = Loader(lengths, name=tuple)
    assert await loader.all([[1], [2, 3], [1]]) == [1, 2, 1]


async def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    source = Source()
    loader: Loader[int, int] = Loader(source.load)
    gone, kept, level = loader.load(1), loader.load(1), loader.many([1, 2])
    gone.cancel()
    assert await kept == 1
    assert isinstance(level, asyncio.Future)
    assert await level == [1, 4]
    assert source.batches == [[1, 2]]


async def test_what_is_under_way_is_waited_for_and_what_is_not_goes_out_meanwhile() -> None:
    source = Source()
    loader: Loader[int, int] = Loader(source.load)
    source.gate.clear()
    first = loader.load(1)
    await source.began.acquire()
    both = loader.many([1, 2])
    await source.began.acquire()
    source.gate.set()
    assert isinstance(both, asyncio.Future)
    assert (await first, await both) == (1, [1, 4])
    assert source.batches == [[1], [2]]


async def test_a_batch_that_fails_fails_for_its_askers_and_is_loaded_again_for_others() -> None:
    source = Source()
    loader: Loader[int, int] = Loader(source.load)
    answers = await asyncio.gather(loader.load(1), loader.load(-1), return_exceptions=True)
    assert [str(each) for each in answers] == ["negative", "negative"]
    assert await loader.load(1) == 1
    with pytest.raises(ValueError, match="negative"):
        await loader.all([1, -1])
    assert source.batches == [[1, -1], [1], [-1]]


async def test_one_who_waits_for_anothers_batch_that_fails_loads_for_themselves() -> None:
    source = Source()
    loader: Loader[int, int] = Loader(source.load)
    source.gate.clear()
    first = asyncio.gather(loader.load(1), loader.load(-1), return_exceptions=True)
    await source.began.acquire()
    second = loader.load(1)
    source.gate.set()
    assert await second == 1
    assert [type(each) for each in await first] == [ValueError, ValueError]


async def test_what_is_at_hand_is_loaded_without_a_turn_of_the_loop_and_alone() -> None:
    """Even numbers are at hand; whoever asks for others waits for all that they ask for, in one batch."""
    batches: list[list[int]] = []

    async def load(keys: Sequence[int]) -> list[int]:
        if any(key % 2 for key in keys):
            dependencies.read_now()
            await asyncio.sleep(0)
        batches.append(list(keys))
        return [key * key for key in keys]

    loader: Loader[int, int] = Loader(load)
    with dependencies.recorded() as seen:
        seen.foresee(Foreseen("world", {}))
        assert loader.many([2, 4, 2]) == [4, 16, 4]
        assert loader.load(6).done()
        first, level = loader.load(1), loader.many([2, 3, 8])
        assert batches == [[2, 4], [6]]
        assert isinstance(level, asyncio.Future)
        assert (await first, await level) == (1, [4, 9, 64])
        assert batches == [[2, 4], [6], [1, 3, 8]]
        assert isinstance(loader.many([10]), asyncio.Future), "nothing is foreseen any more"


async def test_an_error_is_told_to_whoever_waits() -> None:
    async def load(keys: Sequence[int]) -> list[int]:
        raise not_found()

    loader: Loader[int, int] = Loader(load)
    with dependencies.recorded() as seen:
        seen.foresee(Foreseen("world", {}))
        told = loader.load(1)
        with pytest.raises(VaultError):
            await told


async def test_a_load_that_waits_without_reading_is_a_bug() -> None:
    async def load(keys: Sequence[int]) -> list[int]:
        await asyncio.sleep(0)
        return list(keys)

    loader: Loader[int, int] = Loader(load)
    with dependencies.recorded() as seen:
        seen.foresee(Foreseen("world", {}))
        with pytest.raises(RuntimeError):
            loader.load(1)
