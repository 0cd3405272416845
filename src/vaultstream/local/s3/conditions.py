"""Which bytes a GET wants and whether its conditions hold: ranges and the four If- headers, as S3 reads them."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from vaultstream.local.s3.faults import S3Fault

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def wanted_bytes(header: str, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the one past the last of a single range; None for no range or one that S3 ignores."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= size_bytes:
        raise S3Fault("InvalidRange", headers={"content-range": f"bytes */{size_bytes}"})
    return start, end


def check(headers: Mapping[str, str], etag: str, stored_at: datetime, prefix: str = "") -> None:
    """Raises `PreconditionFailed` or `NotModified`; with `prefix`, for the source of a copy, only the former."""
    stored_at = stored_at.replace(microsecond=0)
    match, none_match = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    if match is not None and not _names(match, etag):
        raise S3Fault("PreconditionFailed")
    unmodified = _moment(headers.get(f"{prefix}if-unmodified-since"))
    if match is None and unmodified and stored_at > unmodified:
        raise S3Fault("PreconditionFailed")
    modified = _moment(headers.get(f"{prefix}if-modified-since"))
    is_same = modified is not None and stored_at <= modified if none_match is None else _names(none_match, etag)
    if is_same:
        raise S3Fault("PreconditionFailed" if prefix else "NotModified", headers={"etag": f'"{etag}"'})


def _names(header: str, etag: str) -> bool:
    listed = {entry.strip().removeprefix("W/").strip('"') for entry in header.split(",")}
    return "*" in listed or etag in listed


def _moment(header: str | None) -> datetime | None:
    """The date of a header; one that cannot be read counts as absent, as HTTP asks."""
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
