"""The table of the audit log: whatever was recorded comes back from it, and nothing in it is a formula."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from vaultstream import audit_csv
from vaultstream.audit_chain import Row, canonical
from vaultstream.events import Event, EventName

RISKY = "=+-@\uff1d\uff0b\uff0d\uff20"
# What begins a formula, or ends a cell, is tried often.
TEXT = st.text(st.sampled_from(RISKY + "'\"\t\r\n ,;|a1") | st.characters(exclude_categories=["Cs"]), max_size=12)
NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


@given(TEXT, TEXT, TEXT)
@example("=HYPERLINK(1)", "@SUM(1)", "'-1")
@example(" =1+1", "\t=1", '","=1')
def test_what_was_recorded_comes_back_and_no_cell_is_a_formula(agent: str, subject: str, name: str) -> None:
    event = Event("id", EventName.FILE_RENAMED, NOW, subject, "req", agent=agent, details={"after": name})
    row = Row(7, bytes(32), event, NOW)

    text = audit_csv.heading() + audit_csv.table([row, row])

    heading, first, second = csv.reader(io.StringIO(text, newline=""))
    assert (heading, first) == (list(audit_csv.COLUMNS), second)
    cells = dict(zip(heading, first, strict=True))
    assert not any(cell.lstrip().startswith(tuple(RISKY)) or cell[:1] in "\t\r\n" for cell in first if cell)
    known = {column: cell.removeprefix("'") for column, cell in cells.items()}
    assert known == {
        column: "" if value is None else canonical(value) if column == "details" else str(value)
        for column, value in row.plain().items()
    }
