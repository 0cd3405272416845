"""Sends spans and meters to a collector, by OTLP over HTTP; a collector that is gone costs nobody anything."""

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Self

import aiohttp
import orjson

from vaultstream.adapters.telemetry import otlp
from vaultstream.adapters.telemetry.tracer import Tracer, Value
from vaultstream.metrics import SPANS_DROPPED

if TYPE_CHECKING:
    from vaultstream.adapters.meters import Meters

EVERY_SECONDS = 5.0
SPANS_MAX = 512  # in one request
_ANSWER_SECONDS = 5
_AGAIN = {429, 502, 503, 504}  # what the specification of OTLP says may be sent again
_log = logging.getLogger(__name__)


class Exporter:
    """Everything that `meters` and `tracer` hold goes out every few seconds, and at `flush`. Without an endpoint
    nothing does.
    """

    def __init__(self, endpoint: str, environment: str, meters: "Meters", tracer: Tracer) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._meters = meters
        self._tracer = tracer
        self._began_ns = time.time_ns()
        self._resource: Mapping[str, Value] = {
            "service.name": "vaultstream",
            "service.instance.id": os.urandom(8).hex(),
            "deployment.environment.name": environment,
        }
        self._session: aiohttp.ClientSession | None = None
        self._running: asyncio.Task[None] | None = None
        self._is_heard = True
        self._sending = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Send now and then, from now on."""
        if self._endpoint:
            timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, headers={"Content-Type": "application/json"})
            self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Send what there is, and no more."""
        if self._session is None or self._running is None:
            return
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        await self.flush()
        await self._session.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Send all there is now. What the collector cannot take at the moment waits for the next time."""
        if self._session is not None:
            async with self._sending:
                await self._flush(self._session)

    async def _flush(self, session: aiohttp.ClientSession) -> None:
        self._count_dropped("full", self._tracer.dropped)
        self._tracer.dropped = 0
        while batch := list(islice(self._tracer.ended, SPANS_MAX)):
            status = await self._send(session, "traces", otlp.traces(self._resource, batch))
            if status is None or status in _AGAIN:
                break
            for _ in batch:
                self._tracer.ended.popleft()
            self._count_dropped("refused", len(batch) if status >= 400 else 0)
        told = otlp.metrics(self._resource, self._meters, self._began_ns, time.time_ns())
        await self._send(session, "metrics", told)

    def _count_dropped(self, reason: str, spans: int) -> None:
        if spans:
            self._meters.count(SPANS_DROPPED, reason, by=spans)

    async def _send(self, session: aiohttp.ClientSession, signal: str, body: otlp.Json) -> int | None:
        """The collector's status; None where it does not answer, of which the log tells once."""
        try:
            async with session.post(f"{self._endpoint}/v1/{signal}", data=orjson.dumps(body)) as answer:
                self._is_heard = True
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if self._is_heard:
                _log.warning("the collector of traces and metrics does not answer (%s)", type(error).__name__)
            self._is_heard = False
            return None
