"""Which older versions of a file need not be kept: the closer to now, the more of them stay."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vaultstream.versions import Version


@dataclass(frozen=True, slots=True)
class Policy:
    """Every version of the last day, the newest of each day for a month and of each week for a year; then none.

    Days and weeks (from Monday) are UTC's. At most `versions_max` unlabelled older versions stay, the newest of them.
    Labelled ones stay for ever, and so does the current one.
    """

    versions_max: int
    all_for: timedelta = timedelta(days=1)
    daily_for: timedelta = timedelta(days=30)
    weekly_for: timedelta = timedelta(days=365)


def superfluous(versions: Sequence[Version], now: datetime, policy: Policy) -> tuple[Version, ...]:
    """Those that need not be kept, the newest first."""
    older = unlabelled(versions)
    kept: dict[Hashable, Version] = {}
    for version in older:
        span = _span(version, now, policy)
        if span is not None and len(kept) < policy.versions_max:
            kept.setdefault(span, version)
    staying = {version.number for version in kept.values()}
    return tuple(version for version in older if version.number not in staying)


def unlabelled(versions: Sequence[Version]) -> list[Version]:
    """The older versions that do not stay for ever, the newest first."""
    newest_first = sorted(versions, key=lambda version: version.number, reverse=True)
    return [version for version in newest_first[1:] if version.label is None]


def _span(version: Version, now: datetime, policy: Policy) -> Hashable | None:
    """What this version may be the one kept of; None for nothing any more."""
    at = version.created_at.astimezone(UTC)
    age = now - at
    if age < policy.all_for:
        return version.number
    if age < policy.daily_for:
        return "day", at.date()
    if age < policy.weekly_for:
        return "week", at.isocalendar()[:2]
    return None
