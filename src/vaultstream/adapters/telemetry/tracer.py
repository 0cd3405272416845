"""Spans: which request or event did what, and when. A trace that is not sampled costs next to nothing.

A span's name is one of ours, its attributes are ids and numbers: never what a person wrote.
"""

import os
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from enum import IntEnum
from types import TracebackType
from typing import Self

from vaultstream.traces import TraceContext

ENDED_MAX = 4096  # spans that wait to be sent; what comes on top is dropped, and counted
Value = int | str


class SpanKind(IntEnum):
    """In OTLP's numbers."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    CONSUMER = 5


class Span:
    """A stretch of time with a name. As a context manager it is the one that new spans are below."""

    __slots__ = (
        "_token",
        "_tracer",
        "attributes",
        "begun_ns",
        "ended_ns",
        "has_failed",
        "kind",
        "name",
        "parent_id",
        "span_id",
        "trace_id",
    )

    def __init__(self, tracer: "Tracer", name: str, kind: SpanKind, trace_id: str, parent_id: str) -> None:
        self._tracer = tracer
        self._token: Token[Span | None] | None = None
        self.name = name
        self.kind = kind
        self.trace_id = trace_id
        self.parent_id = parent_id
        self.span_id = os.urandom(8).hex()
        self.attributes: dict[str, Value] = {}
        self.has_failed = False
        self.begun_ns = time.time_ns()
        self.ended_ns = 0

    def __enter__(self) -> Self:
        """What begins until the end is below this."""
        self._token = _current.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """It ends here; an exception makes it a failure."""
        if self._token is not None:
            _current.reset(self._token)
        self.end(has_failed=error is not None)

    def end(self, *, has_failed: bool = False) -> None:
        """It is over, and goes out."""
        self.has_failed = self.has_failed or has_failed
        self.ended_ns = time.time_ns()
        self._tracer.keep(self)

    def below(self, name: str, kind: SpanKind) -> "Span":
        """One that begins now, within this."""
        return Span(self._tracer, name, kind, self.trace_id, self.span_id)

    def context(self) -> TraceContext:
        """Its place, for another process to go on from."""
        return TraceContext(self.trace_id, self.span_id, is_sampled=True)


_current: ContextVar[Span | None] = ContextVar("vaultstream_span", default=None)
_NOTHING: AbstractContextManager[None] = nullcontext()


def current() -> Span | None:
    """The span that new ones are below; None outside any sampled trace."""
    return _current.get()


def span(name: str) -> AbstractContextManager[Span | None]:
    """A span below the present one; nothing where there is none."""
    above = _current.get()
    return _NOTHING if above is None else above.below(name, SpanKind.INTERNAL)


def call(name: str) -> Span | None:
    """A call of another system, for whoever can tell its end only by `end`."""
    above = _current.get()
    return None if above is None else above.below(name, SpanKind.CLIENT)


def carried() -> str:
    """The present place as a `traceparent`, for whoever goes on elsewhere; empty outside any sampled trace."""
    span = _current.get()
    return f"{span.context()}" if span is not None else ""


class Tracer:
    """Makes spans, and keeps those that ended until somebody takes them. `percent` of the requests are sampled."""

    def __init__(self, percent: int) -> None:
        self.is_on = percent > 0
        self.ended: deque[Span] = deque()
        self.dropped = 0
        self._percent = percent

    def draws(self) -> bool:
        """Whether the next request is sampled."""
        return self.is_on and random.uniform(0, 100) < self._percent  # noqa: S311  # a sample, not a secret

    def request(self, name: str, given: str, *, drawn: bool | None = None) -> AbstractContextManager[Span | None]:
        """The first span of a request. A trace that its sender began goes on; whether it is kept is for us to say, now
        or as it was `drawn` before.
        """
        if not (self.draws() if drawn is None else drawn):
            return _NOTHING
        above = TraceContext.read(given)
        trace_id = above.trace_id if above else os.urandom(16).hex()
        return Span(self, name, SpanKind.SERVER, trace_id, above.span_id if above else "")

    @contextmanager
    def handling(self, name: str, given: Sequence[str]) -> Iterator[None]:
        """What events are handled in, each of which may come of a trace of its own.

        All of them get a span; what is done meanwhile is below that of the first.
        """
        contexts = dict.fromkeys(context for text in given if (context := TraceContext.read(text)))
        spans = [
            Span(self, name, SpanKind.CONSUMER, context.trace_id, context.span_id)
            for context in contexts
            if self.is_on and context.is_sampled
        ]
        token = _current.set(spans[0] if spans else None)
        has_failed = True
        try:
            yield
            has_failed = False
        finally:
            _current.reset(token)
            for span in spans:
                span.attributes["events"] = len(given)
                span.end(has_failed=has_failed)

    def keep(self, span: Span) -> None:
        """Hold an ended span until it is sent."""
        if len(self.ended) < ENDED_MAX:
            self.ended.append(span)
        else:
            self.dropped += 1
