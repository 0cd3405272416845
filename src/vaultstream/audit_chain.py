"""The chain of the audit log: each row's digest covers its own canonical text and the digest of the row before it.

The format is written down in schema/audit-chain.md.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vaultstream.events import Decision, Event, EventName

GENESIS = bytes(32)  # what stands for the digest before the first row
HASH = "hash"

# PostgreSQL's text cannot hold U+0000. A deed must not stay unrecorded for it, so its picture U+2400 stands there.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

Plain = dict[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Head:
    """The chain's last row: what the next one is linked to."""

    seq: int
    digest: bytes


EMPTY = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Row:
    """One event in its place in the chain."""

    seq: int
    digest: bytes
    event: Event
    received_at: datetime

    @property
    def id(self) -> str:
        """The event's id as an id like others."""
        return f"event_{self.event.id}"

    def plain(self) -> Plain:
        """The row as JSON, its digest in hexadecimal; times in UTC."""
        return _plain(self.seq, self.event, self.received_at) | {HASH: self.digest.hex()}


def linked(head: Head, events: Iterable[Event], received_at: datetime) -> list[Plain]:
    """These events as the next rows of the chain, in their order and as JSON."""
    rows = []
    for event in events:
        plain = _settled(_plain(head.seq + 1, event, received_at))
        head = Head(head.seq + 1, digest(head.digest, plain))
        rows.append(plain | {HASH: head.digest.hex()})
    return rows


def digest(before: bytes, plain: Mapping[str, Any]) -> bytes:  # Any: JSON values
    """SHA-256 over the digest before it and the canonical text of all else that the row holds."""
    covered = {name: value for name, value in plain.items() if name != HASH}
    return hashlib.sha256(before + canonical(covered).encode()).digest()


def canonical(value: object) -> str:
    """The one text of a JSON value: names sorted by code point, no spaces, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def parsed(text: str | bytes) -> Any:  # Any: JSON values
    """A JSON value with every number in its one form: jsonb keeps 1e2 as 100, and so do we."""
    return json.loads(text, parse_float=_number)


def row_of(values: Mapping[str, Any]) -> Row:  # Any: as PostgreSQL gives the columns
    """A row of the table."""
    return Row(
        seq=values["seq"],
        digest=values[HASH],
        received_at=values["received_at"],
        event=Event(
            id=values["id"],
            name=EventName(values["name"]),
            at=values["at"],
            subject=values["subject"],
            request_id=values["request_id"],
            item_id=values["item_id"],
            version_number=values["version_number"],
            ip=values["ip"],
            agent=values["agent"],
            decision=Decision(values["decision"]),
            reason=values["reason"],
            details=parsed(values["details"]),
        ),
    )


def _settled(plain: Plain) -> Plain:
    """A row as PostgreSQL gives it back: a digest must outlive what a database does to numbers and text."""
    settled: Plain = parsed(_NUL.sub(r"\1\\u2400", canonical(plain)))
    return settled


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _plain(seq: int, event: Event, received_at: datetime) -> Plain:
    return {
        "seq": seq,
        "id": event.id,
        "at": event.at.astimezone(UTC).isoformat(),
        "name": event.name.value,
        "subject": event.subject,
        "item_id": event.item_id,
        "version_number": event.version_number,
        "ip": event.ip,
        "agent": event.agent,
        "request_id": event.request_id,
        "decision": event.decision.value,
        "reason": event.reason,
        "details": dict(event.details),
        "received_at": received_at.astimezone(UTC).isoformat(),
    }
