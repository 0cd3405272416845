"""W3C trace context (w3.org/TR/trace-context): how one trace is named from process to process."""

import re
from dataclasses import dataclass

_LAWFUL = re.compile("([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NONE = {"0" * 32, "0" * 16}
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace: what comes of it is below this span. Ids are hex digits in lower case."""

    trace_id: str
    span_id: str
    is_sampled: bool

    def __str__(self) -> str:
        """The text of a `traceparent` header, of version 00."""
        return f"00-{self.trace_id}-{self.span_id}-0{self.is_sampled:d}"

    @classmethod
    def read(cls, text: str) -> "TraceContext | None":
        """What a `traceparent` says; None for anything that the standard does not let through."""
        found = _LAWFUL.fullmatch(text)
        if found is None:
            return None
        version, trace_id, span_id, flags, rest = found.groups()
        if version == "ff" or (version == "00" and rest) or {trace_id, span_id} & _NONE:
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))
