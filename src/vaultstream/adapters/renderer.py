"""Draws thumbnails of untrusted files, each in a confined process of its own that ends with it."""

import asyncio
import os
import signal
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from vaultstream.renderings import (
    SNIFF_BYTES,
    TEXT_BYTES,
    TOO_COSTLY,
    RenderFailed,
    Rendering,
    SourceKind,
    Unsupported,
    source_kind,
    unpacked,
)

MAX_SOURCE_BYTES = 64 << 20
PARALLEL_RENDERS = 2
START_TIMEOUT_SECONDS = 30.0
END_TIMEOUT_SECONDS = 5.0

_CHILD_PROGRAM = "vaultstream.adapters.render_child"
_MEDIA_PROGRAM = "vaultstream.adapters.render_child_media"
_MEDIA = frozenset({SourceKind.HEIC, SourceKind.RECORDING})
_REQUEST = struct.Struct("!BQ")  # what the child reads before the source: kind, size in bytes
_ANSWER_LIMIT_BYTES = 8 << 20
_READ_BYTES = 256 << 10
_READY = b"R"
_NO_START = "The process that draws previews does not start."
# All that the child sees of the environment: no secret of ours, no folder to write to, no help from the disk.
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "TMPDIR": "/nonexistent",
    "VIPS_CONCURRENCY": "1",
    "VIPS_DISC_THRESHOLD": "1000g",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take before its process is killed."""

    memory_bytes: int = 1 << 30
    cpu_seconds: int = 20
    wall_seconds: int = 30


DEFAULT_LIMITS = Limits()


class RendererBroken(Exception):
    """No process for drawing could be started: this installation is at fault, and not the file."""


class ChildGone(Exception):
    """The process ended before it had the whole file."""


class Renderer:
    """Draws up to `parallel` files at a time; the others wait.

    One idle process stands ready with its libraries loaded, for loading them takes as long as drawing. It has seen
    no file and serves only one. `close` ends it.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, *, parallel: int = PARALLEL_RENDERS) -> None:
        self._limits = limits
        self._turns = asyncio.Semaphore(parallel)
        self._spare: asyncio.Task[Child] | None = None
        self._closed = False

    async def warm(self) -> None:
        """Return when a process stands ready; RendererBroken when none can be started."""
        self._refill()
        if self._spare is not None:
            await asyncio.shield(self._spare)

    async def close(self) -> None:
        """End the idle process. Renders under way finish, and leave none behind."""
        self._closed = True
        spare, self._spare = self._spare, None
        if spare is None:
            return
        spare.cancel()
        await asyncio.wait({spare})
        if not spare.cancelled() and spare.exception() is None:
            await spare.result().end()

    async def render(self, data: AsyncIterator[bytes], content_type: str, size_bytes: int) -> Rendering:
        """Read `data` (`size_bytes` long, closed on the way out) and draw it.

        Unsupported for kinds and sizes that are not drawn, judged by the first bytes and not by `content_type`.
        RenderFailed for broken files and for those that reach a limit. What `data` raises is passed on.
        """
        async with AsyncExitStack() as stack:
            if isinstance(data, AsyncGenerator):
                stack.push_async_callback(data.aclose)
            if size_bytes > MAX_SOURCE_BYTES:
                raise Unsupported(f"No preview is made of files over {MAX_SOURCE_BYTES >> 20} MiB.")
            await stack.enter_async_context(self._turns)
            head = await _head(data)
            kind = source_kind(head[:SNIFF_BYTES], content_type)
            if kind is None:
                raise Unsupported("No preview is made of this kind of file.")
            if kind is SourceKind.TEXT:  # its first page is all that is shown
                head = (await _head(data, head, TEXT_BYTES))[:TEXT_BYTES]
                data, size_bytes = _nothing(), len(head)
            program = _MEDIA_PROGRAM if kind in _MEDIA else _CHILD_PROGRAM
            child = await stack.enter_async_context(self._child(_REQUEST.pack(kind, size_bytes), program))
            with suppress(ChildGone):  # its answer tells why
                await _pour(head, data, size_bytes, child)
            return await child.answer()

    @asynccontextmanager
    async def _child(self, request: bytes, program: str) -> AsyncIterator["Child"]:
        """A fresh process that took the request, gone at the end of the block; then the next spare is started."""
        spare = await self._standing_by() if program == _CHILD_PROGRAM else None
        child = spare or await start_child(self._limits, program)
        try:
            if not await child.takes(request):  # killed while it stood by
                await child.end()
                child = await start_child(self._limits, program)
                if not await child.takes(request):
                    raise RendererBroken(_NO_START)
            yield child
        finally:
            await child.end()
            self._refill()

    async def _standing_by(self) -> "Child | None":
        """The spare, if it came up. Its time may have run out while this loop itself stood still, as in a Lambda
        container between two calls; that is no reason to draw nothing.
        """
        spare, self._spare = self._spare, None
        if spare is not None:
            with suppress(RendererBroken):
                return await spare
        return None

    def _refill(self) -> None:
        if self._spare is None and not self._closed:
            self._spare = asyncio.create_task(start_child(self._limits, _CHILD_PROGRAM))


class Child:
    """One process that draws one file."""

    def __init__(self, process: Process, wall_seconds: int) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process has to be started with pipes")
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._wall_seconds = wall_seconds

    async def ready(self) -> bool:
        """Wait for its sign that it is ready for the next step; False when it ended or stands still."""
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                return await self._output.readexactly(1) == _READY
        except (asyncio.IncompleteReadError, ConnectionResetError, TimeoutError):
            return False

    async def takes(self, request: bytes) -> bool:
        """Whether it is alive and has taken the request."""
        try:
            await self.send(request)
        except ChildGone:
            return False
        return await self.ready()

    async def send(self, piece: bytes) -> None:
        """Hand over the next bytes, at its pace; ChildGone when it ended."""
        self._input.write(piece)
        try:
            async with asyncio.timeout(self._wall_seconds):
                await self._input.drain()
        except TimeoutError as error:
            raise RenderFailed(TOO_COSTLY) from error
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChildGone from error

    async def answer(self) -> Rendering:
        """Its answer, if it is one; RenderFailed when it crashed, took too long or spoke nonsense."""
        self._input.close()
        try:
            async with asyncio.timeout(self._wall_seconds):
                answer = await self._last_words()
                status = await self._process.wait()
        except TimeoutError as error:
            raise RenderFailed(TOO_COSTLY) from error
        if status in {-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL}:
            raise RenderFailed(TOO_COSTLY)
        try:
            return unpacked(answer)
        except ValueError as error:
            raise RenderFailed("This file could not be drawn.") from error

    async def end(self) -> None:
        """Kill it and whatever it started, and wait until it is gone."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._input.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_TIMEOUT_SECONDS):
                await self._process.communicate()

    async def _last_words(self) -> bytes:
        answer = bytearray()
        while piece := await self._output.read(_READ_BYTES):
            answer += piece
            if len(answer) > _ANSWER_LIMIT_BYTES:
                raise RenderFailed("This file could not be drawn.")
        return bytes(answer)


async def start_child(limits: Limits, program: str) -> Child:
    """A process of that program that stands ready for one file; RendererBroken when it does not get so far."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-B", "-m", program),
        *(str(limits.memory_bytes), str(limits.cpu_seconds), str(limits.wall_seconds)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
    child = Child(process, limits.wall_seconds)
    stands_ready = False
    try:
        stands_ready = await child.ready()
    finally:
        if not stands_ready:
            await child.end()
    if not stands_ready:
        raise RendererBroken(_NO_START)
    return child


async def _head(data: AsyncIterator[bytes], head: bytes = b"", least_bytes: int = SNIFF_BYTES) -> bytes:
    """The first chunks, `head` among them, as many as hold `least_bytes` if there are so many."""
    read = bytearray(head)
    while len(read) < least_bytes and (chunk := await anext(data, None)) is not None:
        read += chunk
    return bytes(read)


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
        raise RenderFailed("This file is not as long as its record says.")
