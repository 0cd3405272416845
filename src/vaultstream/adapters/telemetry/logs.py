"""One form for every log line: JSON for machines, a plain line for people; each with its request and its trace."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

from vaultstream.adapters.telemetry.tracer import current

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


def log_to_stderr(*, as_json: bool) -> None:
    """Everything from INFO on in one form, in place of whatever form there was."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if as_json else logging.Formatter(_PLAIN))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
