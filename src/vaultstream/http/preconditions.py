"""Whether a conditional request goes ahead, by RFC 9110 section 13."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum, auto

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_TAGS = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH, _TIME = rf"(?P<month>{'|'.join(_MONTHS)})", r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",
        rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",
    )
)


class Verdict(Enum):
    """What the conditions make of a GET or HEAD."""

    PROCEED = auto()
    NOT_MODIFIED = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one content from another: a strong entity tag with its quotes, and when it was last modified."""

    etag: str
    modified_at: datetime

    @property
    def last_modified(self) -> str:
        """The Last-Modified value."""
        return http_date(self.modified_at)


def judge(headers: Mapping[str, str], validators: Validators) -> Verdict:
    """Weigh the conditions of a GET or HEAD in the order that section 13.2.2 gives."""
    modified = validators.modified_at.replace(microsecond=0)
    if (wanted := headers.get("if-match")) is not None:
        if not _matches(wanted, validators.etag, weakly=False):
            return Verdict.FAILED
    elif (date := parse_date(headers.get("if-unmodified-since"))) is not None and modified > date:
        return Verdict.FAILED
    if (unwanted := headers.get("if-none-match")) is not None:
        return Verdict.NOT_MODIFIED if _matches(unwanted, validators.etag, weakly=True) else Verdict.PROCEED
    if (date := parse_date(headers.get("if-modified-since"))) is not None and modified <= date:
        return Verdict.NOT_MODIFIED
    return Verdict.PROCEED


def range_applies(headers: Mapping[str, str], validators: Validators) -> bool:
    """Whether If-Range lets a Range stand: the very same strong tag, or the very same date."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    if condition.lstrip().startswith(('"', "W/")):
        return condition.strip() == validators.etag
    return parse_date(condition) == validators.modified_at.replace(microsecond=0)


def http_date(moment: datetime) -> str:
    """A moment as HTTP writes it, to the second."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def parse_date(text: str | None) -> datetime | None:
    """A date in any of HTTP's three forms (section 5.6.7); None for no date, which is to be ignored."""
    found = next((found for form in _DATES if (found := form.fullmatch((text or "").strip(" \t")))), None)
    if found is None:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 1900 if year >= 70 else 2000
    month = _MONTHS.index(found["month"]) + 1
    clock = (int(found["hour"]), int(found["minute"]), min(int(found["second"]), 59))
    try:
        return datetime(year, month, int(found["day"]), *clock, tzinfo=UTC)
    except ValueError:
        return None


def _matches(header: str, etag: str, *, weakly: bool) -> bool:
    if header.strip(" \t") == "*":
        return True
    if not _TAGS.fullmatch(header):
        return False
    return any(tag == etag and (weakly or not weak) for weak, tag in _TAG.findall(header))
