"""Measures and traces what the vault asks of other systems, by the hooks that their clients have for it."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from vaultstream.adapters.telemetry.tracer import Span, call, current
from vaultstream.metrics import CALL_SECONDS

if TYPE_CHECKING:
    from vaultstream.adapters.meters import Meters

_HELD = "vaultstream_call"


class Calls:
    """Where calls of other systems are told: each is in the meters, and in the trace that it belongs to."""

    def __init__(self, meters: "Meters") -> None:
        self._meters = meters

    def begin(self, system: str, name: str) -> Callable[[str], None]:
        """A call goes out; what this gives is to be told how it ended: ok, refused or failed."""
        span = call(f"{system} {name}") if current() is not None else None
        return partial(self._end, system, time.perf_counter(), span)

    def _end(self, system: str, begun: float, span: Span | None, outcome: str) -> None:
        self._meters.observe(CALL_SECONDS, time.perf_counter() - begun, system, outcome)
        if span is not None:
            span.end(has_failed=outcome == "failed")

    def tell(self, system: str, name: str, seconds: float, outcome: str) -> None:
        """A call that took so long is over."""
        self._meters.observe(CALL_SECONDS, seconds, system, outcome)
        if (span := call(f"{system} {name}")) is not None:
            span.begun_ns -= int(seconds * 1e9)
            span.end(has_failed=outcome == "failed")


def watch_aws(client: Any, system: str, calls: Calls) -> None:
    """From now on each call of the client is told; Any: botocore makes its clients at run time."""

    def begin(context: dict[str, Any], model: Any, **_: Any) -> None:  # Any: what botocore tells of the call
        context[_HELD] = calls.begin(system, model.name)

    def end(context: dict[str, Any], http_response: Any, **_: Any) -> None:  # Any: as above
        status = http_response.status_code
        context[_HELD]("ok" if status < 400 else "refused" if status < 500 else "failed")

    def fail(context: dict[str, Any], **_: Any) -> None:  # Any: as above
        context[_HELD]("failed")

    client.meta.events.register_first("before-call", begin)
    client.meta.events.register_last("after-call", end)
    client.meta.events.register_last("after-call-error", fail)


def watched_postgres(calls: Calls) -> Callable[[Any], Awaitable[None]]:
    """For a pool's `init`: every statement on its connections is told, by its time and end alone."""

    def tell(statement: Any) -> None:  # Any: asyncpg publishes no types
        calls.tell("postgresql", "statement", statement.elapsed, "failed" if statement.exception else "ok")

    async def init(connection: Any) -> None:  # Any: as above
        connection.add_query_logger(tell)

    return init
