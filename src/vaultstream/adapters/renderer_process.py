"""The processes that draw, as seen from outside: a nursery that is started once, and its child for each file."""

import asyncio
import os
import signal
import socket
import struct
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from vaultstream.renderings import ASKED, ASKED_BYTES, ASKS, TOO_COSTLY, RenderFailed, Rendering, RenderKilled, unpacked

START_TIMEOUT_SECONDS = 30.0
END_TIMEOUT_SECONDS = 5.0

_PROGRAM = "vaultstream.adapters.render_nursery"
_STATUS = struct.Struct("!i")  # its wait status, which the lease tells
_ANSWER_LIMIT_BYTES = 8 << 20
_READ_BYTES = 256 << 10
_READY = b"R"
NO_START = "The process that draws previews does not start."
NO_DRAWING = "This file could not be drawn."
_TORN_DOWN = "The process that draws previews ended."
# All that drawing sees of the environment: no secret of ours, no folder to write to, no help from the disk. A picture's
# memory is kept for its next step and not given back, which saves a twentieth of the time.
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(32 << 20),
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
    """No process for drawing could be started, or it was ended: the installation is at fault, and not the file."""


class ChildGone(Exception):
    """The process ended before it had the whole file."""


class Nursery:
    """The process that forks a child for each file, and never sees one."""

    def __init__(self, process: Process, control: socket.socket, wall_seconds: int) -> None:
        self._process = process
        self._control = control
        self._wall_seconds = wall_seconds

    async def ready(self) -> bool:
        """Wait until it has loaded what it needs; False when it ended or stands still."""
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                return await asyncio.get_running_loop().sock_recv(self._control, 1) == _READY
        except (OSError, TimeoutError):
            return False

    async def child(self) -> "Child | None":
        """A new child that stands ready; None when there is none to be had."""
        wire, its_wire = socket.socketpair()
        lease, its_lease = socket.socketpair()
        with its_wire, its_lease:
            try:
                socket.send_fds(self._control, [_READY], [its_wire.fileno(), its_lease.fileno()])
            except OSError:
                wire.close()
                lease.close()
                return None
        reader, writer = await asyncio.open_connection(sock=wire, limit=_READ_BYTES)
        lease.setblocking(False)
        child = Child(reader, writer, lease, self._wall_seconds)
        stands_ready = False
        try:
            stands_ready = await child.ready()
        finally:
            if not stands_ready:
                await child.end()
        return child if stands_ready else None

    async def close(self) -> None:
        """Let it go; with it go the children that do not end in time."""
        self._control.close()
        await ended(self._process)


class Child:
    """One process that draws one file."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lease: socket.socket, wall_seconds: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._lease = lease
        self._wall_seconds = wall_seconds
        self._has_ended = False
        self._first_word = b""

    async def ready(self) -> bool:
        """Wait for its sign that it has given up its rights; False when it ended or stands still."""
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                return await self._reader.readexactly(1) == _READY
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            return False

    async def send(self, piece: bytes) -> None:
        """Hand over the next bytes, at its pace; ChildGone when it ended."""
        self._writer.write(piece)
        try:
            async with asyncio.timeout(self._wall_seconds):
                await self._writer.drain()
        except TimeoutError as error:
            raise RenderFailed(TOO_COSTLY) from error
        except ConnectionError as error:
            raise ChildGone from error

    async def asked(self, size_bytes: int) -> tuple[int, int] | None:
        """The range of a long file that it needs next, start and stop; None when it goes on to answer, or ended.

        RenderFailed where it asks for what no file has, or takes too long.
        """
        try:
            async with asyncio.timeout(self._wall_seconds):
                self._first_word = await self._reader.read(1)
                if self._first_word != ASKS:
                    return None
                start, length = ASKED.unpack(await self._reader.readexactly(ASKED.size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except TimeoutError as error:
            raise RenderFailed(TOO_COSTLY) from error
        if not 0 < length <= ASKED_BYTES or start + length > size_bytes:
            raise RenderFailed(NO_DRAWING)
        return start, start + length

    async def answer(self) -> Rendering:
        """Its answer, if it is one; RenderFailed when it crashed, took too long or spoke nonsense, RenderKilled when it
        was killed from outside.
        """
        try:
            async with asyncio.timeout(self._wall_seconds):
                answer = await self._last_words()
                status = await self._end()
        except TimeoutError as error:
            raise RenderFailed(TOO_COSTLY) from error
        if status is None:
            raise RendererBroken(_TORN_DOWN)
        if -status == signal.SIGKILL:
            raise RenderKilled(TOO_COSTLY)
        if -status in {signal.SIGXCPU, signal.SIGALRM}:
            raise RenderFailed(TOO_COSTLY)
        try:
            return unpacked(answer)
        except ValueError as error:
            raise RenderFailed(NO_DRAWING) from error

    async def end(self) -> None:
        """Kill it and whatever it started, and wait until it is gone."""
        try:
            if not self._has_ended:
                self._lease.shutdown(socket.SHUT_WR)
                async with asyncio.timeout(END_TIMEOUT_SECONDS):
                    await self._end()
        except TimeoutError:
            pass  # its own clock ends it
        finally:
            self._lease.close()
            self._writer.close()

    async def _end(self) -> int | None:
        """How it ended, as an exit code or minus a signal; None where its nursery ended with it."""
        told = await asyncio.get_running_loop().sock_recv(self._lease, _STATUS.size)
        self._has_ended = True
        return os.waitstatus_to_exitcode(*_STATUS.unpack(told)) if told else None

    async def _last_words(self) -> bytes:
        answer = bytearray(self._first_word)
        with suppress(ConnectionError):  # it ended before it had read everything
            while piece := await self._reader.read(_READ_BYTES):
                answer += piece
                if len(answer) > _ANSWER_LIMIT_BYTES:
                    raise RenderFailed(NO_DRAWING)
        return bytes(answer)


async def started(
    module: str, limits: Limits, *arguments: str, wire: socket.socket, environment: Mapping[str, str]
) -> Process:
    """A program of ours that is told the limits and has nothing of this one but the wire, as its input."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-B", "-m", module, *arguments),
        *(str(limits.memory_bytes), str(limits.cpu_seconds), str(limits.wall_seconds)),
        stdin=wire.fileno(),
        stdout=DEVNULL,
        stderr=DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    )


async def ended(process: Process) -> None:
    """Wait until it has ended, which it is made to if it does not in time."""
    try:
        async with asyncio.timeout(END_TIMEOUT_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def start_nursery(limits: Limits) -> Nursery:
    """A nursery that stands ready; RendererBroken when it does not get so far."""
    control, its_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.setblocking(False)
    with its_control:
        process = await started(_PROGRAM, limits, wire=its_control, environment=_ENVIRONMENT)
    nursery = Nursery(process, control, limits.wall_seconds)
    stands_ready = False
    try:
        stands_ready = await nursery.ready()
    finally:
        if not stands_ready:
            await nursery.close()
    if not stands_ready:
        raise RendererBroken(NO_START)
    return nursery
