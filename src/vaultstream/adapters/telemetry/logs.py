"""One form for every log line: JSON for machines, a plain line for people; each with its request and its trace."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vaultstream.adapters.telemetry.tracer import current
from vaultstream.metrics import LOG_LINES

if TYPE_CHECKING:
    from vaultstream.adapters.meters import Meters

logged_request: ContextVar[str] = ContextVar("vaultstream_request", default="")
_PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """A record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Its time, level, logger and message; the request and the trace that it belongs to; what was raised."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := logged_request.get():
            line["request_id"] = request_id
        if (span := current()) is not None:
            line |= {"trace_id": span.trace_id, "span_id": span.span_id}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _Counting(logging.Handler):
    """Counts the lines of one thread, for a process may have a vault in each of several."""

    def __init__(self, meters: "Meters") -> None:
        super().__init__(logging.WARNING)
        self._meters = meters
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Count it, and leave its form to others."""
        if record.thread == self._thread:
            self._meters.count(LOG_LINES, "error" if record.levelno >= logging.ERROR else "warning")


@contextmanager
def counted_lines(meters: "Meters") -> Iterator[None]:
    """While this lasts, what the vault logs in this thread is in its meters."""
    handler, logger = _Counting(meters), logging.getLogger("vaultstream")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def log_to_stderr(*, as_json: bool) -> None:
    """Everything from INFO on in one form, in place of whatever form there was."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(_PLAIN))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
