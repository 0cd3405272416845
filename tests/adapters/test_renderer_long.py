"""A film that is too long to be read whole gets its poster from the few ranges that its child asks for."""

import asyncio
import io
import socket
import threading
from collections.abc import AsyncGenerator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters import kinds
from vaultstream.adapters.render_confined import Ranges
from vaultstream.adapters.renderer import MAX_ASKED_BYTES, Renderer
from vaultstream.adapters.renderer_process import Child
from vaultstream.errors import Code, VaultError
from vaultstream.renderings import ASKED, ASKED_BYTES, ASKS, TOO_COSTLY, RenderFailed, Rendering, Unsupported

GIBIBYTE = 1 << 30


class Stored:
    """A file with a hole of nothing in it, which is not held; and how much of it was read."""

    def __init__(self, before: bytes, hole_bytes: int, after: bytes) -> None:
        self.size_bytes = len(before) + hole_bytes + len(after)
        self.read_bytes = 0
        self._before, self._after = before, after

    async def ranges(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        self.read_bytes += stop - start
        after = self.size_bytes - len(self._after)
        tail = self._after[max(0, start - after) : max(0, stop - after)]
        yield (self._before[start:stop].ljust(min(stop, after) - start, b"\0") if start < after else b"") + tail

    async def drawn(self, renderer: Renderer) -> Rendering:
        return await renderer.render(self.ranges(0, ASKED_BYTES), "video/mp4", self.size_bytes, self.ranges)


@pytest.fixture
async def renderer() -> AsyncGenerator[Renderer, None]:
    renderer = Renderer()
    yield renderer
    await renderer.close()


def long_film() -> tuple[bytes, Stored]:
    """A small film, and the same with a box of a GiB, to be left out, before what says where its pictures are."""
    film = kinds.film()
    index = film.rindex(b"moov") - 4
    box = (1).to_bytes(4, "big") + b"free" + (GIBIBYTE + 16).to_bytes(8, "big")
    return film, Stored(film[:index] + box, GIBIBYTE, film[index:])


async def test_a_film_of_a_gibibyte_gets_its_poster_and_little_of_it_is_read(renderer: Renderer) -> None:
    film, long = long_film()
    assert await long.drawn(renderer) == await Stored(film, 0, b"").drawn(renderer)
    assert long.read_bytes < 8 * ASKED_BYTES


async def test_what_has_to_be_read_through_is_given_up(renderer: Renderer) -> None:
    silent = Stored(b"ID3\x03" + bytes(1020), GIBIBYTE, b"")
    with pytest.raises(RenderFailed, match=TOO_COSTLY):
        await silent.drawn(renderer)
    assert silent.read_bytes <= MAX_ASKED_BYTES + 2 * ASKED_BYTES


async def test_a_store_that_fails_in_the_middle_is_no_fault_of_the_film(renderer: Renderer) -> None:
    _, long = long_film()

    async def broken(start: int, stop: int) -> AsyncGenerator[bytes, None]:
        raise VaultError(Code.UNAVAILABLE, "not now")
        yield b""

    with pytest.raises(VaultError, match="not now"):
        await renderer.render(long.ranges(0, ASKED_BYTES), "video/mp4", long.size_bytes, broken)


async def test_without_ranges_it_is_refused(renderer: Renderer) -> None:
    _, long = long_film()
    with pytest.raises(Unsupported, match="over 64 MiB"):
        await renderer.render(long.ranges(0, ASKED_BYTES), "video/mp4", long.size_bytes)


async def test_the_first_page_of_a_text_is_drawn_however_long_it_is(renderer: Renderer) -> None:
    async def text() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"All work and no play.\n" * 999

    assert (await renderer.render(text(), "text/plain", GIBIBYTE)).images


@pytest.mark.parametrize(
    ("start", "length"), [(0, 0), (0, ASKED_BYTES + 1), (999, 2), (1000, 1), (2**64 - 1, 1)], ids=str
)
async def test_a_child_gets_nothing_that_no_file_has(start: int, length: int) -> None:
    wire, its_wire = socket.socketpair()
    lease, its_lease = socket.socketpair()
    with its_wire, its_lease, lease:
        reader, writer = await asyncio.open_connection(sock=wire)
        its_wire.sendall(ASKS + ASKED.pack(start, length))
        with closing(writer), pytest.raises(RenderFailed):
            await Child(reader, writer, lease, 5).asked(1000)


@given(
    st.binary(max_size=300),
    st.lists(st.tuples(st.integers(-400, 400), st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END]))),
    st.integers(1, 99),
)
def test_what_is_asked_for_reads_like_the_file(data: bytes, seeks: list[tuple[int, int]], count: int) -> None:
    wire, its_wire = socket.socketpair()

    def give() -> None:
        with wire.makefile("rb") as asked:
            while asked.read(1) == ASKS:
                start, length = ASKED.unpack(asked.read(ASKED.size))
                wire.sendall(data[start : start + length])

    giver = threading.Thread(target=give)
    giver.start()
    try:
        with its_wire, its_wire.makefile("rb") as given_back:
            ours, plain = io.BufferedReader(Ranges(its_wire, given_back, len(data)), 16), io.BytesIO(data)
            for offset, whence in seeks:
                place = max(0, offset + (0, plain.tell(), len(data))[whence])
                assert (ours.seek(place), ours.read(count)) == (plain.seek(place), plain.read(count))
            assert ours.read() == plain.read()
            ours.detach()
    finally:
        its_wire.close()
        giver.join()
        wire.close()
