"""Gives every stream of plaintext a verdict: the embedded YARA rules always, clamd too where one is configured.

The rules see what is packed in a file as well. Archives of kinds that only clamd opens are left to it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from vaultstream.adapters.scanner_clamd import CLAMD_LIMIT_BYTES, TIMEOUT_SECONDS, Clamd, ClamdStream
from vaultstream.adapters.scanner_layers import DeepStream
from vaultstream.adapters.scanner_yara import engine_name, packaged_rules
from vaultstream.verdict import ScanOutcome, Verdict, combined

# clamd begins when it has everything, so it goes first: this much the rules still have to look at may wait in memory.
BEHIND_BYTES = 64 << 20
# So many chunks of the store's may be on their way to clamd, or wait for that, so that clamd never waits for them.
AHEAD_CHUNKS = 16

T = TypeVar("T")


class Scanner:
    """Scans plaintext of any length in bounded memory, on all engines side by side.

    `clamd_url` is `tcp://host:port` or `unix:///path`. `clamd_limit_bytes` must not exceed the StreamMaxLength,
    MaxFileSize and MaxScanSize of that clamd, which silently calls larger files clean.
    """

    def __init__(
        self,
        clamd_url: str | None = None,
        *,
        clamd_limit_bytes: int = CLAMD_LIMIT_BYTES,
        clamd_timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._clamd = Clamd(clamd_url, clamd_timeout_seconds, clamd_limit_bytes) if clamd_url else None

    async def ping(self) -> None:
        """Return when a scan could begin now; ScannerUnavailable otherwise."""
        packaged_rules()
        if self._clamd is not None:
            await self._clamd.ping()

    async def engine(self) -> str:
        """Programs and signatures as a verdict of now would name them; ScannerUnavailable when one does not answer."""
        names = [engine_name(packaged_rules())]
        if self._clamd is not None:
            names.append(await self._clamd.version())
        return ", ".join(names)

    async def scan(self, chunks: AsyncIterator[bytes]) -> Verdict:
        """Read `chunks` to the end, or to the first conviction, close it, and say what was found.

        Clean means that every engine looked at every byte. One conviction is enough: no other engine's verdict could
        change the outcome. ScannerUnavailable when an engine cannot give a verdict now; whatever `chunks` raises is
        passed on.
        """
        async with AsyncExitStack() as stack:
            if isinstance(chunks, AsyncGenerator):
                stack.push_async_callback(chunks.aclose)
            rules = DeepStream(packaged_rules(), leaves_rest=self._clamd is not None)
            if self._clamd is None:
                return await _by_rules(rules, chunks)
            ahead = _ReadAhead(chunks)
            stack.push_async_callback(ahead.close)
            return await _by_both(rules, await stack.enter_async_context(self._clamd.stream()), ahead)


async def _by_rules(rules: DeepStream, chunks: AsyncIterator[bytes]) -> Verdict:
    async for chunk in chunks:
        await rules.feed(chunk)
        if _convicts(rules.verdict):
            break
    return await rules.finish()


async def _by_both(rules: DeepStream, clamd: ClamdStream, ahead: "_ReadAhead") -> Verdict:
    behind: deque[bytes] = deque()
    behind_bytes = 0
    while chunks := await ahead.next():
        async with _meanwhile(clamd.feed(chunks)) as fed:
            behind.extend(chunks)
            behind_bytes += sum(map(len, chunks))
            while behind_bytes > BEHIND_BYTES and not _convicts(rules.verdict):
                behind_bytes -= len(behind[0])
                await rules.feed(behind.popleft())
            if _convicts(rules.verdict):
                return await rules.finish()
            await fed
        if _convicts(clamd.verdict):
            return await clamd.finish()
    async with _meanwhile(clamd.finish()) as of_clamd:
        while behind and not _convicts(rules.verdict):
            await rules.feed(behind.popleft())
        of_rules = await rules.finish()
        return of_rules if _convicts(of_rules) else combined((of_rules, await of_clamd))


class _ReadAhead:
    """Reads on while what came is worked on."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._come: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(AHEAD_CHUNKS)
        self._at_hand = 0
        self._reading = asyncio.create_task(self._read())

    async def next(self) -> list[bytes]:
        """All chunks that have come since, at least one; none at the end. What the source raised is raised there.

        Those it gave before count as worked on.
        """
        for _ in range(self._at_hand):
            self._room.release()
        come = [await self._come.get()]
        while come[-1] is not None and not self._come.empty():
            come.append(self._come.get_nowait())
        if come[-1] is None:
            self._come.put_nowait(None)
        chunks = [chunk for chunk in come if chunk is not None]
        if not chunks:
            await self._reading
        self._at_hand = len(chunks)
        return chunks

    async def close(self) -> None:
        """Read no more."""
        await _ended(self._reading)

    async def _read(self) -> None:
        try:
            async for chunk in self._chunks:
                await self._room.acquire()
                self._come.put_nowait(chunk)
        finally:
            self._come.put_nowait(None)


@asynccontextmanager
async def _meanwhile(work: Coroutine[None, None, T]) -> AsyncIterator["asyncio.Task[T]"]:
    """The work as a task, which ends with the block."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await _ended(task)


async def _ended(task: "asyncio.Task[T]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _convicts(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.status is ScanOutcome.INFECTED
