"""The audit log as a table for spreadsheets (RFC 4180), in which no cell is a formula.

Whoever names a file writes what an auditor opens. A cell that a spreadsheet would run, or that begins with an
apostrophe, has one more apostrophe before it (OWASP, "CSV Injection"): to take off the first gives what was recorded.
"""

import csv
import io
from collections.abc import Iterable

from vaultstream.audit_chain import HASH, Row, canonical

COLUMNS = (
    *("seq", "at", "name", "subject", "item_id", "version_number", "decision", "reason", "ip", "agent"),
    *("request_id", "details", "id", "received_at", HASH),
)
_RUN = "=+-@\uff1d\uff0b\uff0d\uff20"  # the last four are the wide forms, which some programs take for the first
_GUARD = "'"


def heading() -> str:
    """The line of the columns' names."""
    return _lines([COLUMNS])


def table(rows: Iterable[Row]) -> str:
    """A line for each row; details are JSON, and what is not there is empty."""
    plain = (row.plain() for row in rows)
    return _lines([_cell(canonical(it[name]) if name == "details" else it[name]) for name in COLUMNS] for it in plain)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    begins = text.lstrip()[:1]
    is_risky = bool(begins and begins in _RUN) or text[:1] in {_GUARD, "\t", "\r", "\n"}
    return _GUARD + text if is_risky else text


def _lines(cells: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(cells)
    return out.getvalue()
