"""What a virus scan found in one stream of bytes, and by which engine."""

from dataclasses import dataclass
from enum import StrEnum


class ScanOutcome(StrEnum):
    """The three answers of a scan; whatever could not be looked at whole is never `CLEAN`."""

    CLEAN = "CLEAN"
    INFECTED = "INFECTED"
    UNSCANNABLE = "UNSCANNABLE"


class ScannerUnavailable(Exception):
    """No verdict could be had now: the caller keeps the file closed and tries again later."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finished scan.

    `signature` names what was found (only when infected), `reason` why nothing can be promised (only when
    unscannable). `engine` names program and rule versions, so that an old verdict can be judged again.
    """

    status: ScanOutcome
    engine: str
    signature: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.signature is not None) != (self.status is ScanOutcome.INFECTED):
            raise ValueError("a signature belongs to an infected verdict, and to no other")
        if (self.reason is not None) != (self.status is ScanOutcome.UNSCANNABLE):
            raise ValueError("a reason belongs to an unscannable verdict, and to no other")


def clean(engine: str) -> Verdict:
    """Every byte was looked at and nothing was found."""
    return Verdict(ScanOutcome.CLEAN, engine)


def infected(engine: str, signature: str) -> Verdict:
    """`signature` was found."""
    return Verdict(ScanOutcome.INFECTED, engine, signature=signature)


def unscannable(engine: str, reason: str) -> Verdict:
    """Some bytes could not be looked at, and trying again would change nothing."""
    return Verdict(ScanOutcome.UNSCANNABLE, engine, reason=reason)


def combined(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The sternest of several engines' verdicts on the same bytes, named after all of them.

    One conviction convicts; clean needs every engine to say so. The first of equals gives its signature or reason.
    """
    if not verdicts:
        raise ValueError("bytes that no engine saw have no verdict")
    sternness = (ScanOutcome.CLEAN, ScanOutcome.UNSCANNABLE, ScanOutcome.INFECTED)
    worst = max(verdicts, key=lambda verdict: sternness.index(verdict.status))
    engine = ", ".join(verdict.engine for verdict in verdicts)
    return Verdict(worst.status, engine, worst.signature, worst.reason)
