"""Draws thumbnails of untrusted files, each in a confined process of its own that ends with it."""

import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress

from vaultstream.adapters.renderer_office import Office
from vaultstream.adapters.renderer_process import (
    DEFAULT_LIMITS,
    NO_START,
    Child,
    ChildGone,
    Limits,
    Nursery,
    RendererBroken,
    start_nursery,
)
from vaultstream.renderings import (
    OTHER_KIND,
    SNIFF_BYTES,
    TEXT_BYTES,
    TOO_COSTLY,
    RenderFailed,
    Rendering,
    SourceKind,
    Unsupported,
    source_kind,
)

MAX_SOURCE_BYTES = 64 << 20  # of a file that is read whole
MAX_ASKED_BYTES = 64 << 20  # that are read of a longer one
PARALLEL_RENDERS = 2
_REQUEST = struct.Struct("!BQ")  # what the child reads before the source: kind, size in bytes
_OTHER_LENGTH = "This file is not as long as its record says."

Ranges = Callable[[int, int], AsyncGenerator[bytes, None]]  # the plaintext of [start, stop)


class Renderer:
    """Draws up to `parallel` files at a time; the others wait.

    The first render starts the nursery, a process that has loaded its libraries and forks a child for each file. It is
    started again should it be gone; `close` ends it.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, parallel: int = PARALLEL_RENDERS) -> None:
        self._limits = limits
        self._turns = asyncio.Semaphore(parallel)
        self._starting = asyncio.Lock()
        self._nursery: Nursery | None = None
        self._office = Office(limits)

    async def close(self) -> None:
        """End the nursery. What is still being drawn has a few seconds to finish."""
        async with self._starting:
            nursery, self._nursery = self._nursery, None
        if nursery is not None:
            await nursery.close()

    async def render(
        self, data: AsyncIterator[bytes], content_type: str, size_bytes: int, ranges: Ranges | None = None
    ) -> Rendering:
        """Read `data` (`size_bytes` long, closed on the way out) and draw it; a recording that is too long to be read
        whole is read by `ranges`.

        Unsupported for kinds and sizes that are not drawn, judged by the first bytes and not by `content_type`.
        RenderFailed for broken files and for those that reach a limit, RenderKilled where the child was killed from
        outside. RendererBroken where nobody can draw.
        What `data` raises is passed on.
        """
        async with AsyncExitStack() as stack:
            if isinstance(data, AsyncGenerator):
                stack.push_async_callback(data.aclose)
            await stack.enter_async_context(self._turns)
            head = await _head(data)
            kind = source_kind(head[:SNIFF_BYTES], content_type)
            if kind is None:
                raise Unsupported(OTHER_KIND)
            if kind is SourceKind.TEXT:  # its first page is all that is shown
                head = (await _head(data, head, TEXT_BYTES))[:TEXT_BYTES]
                data, size_bytes = _nothing(), len(head)
            is_long = size_bytes > MAX_SOURCE_BYTES
            if is_long and (kind is not SourceKind.RECORDING or ranges is None):
                raise Unsupported(f"No preview is made of such files over {MAX_SOURCE_BYTES >> 20} MiB.")
            if kind in {SourceKind.OFFICE, SourceKind.BARE_OFFICE}:
                return await self._document(kind, await _whole(head, data, size_bytes))
            child = await stack.enter_async_context(self._child())
            with suppress(ChildGone):  # its answer tells why
                if is_long and ranges is not None:
                    await child.send(_REQUEST.pack(SourceKind.LONG_RECORDING, size_bytes))
                    await _serve(ranges, size_bytes, child)
                else:
                    await child.send(_REQUEST.pack(kind, size_bytes))
                    await _pour(head, data, size_bytes, child)
            return await child.answer()

    async def _document(self, kind: SourceKind, document: bytes) -> Rendering:
        """By LibreOffice where that works; else, or where it fails, the picture that the document carries."""
        if await self._office.works():
            try:
                return await self._drawn(SourceKind.PDF, await self._office.pdf_of(document))
            except (Unsupported, RenderFailed):
                if kind is SourceKind.OFFICE:
                    with suppress(Unsupported, RenderFailed):
                        return await self._drawn(kind, document)
                raise
        if kind is SourceKind.BARE_OFFICE:
            raise Unsupported(OTHER_KIND)
        return await self._drawn(kind, document)

    async def _drawn(self, kind: SourceKind, source: bytes) -> Rendering:
        async with self._child() as child:
            with suppress(ChildGone):  # its answer tells why
                await child.send(_REQUEST.pack(kind, len(source)))
                await child.send(source)
            return await child.answer()

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[Child]:
        """A fresh process that stands ready for one file, gone at the end of the block."""
        child = await self._born() or await self._born()  # the nursery may have been killed since it was last seen
        if child is None:
            raise RendererBroken(NO_START)
        try:
            yield child
        finally:
            await child.end()

    async def _born(self) -> Child | None:
        """A child of the nursery; None where it bore none, and then there is no nursery any more."""
        async with self._starting:
            nursery = self._nursery = self._nursery or await start_nursery(self._limits)
        child = await nursery.child()
        if child is None and self._nursery is nursery:
            self._nursery = None
            await nursery.close()
        return child


async def _head(data: AsyncIterator[bytes], head: bytes = b"", least_bytes: int = SNIFF_BYTES) -> bytes:
    """The first chunks, `head` among them, as many as hold `least_bytes` if there are so many."""
    read = bytearray(head)
    while len(read) < least_bytes and (chunk := await anext(data, None)) is not None:
        read += chunk
    return bytes(read)


async def _whole(head: bytes, data: AsyncIterator[bytes], size_bytes: int) -> bytes:
    """All of a source, whose length must hold."""
    whole = await _head(data, head, size_bytes + 1)
    if len(whole) != size_bytes:
        raise RenderFailed(_OTHER_LENGTH)
    return whole


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _pour(head: bytes, data: AsyncIterator[bytes], size_bytes: int, child: Child) -> None:
    """Send the whole source. The length must hold: the child waits for that many bytes, and reads no more."""
    left_bytes = size_bytes - len(head)
    await child.send(head)
    async for chunk in data:
        left_bytes -= len(chunk)
        if left_bytes < 0:
            break
        await child.send(chunk)
    if left_bytes != 0:
        raise RenderFailed(_OTHER_LENGTH)


async def _serve(ranges: Ranges, size_bytes: int, child: Child) -> None:
    """Send what it asks for, until it answers."""
    left_bytes = MAX_ASKED_BYTES
    while (asked := await child.asked(size_bytes)) is not None:
        start, stop = asked
        left_bytes -= stop - start
        if left_bytes < 0:
            raise RenderFailed(TOO_COSTLY)
        async with aclosing(ranges(start, stop)) as chunks:
            async for chunk in chunks:
                await child.send(chunk)
