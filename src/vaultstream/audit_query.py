"""What an auditor looks for in the audit log, and the one statement that finds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


_THING = "coalesce(details->>'share_id', details->>'link_id', details->>'token_id')"
# What tells of some items' access: the last event of each name and thing before a time, all within it, and the first
# after. It is as much as is needed to know how things stood at each moment of that time, and no more.
AROUND = f"""
(SELECT DISTINCT ON (item_id, name, {_THING}) {COLUMNS} FROM audit.events
WHERE item_id = ANY($1) AND name = ANY($2) AND at < $3
ORDER BY item_id, name, {_THING}, at DESC, seq DESC LIMIT $5)
UNION ALL
(SELECT {COLUMNS} FROM audit.events
WHERE item_id = ANY($1) AND name = ANY($2) AND at >= $3 AND at < $4 LIMIT $5)
UNION ALL
(SELECT DISTINCT ON (item_id, name, {_THING}) {COLUMNS} FROM audit.events
WHERE item_id = ANY($1) AND name = ANY($2) AND at >= $4
ORDER BY item_id, name, {_THING}, at, seq LIMIT $5)
"""  # noqa: S608  # all that is not a value is written above
DOWNLOADS = """
SELECT subject, min(at) AS first_at, max(at) AS last_at, count(*) AS times
FROM audit.events
WHERE item_id = $1 AND version_number = $2 AND name = 'download.begun' AND decision = 'ALLOWED'
    AND details->>'thumbnail_edge_px' IS NULL
GROUP BY subject ORDER BY first_at LIMIT $3
"""
READINGS = """
SELECT subject, details->>'token_id' AS token_id, min(at) AS first_at, max(at) AS last_at, count(*) AS times,
    CASE WHEN name = 'download.linked' THEN 'ADDRESS'
        WHEN details->>'thumbnail_edge_px' IS NULL THEN 'DOWNLOAD' ELSE 'PREVIEW' END AS kind
FROM audit.events
WHERE item_id = $1 AND at >= $2 AND at < $3 AND name IN ('download.begun', 'download.linked') AND decision = 'ALLOWED'
GROUP BY subject, token_id, kind ORDER BY first_at, subject, token_id, kind LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class Downloads:
    """How often and when a person, or who came by a link, downloaded one version."""

    subject: str
    first_at: datetime
    last_at: datetime
    times: int


class ReadingKind(StrEnum):
    """How somebody came to read: contents, a picture of them, or a signed address, which may have been used or not."""

    DOWNLOAD = "DOWNLOAD"
    PREVIEW = "PREVIEW"
    ADDRESS = "ADDRESS"


@dataclass(frozen=True, slots=True)
class Reading:
    """How often and when a person, a program of theirs, or who came by a link read an item."""

    subject: str
    token_id: str | None
    kind: ReadingKind
    first_at: datetime
    last_at: datetime
    times: int
