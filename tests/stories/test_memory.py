"""Large files pass through the server, not into it: its resident memory stays flat while they do."""

import asyncio
import hashlib
import os
import secrets
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil
import pytest
from doors import Tus, metadata, until
from vault_use import children, digest_of, link

PIECE = os.urandom(1 << 20)
PIECES = 256
GROWTH_BYTES_MAX = 100_000_000
_SAMPLE_SECONDS = 0.01


@dataclass(slots=True)
class Resident:
    """The resident memory of a process, and the most it came to."""

    before_bytes: int
    most_bytes: int = 0
    samples: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def growth_bytes(self) -> int:
        return self.most_bytes - self.before_bytes

    def sample(self, process: psutil.Process) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            self.most_bytes = max(self.most_bytes, process.memory_info().rss)
            self.samples += 1

    def end(self) -> None:
        self._over.set()


@contextmanager
def sampled(process: psutil.Process) -> Iterator[Resident]:
    """Look at a process from a thread of its own, many times a second."""
    resident = Resident(process.memory_info().rss)
    thread = threading.Thread(target=resident.sample, args=(process,))
    thread.start()
    try:
        yield resident
    finally:
        resident.end()
        thread.join()


async def pieces(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield number.to_bytes(8) + PIECE[8:]


async def digest(count: int) -> str:
    whole = hashlib.sha256()
    async for piece in pieces(count):
        whole.update(piece)
    return whole.hexdigest()


@pytest.fixture
def api(stack) -> psutil.Process:
    return stack.part("api")


async def _carried(client, alice, count: int) -> str:
    """One upload in one request; gives the file's id once it may be downloaded."""
    tus, name = Tus(client, alice.token), secrets.token_hex(8)
    made = await tus.create(count << 20, **metadata(filename=name))
    answer = await tus.patch(made.headers["Location"], 0, pieces(count))
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, f"{count << 20}")
    root = await alice.root()

    async def is_clean() -> bool:
        return (await children(alice, root))[name]["scan"]["status"] == "CLEAN"

    await until(is_clean, 120)
    file_id: str = (await children(alice, root))[name]["id"]
    return file_id


async def test_an_upload_and_a_download_of_256_mib_hardly_grow_the_server(client, alice, api) -> None:
    warm = await _carried(client, alice, 16)
    await digest_of(client, await link(alice, warm))
    with sampled(api) as resident:
        file_id = await _carried(client, alice, PIECES)
        url = await link(alice, file_id)
        assert await digest_of(client, url) == (PIECES << 20, await digest(PIECES))
    assert resident.samples > 50
    assert resident.growth_bytes < GROWTH_BYTES_MAX, f"{resident.growth_bytes:,} bytes more"


async def test_a_zip_of_256_mib_hardly_grows_the_server(client, alice, api) -> None:
    chosen = [await _carried(client, alice, PIECES // 2) for _ in range(2)]
    made = await alice.done("zipCreate", "ZipCreateInput", "url", itemIds=chosen)
    with sampled(api) as resident:
        size_bytes, _ = await digest_of(client, made["url"])
    assert size_bytes > PIECES << 20
    assert resident.samples > 10
    assert resident.growth_bytes < GROWTH_BYTES_MAX, f"{resident.growth_bytes:,} bytes more"


async def test_readers_that_stand_still_are_not_read_ahead_for(client, alice, api) -> None:
    url = await link(alice, await _carried(client, alice, 64))
    with sampled(api) as resident:
        readers = [client.stream("GET", url) for _ in range(8)]
        answers = [await reader.__aenter__() for reader in readers]
        try:
            streams = [answer.aiter_raw(1 << 16) for answer in answers]
            for _ in range(3):
                await asyncio.gather(*(anext(stream) for stream in streams))
            seen = resident.samples
            await until(lambda: _truth(resident.samples > seen + 100), 60)
        finally:
            for reader in readers:
                await reader.__aexit__(None, None, None)
    assert resident.growth_bytes < GROWTH_BYTES_MAX, f"{resident.growth_bytes:,} bytes more"


async def _truth(value: bool) -> bool:
    return value
