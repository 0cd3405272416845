"""What an auditor looks for in the audit log, and the one statement that finds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vaultstream.events import Decision, EventName

COLUMNS = """seq, hash, id, at, name, subject, item_id, version_number, ip, agent, request_id, decision, reason,
    details, received_at"""


@dataclass(frozen=True, slots=True)
class AuditWhere:
    """Events of which all that is given is true. `ips` are sealed; `detail` is a condition in SQL/JSON path."""

    subject: str | None = None
    item_id: str | None = None
    names: Sequence[EventName] = ()
    since: datetime | None = None
    until: datetime | None = None
    decision: Decision | None = None
    ips: Sequence[str] | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an event stands in a list: the newest comes first, and its number tells it from others of its moment."""

    at: datetime
    seq: int


def select(where: AuditWhere, after: Place | None, limit: int) -> tuple[str, list[object]]:
    """The statement and its values for a page of events, the newest first; bounds in time let months be left out."""
    values: list[object] = []

    def value(of: object) -> str:
        values.append(of)
        return f"${len(values)}"

    tests = []
    for column, wanted in (("subject", where.subject), ("item_id", where.item_id), ("decision", where.decision)):
        if wanted is not None:
            tests.append(f"{column} = {value(str(wanted))}")
    if where.names:
        tests.append(f"name = ANY({value([name.value for name in where.names])})")
    if where.ips is not None:
        tests.append(f"ip = ANY({value(list(where.ips))})")
    if where.since is not None:
        tests.append(f"at >= {value(where.since)}")
    if where.until is not None:
        tests.append(f"at < {value(where.until)}")
    if where.detail is not None:
        tests.append(f"details @@ {value(where.detail)}::text::jsonpath")
    if after is not None:
        at, seq = value(after.at), value(after.seq)
        tests.append(f"at <= {at} AND (at, seq) < ({at}, {seq})")
    condition = f"WHERE {' AND '.join(tests)} " if tests else ""
    sql = f"SELECT {COLUMNS} FROM audit.events {condition}ORDER BY at DESC, seq DESC LIMIT {limit:d}"  # noqa: S608
    return sql, values
