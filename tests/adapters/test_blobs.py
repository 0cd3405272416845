"""Sealed objects on a real S3 server: parts, ranges, what is gone, and what breaks off in the middle."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from faults import Fault, Faults, cut_after, faulty, lost, refused, s3_error
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from vaultstream.adapters.blobs import READ_BYTES, BlobGone, Blobs
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.settings import Settings
from vaultstream.uploads import Part

PART_BYTES = 5 * 2**20  # the least that S3 takes for any part but the last


@pytest.fixture
def blobs(vault: Vault) -> Blobs:
    return vault.blobs


@pytest.fixture(scope="module")
async def asked_once(settings: Settings) -> AsyncIterator[tuple[Faults, Any]]:
    async with faulty(settings, "s3") as wire:
        yield wire


@pytest.fixture
def wire(asked_once: tuple[Faults, Any], settings: Settings) -> tuple[Faults, Blobs]:
    faults, client = asked_once
    faults.heal()
    return faults, Blobs(client, settings.bucket)


@pytest.fixture(scope="module")
async def large(vault: Vault) -> bytes:
    """What the object "large" holds: several reads long, and no round number."""
    data = os.urandom(3 * READ_BYTES + 12_345)
    await vault.blobs.put("large", data)
    return data


async def read(blobs: Blobs, key: str, start: int, stop: int) -> list[bytes]:
    async with blobs.reading(key, start, stop) as chunks:
        return [chunk async for chunk in chunks]


async def refusal(awaitable: Awaitable[object]) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_what_was_put_is_there_whole(blobs: Blobs, kind: Callable[[bytes], bytes]) -> None:
    data = os.urandom(1000)
    await blobs.put("put", kind(data))
    assert await blobs.whole("put") == data
    assert await blobs.size("put") == 1000
    await blobs.put("put", b"")
    assert (await blobs.whole("put"), await blobs.size("put")) == (b"", 0)


@tried(deadline=None, max_examples=40)
@given(st.data())
async def test_a_range_is_a_slice_in_chunks_of_bounded_size(vault: Vault, large: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(large) - 1))
    stop = data.draw(st.integers(start + 1, len(large) + 100))
    chunks = await read(vault.blobs, "large", start, stop)
    assert b"".join(chunks) == large[start:stop]
    assert all(0 < len(chunk) <= READ_BYTES for chunk in chunks)


async def test_what_is_gone_is_said_to_be_gone(blobs: Blobs) -> None:
    assert await blobs.size("gone") is None
    with pytest.raises(BlobGone):
        await blobs.whole("gone")
    with pytest.raises(BlobGone):
        await read(blobs, "gone", 0, 10)
    await blobs.delete("gone")


async def test_a_range_beyond_the_end_of_an_object_is_gone(blobs: Blobs) -> None:
    """An object that lost its end is damage to report, not a mistake of ours."""
    await blobs.put("short", b"12345")
    assert await read(blobs, "short", 3, 10) == [b"45"]
    with pytest.raises(BlobGone):
        await read(blobs, "short", 5, 10)


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(blobs: Blobs) -> None:
    await blobs.put("deleted", b"x")
    await blobs.delete("deleted")
    await blobs.delete("deleted")
    assert await blobs.size("deleted") is None


async def test_parts_make_one_object_in_the_order_of_their_numbers(blobs: Blobs) -> None:
    first, second, last = os.urandom(PART_BYTES), os.urandom(PART_BYTES), b"the end"
    multipart = await blobs.begin_parts("parts")
    sent = [(3, last), (1, bytearray(first)), (2, second)]
    parts = [await blobs.put_part("parts", multipart, number, body) for number, body in sent]
    assert await blobs.put_part("parts", multipart, 1, first) == parts[1], "the same bytes again change nothing"
    assert await blobs.size("parts") is None
    await blobs.finish_parts("parts", multipart, sorted(parts, key=lambda part: part.number))
    assert await blobs.whole("parts") == first + second + last
    await blobs.drop_parts("parts", multipart)
    assert await blobs.size("parts") == 2 * PART_BYTES + 7


async def test_dropped_parts_are_gone_and_may_be_dropped_again(blobs: Blobs) -> None:
    multipart = await blobs.begin_parts("dropped")
    part = await blobs.put_part("dropped", multipart, 1, b"x")
    await blobs.drop_parts("dropped", multipart)
    await blobs.drop_parts("dropped", multipart)
    with pytest.raises(BlobGone):
        await blobs.put_part("dropped", multipart, 2, b"y")
    with pytest.raises(BlobGone):
        await blobs.finish_parts("dropped", multipart, [part])
    assert await blobs.size("dropped") is None


async def test_parts_finished_twice_leave_one_object(blobs: Blobs) -> None:
    """S3 may answer the second time as the first, or that the upload is gone: either way the object stands."""
    multipart = await blobs.begin_parts("twice")
    part = await blobs.put_part("twice", multipart, 1, b"x")
    await blobs.finish_parts("twice", multipart, [part])
    results = await asyncio.gather(blobs.finish_parts("twice", multipart, [part]), return_exceptions=True)
    assert results == [None] or isinstance(results[0], BlobGone)
    assert await blobs.whole("twice") == b"x"


VERBS: dict[str, Callable[[Blobs], Awaitable[object]]] = {
    "put": lambda blobs: blobs.put("verbs", b"x"),
    "size": lambda blobs: blobs.size("large"),
    "whole": lambda blobs: blobs.whole("large"),
    "reading": lambda blobs: read(blobs, "large", 0, 10),
    "begin_parts": lambda blobs: blobs.begin_parts("verbs"),
    "put_part": lambda blobs: blobs.put_part("verbs", "id", 1, b"x"),
    "finish_parts": lambda blobs: blobs.finish_parts("verbs", "id", [Part(1, "etag")]),
    "drop_parts": lambda blobs: blobs.drop_parts("verbs", "id"),
    "delete": lambda blobs: blobs.delete("verbs"),
    "ping": lambda blobs: blobs.ping(),
}

TIMED_OUT = s3_error("RequestTimeout", 400)  # not for HEAD: such an answer has no body to say so


@pytest.mark.parametrize(
    "fault",
    [s3_error("SlowDown", 503), s3_error("InternalError", 500), TIMED_OUT, refused],
    ids=["slow down", "500", "time-out", "refused"],
)
async def test_a_store_that_cannot_be_had_is_unavailable_by_every_verb(
    wire: tuple[Faults, Blobs], large: bytes, fault: Fault
) -> None:
    faults, blobs = wire
    faults.plan("*", fault)
    asked = {name: verb for name, verb in VERBS.items() if fault is not TIMED_OUT or name not in {"size", "ping"}}
    codes = await asyncio.gather(*(refusal(verb(blobs)) for verb in asked.values()))
    assert dict(zip(asked, codes, strict=True)) == dict.fromkeys(asked, Code.UNAVAILABLE)


async def test_a_completion_that_fails_late_is_unavailable(wire: tuple[Faults, Blobs]) -> None:
    """S3 may promise success, and say in the body that it was none."""
    faults, blobs = wire
    multipart = await blobs.begin_parts("late")
    part = await blobs.put_part("late", multipart, 1, b"x")
    faults.plan("CompleteMultipartUpload", s3_error("InternalError", 200), times=1)
    assert await refusal(blobs.finish_parts("late", multipart, [part])) is Code.UNAVAILABLE
    await blobs.finish_parts("late", multipart, [part])
    assert await blobs.whole("late") == b"x"


@pytest.mark.parametrize("sent", [0, 1, READ_BYTES, 2 * READ_BYTES + 1])
async def test_a_body_that_breaks_off_is_unavailable_and_what_came_is_true(
    wire: tuple[Faults, Blobs], large: bytes, sent: int
) -> None:
    faults, blobs = wire
    faults.plan("GetObject", cut_after(sent), times=1)
    came = bytearray()

    async def reading() -> None:
        async with blobs.reading("large", 10, len(large)) as chunks:
            async for chunk in chunks:
                came.extend(chunk)

    assert await refusal(reading()) is Code.UNAVAILABLE
    assert came == large[10 : 10 + len(came)]
    assert await read(blobs, "large", 0, 9) == [large[:9]]


@pytest.mark.parametrize("sent", [0, 1, READ_BYTES])
async def test_a_whole_object_that_breaks_off_is_unavailable(
    wire: tuple[Faults, Blobs], large: bytes, sent: int
) -> None:
    faults, blobs = wire
    faults.plan("GetObject", cut_after(sent), times=1)
    assert await refusal(blobs.whole("large")) is Code.UNAVAILABLE
    assert await blobs.whole("large") == large


async def test_a_reader_who_leaves_early_leaves_the_store_usable(wire: tuple[Faults, Blobs], large: bytes) -> None:
    _, blobs = wire
    for _ in range(60):  # more than the client's connections
        async with blobs.reading("large", 0, len(large)) as chunks:
            assert large.startswith(await anext(chunks))
    assert await blobs.whole("large") == large


async def test_one_failure_is_mended_unseen(settings: Settings) -> None:
    async with faulty(settings, "s3", attempts=4) as (faults, client):
        blobs = Blobs(client, settings.bucket)
        faults.plan("PutObject", s3_error("SlowDown", 503), times=1)
        faults.plan("PutObject", lost, times=1)
        faults.plan("GetObject", refused, times=1)
        await blobs.put("mended", b"x")
        assert await blobs.whole("mended") == b"x"
        assert faults.calls == {"PutObject": 3, "GetObject": 2}
