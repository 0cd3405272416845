"""Times as the table keeps them: ISO 8601 in UTC with microseconds, so that text sorts as time."""

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """A time as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def maybe_moment(at: datetime | None) -> str | None:
    """The same for a time that may not have come."""
    return None if at is None else moment(at)


def time_of(text: str) -> datetime:
    """`moment`'s text as a time again."""
    return datetime.fromisoformat(text)


def maybe_time(text: str | None) -> datetime | None:
    """The same for a time that may not have come."""
    return None if text is None else datetime.fromisoformat(text)
