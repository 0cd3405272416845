"""Proves an export of the audit log whole and unchanged, from its own lines and a public key, and from nothing else.

The format is written down in schema/audit-chain.md.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vaultstream.audit_chain import EMPTY, HASH, Head, canonical
from vaultstream.events import EventName

Plain = Mapping[str, Any]  # Any: JSON values


class Tampered(Exception):
    """The export is not what was recorded. `seq` is the first row that is bad or missing."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"row {seq}: {why}")
        self.seq = seq
        self.why = why


class NoPublicKey(ValueError):
    """This is not the PEM of an elliptic public key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the chain stood at a moment: everything up to `seq` is as it was then if its digest is this one."""

    vault_id: str
    seq: int
    digest: bytes
    at: datetime

    def text(self) -> str:
        """What is signed."""
        return canonical(self._plain())

    def line(self, signature: bytes) -> str:
        """The checkpoint with its signature, as a line of an export and as an object in the store."""
        return canonical({"checkpoint": self._plain(), "signature": base64.b64encode(signature).decode()})

    def _plain(self) -> Plain:
        at = self.at.astimezone(UTC).isoformat()
        return {"vault": self.vault_id, "seq": self.seq, HASH: self.digest.hex(), "at": at}


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that went with their month: the first and last number, and the last digest, by which the chain goes on."""

    first: int
    last: int
    digest: bytes

    def plain(self) -> list[int | str]:
        """As the event tells it that records what was dropped."""
        return [self.first, self.last, self.digest.hex()]

    def line(self) -> str:
        """As an export has it in the place of the rows."""
        return canonical({"dropped": self.plain()})


@dataclass(frozen=True, slots=True)
class Proof:
    """What an export was proved to hold."""

    rows: int
    dropped_rows: int
    first: int
    last: int
    as_of: datetime


def runs_of(details: Plain) -> list[Run]:
    """The runs that the event of a dropped month names."""
    return [Run(first, last, bytes.fromhex(digest)) for first, last, digest in details["runs"]]


def public_key_of(pem: bytes) -> ec.EllipticCurvePublicKey:
    """The key that verifies checkpoints; raises NoPublicKey."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError:
        raise NoPublicKey from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NoPublicKey
    return key


def checkpoint_of(line: str | bytes, key: ec.EllipticCurvePublicKey) -> Checkpoint:
    """A checkpoint whose signature is this key's; raises Tampered."""
    seq = 1
    try:
        found = json.loads(line)
        told = found["checkpoint"]
        seq = told["seq"] if isinstance(told["seq"], int) else 1
        signature = base64.b64decode(found["signature"], validate=True)
        checkpoint = Checkpoint(
            told["vault"], told["seq"], bytes.fromhex(told[HASH]), datetime.fromisoformat(told["at"])
        )
        key.verify(signature, checkpoint.text().encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Tampered(seq, "its checkpoint was not signed with this key") from None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise Tampered(seq, "its checkpoint cannot be read") from None
    if checkpoint.line(signature).encode() != (line if isinstance(line, bytes) else line.encode()):
        raise Tampered(seq, "its checkpoint was written anew")
    return checkpoint


class Prover:
    """Takes an export line by line in bounded memory: first its checkpoints, then its rows.

    One checkpoint is of the export's last row, so that a tail that was cut is missed; the others, and those given
    from outside, must lie on the same chain. An export that begins `after` some row needs that row's.
    """

    def __init__(self, key: ec.EllipticCurvePublicKey, *, after: int = 0) -> None:
        self._key = key
        self._after = after
        self._known: dict[int, Checkpoint] = {}
        self._head: Head | None = None
        self._sure = after  # up to here a checkpoint vouches for the rows
        self._rows = 0
        self._gone = 0
        self._unconfirmed: dict[int, Run] = {}

    def trust(self, line: str | bytes) -> Checkpoint:
        """Take a checkpoint, before the rows: the export's own, or one that was kept apart from it; raises Tampered."""
        checkpoint = checkpoint_of(line, self._key)
        other = next(iter(self._known.values()), checkpoint)
        if checkpoint.vault_id != other.vault_id:
            raise Tampered(checkpoint.seq, "its checkpoint is another vault's")
        if (same := self._known.get(checkpoint.seq)) is not None and same.digest != checkpoint.digest:
            raise Tampered(self._sure + 1, f"two checkpoints of row {checkpoint.seq} do not agree")
        self._known[checkpoint.seq] = checkpoint
        return checkpoint

    def take(self, line: bytes) -> None:
        """One line, without its line feed; raises Tampered."""
        if self._head is None and line.startswith(b'{"checkpoint"'):
            self.trust(line)
        elif line.startswith(b'{"dropped"'):
            self._skip(self._begun(), line)
        else:
            self._link(self._begun(), line)

    def finish(self) -> Proof:
        """What was proved, after the last line; raises Tampered."""
        last = self._begun().seq
        if last > max(self._known):
            raise Tampered(max(self._known) + 1, "no checkpoint vouches for it")
        if last < max(self._known):
            raise Tampered(last + 1, f"it is missing, though row {max(self._known)} was recorded")
        if self._unconfirmed:
            raise Tampered(min(self._unconfirmed), "it is missing, and no record says that its month was dropped")
        return Proof(self._rows, self._gone, self._after + 1, last, self._known[last].at)

    def _begun(self) -> Head:
        """What the next row is linked to."""
        if self._head is None:
            if not self._known:
                raise Tampered(self._after + 1, "the export has no checkpoint")
            start = self._known.get(self._after)
            if self._after and start is None:
                raise Tampered(self._after + 1, "no checkpoint says what was before it")
            self._head = Head(start.seq, start.digest) if start else EMPTY
        return self._head

    def _link(self, before: Head, line: bytes) -> None:
        seq = before.seq + 1
        try:
            plain = json.loads(line)
            told, name, details = plain[HASH], plain["name"], plain["details"]
            found = plain["seq"]
            cut = line.rindex(f',"{HASH}":"{told}"'.encode())  # inside details it stands before, inside text never
        except (ValueError, KeyError, TypeError):
            raise Tampered(seq, "it cannot be read") from None
        if found != seq:
            raise Tampered(seq, f"row {found} stands in its place")
        covered = line[:cut] + line[cut + len(f',"{HASH}":"{told}"') :]
        digest = hashlib.sha256(before.digest + covered).digest()
        if digest.hex() != told:
            raise Tampered(seq, "it was changed, or the row before it was")
        self._move(Head(seq, digest))
        self._rows += 1
        if name == EventName.AUDIT_MONTH_DROPPED:
            self._confirm(details)

    def _skip(self, before: Head, line: bytes) -> None:
        seq = before.seq + 1
        try:
            first, last, digest = json.loads(line)["dropped"]
            run = Run(first, last, bytes.fromhex(digest))
        except (ValueError, KeyError, TypeError):
            raise Tampered(seq, "it cannot be read") from None
        if not seq == run.first <= run.last:
            raise Tampered(seq, "it is missing")
        self._unconfirmed[run.first] = run
        self._gone += run.last - run.first + 1
        self._move(Head(run.last, run.digest))

    def _confirm(self, details: Plain) -> None:
        for run in runs_of(details):
            if self._unconfirmed.get(run.first) == run:
                del self._unconfirmed[run.first]

    def _move(self, head: Head) -> None:
        self._head = head
        if (known := self._known.get(head.seq)) is not None:
            if known.digest != head.digest:
                why = f"it or one after it, up to {head.seq}, was changed: a checkpoint differs"
                raise Tampered(self._sure + 1, why)
            self._sure = head.seq
