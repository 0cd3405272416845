"""Gives every stream of plaintext a verdict: the embedded YARA rules always, clamd too where one is configured.

The rules see what is packed in a file as well. Archives of kinds that only clamd opens are left to it.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack

from vaultstream.adapters.scanner_clamd import CLAMD_LIMIT_BYTES, TIMEOUT_SECONDS, Clamd, ClamdStream
from vaultstream.adapters.scanner_layers import DeepStream
from vaultstream.adapters.scanner_yara import engine_name, packaged_rules
from vaultstream.verdict import ScanOutcome, Verdict, combined


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

        The slowest engine sets the pace. Clean means that every engine looked at every byte. ScannerUnavailable
        when an engine cannot give a verdict now; whatever `chunks` raises is passed on.
        """
        async with AsyncExitStack() as stack:
            if isinstance(chunks, AsyncGenerator):
                stack.push_async_callback(chunks.aclose)
            streams: list[DeepStream | ClamdStream] = [
                DeepStream(packaged_rules(), leaves_rest=self._clamd is not None)
            ]
            if self._clamd is not None:
                streams.append(await stack.enter_async_context(self._clamd.stream()))
            async for chunk in chunks:
                for stream in streams:
                    await stream.feed(chunk)
                if _convicted(streams):
                    break
            return combined(_convicted(streams) or tuple([await stream.finish() for stream in streams]))


def _convicted(streams: list[DeepStream | ClamdStream]) -> tuple[Verdict, ...]:
    """The convictions so far; one is enough, for no other engine's verdict could change the outcome."""
    return tuple(s.verdict for s in streams if s.verdict and s.verdict.status is ScanOutcome.INFECTED)
