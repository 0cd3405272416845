"""What can go wrong in ways a caller can mend, and the one exception that says it."""

from enum import StrEnum


class Code(StrEnum):
    """A stable, public reason; doors map it to a status once (`http/answers.py`, `gql/errors.py`)."""

    INVALID = "INVALID"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    NAME_TAKEN = "NAME_TAKEN"
    STALE = "STALE"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    TOO_LARGE = "TOO_LARGE"
    OFFSET_MISMATCH = "OFFSET_MISMATCH"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    UPLOAD_BUSY = "UPLOAD_BUSY"
    UPLOAD_GONE = "UPLOAD_GONE"
    NOT_SCANNED = "NOT_SCANNED"
    INFECTED = "INFECTED"
    UNREADABLE = "UNREADABLE"
    ARCHIVED = "ARCHIVED"
    EXPIRED = "EXPIRED"
    LIMITED = "LIMITED"
    RATE_LIMITED = "RATE_LIMITED"
    UNAVAILABLE = "UNAVAILABLE"


class VaultError(Exception):
    """An expected failure: `code` for programs, `message` tells a person what to do, `path` names the input.

    A stranger gets `NOT_FOUND`; `FORBIDDEN` is only for those who may already see the thing.
    """

    def __init__(self, code: Code, message: str, *, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


def not_found(what: str = "item") -> VaultError:
    """The one answer for what is not there and for what is not yours."""
    return VaultError(Code.NOT_FOUND, f"There is no such {what}, or you may not see it.")
