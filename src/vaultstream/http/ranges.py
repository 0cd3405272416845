"""Which bytes a Range header asks for, by RFC 9110 section 14."""

import re
from dataclasses import dataclass
from enum import IntEnum

_SET = re.compile(r"[ \t]*bytes=(.*)", re.IGNORECASE | re.DOTALL)
_INT_RANGE = re.compile(r"([0-9]+)-([0-9]*)")
_SUFFIX_RANGE = re.compile(r"-([0-9]+)")
_DIGITS_MAX = 18  # more is past every file's end; int() itself refuses very long text


class Selected(IntEnum):
    """What is sent, as its status."""

    WHOLE = 200
    PART = 206
    NOTHING = 416


@dataclass(frozen=True, slots=True)
class Selection:
    """The bytes [start, stop) of a content of `size_bytes`, and what they are of it."""

    selected: Selected
    start: int
    stop: int
    size_bytes: int

    @property
    def content_range(self) -> str | None:
        """The Content-Range value; None where all is sent."""
        if self.selected is Selected.WHOLE:
            return None
        if self.selected is Selected.NOTHING:
            return f"bytes */{self.size_bytes}"
        return f"bytes {self.start}-{self.stop - 1}/{self.size_bytes}"


def whole(size_bytes: int) -> Selection:
    """All of it."""
    return Selection(Selected.WHOLE, 0, size_bytes, size_bytes)


def select(header: str | None, size_bytes: int) -> Selection:
    """What to send for a Range header.

    Unknown units and malformed sets are ignored, as the RFC has it. Of several ranges, one that can be met is
    sent alone; where more can be met all is sent, which the RFC allows and every client must take.
    """
    specs = _specs(header) if header is not None else None
    if specs is None:
        return whole(size_bytes)
    parts = [part for part in (_part(spec, size_bytes) for spec in specs) if part is not None]
    if not parts:
        return Selection(Selected.NOTHING, 0, 0, size_bytes)
    start, stop = parts[0]
    if len(parts) > 1 or start == stop:
        return whole(size_bytes)
    return Selection(Selected.PART, start, stop, size_bytes)


def _specs(header: str) -> list[tuple[int | None, int | None]] | None:
    """Each range as (first, last): last None is to the end, first None makes last a suffix's length."""
    found = _SET.fullmatch(header)
    if found is None:
        return None
    specs: list[tuple[int | None, int | None]] = []
    for text in (element.strip(" \t") for element in found[1].split(",")):
        spec = _spec(text)
        if text and spec is None:
            return None
        if spec is not None:
            specs.append(spec)
    return specs or None


def _spec(text: str) -> tuple[int | None, int | None] | None:
    if suffix := _SUFFIX_RANGE.fullmatch(text):
        return None, _number(suffix[1])
    found = _INT_RANGE.fullmatch(text)
    if found is None:
        return None
    if found[2] and _order(found[2]) < _order(found[1]):
        return None
    return _number(found[1]), _number(found[2]) if found[2] else None


def _part(spec: tuple[int | None, int | None], size_bytes: int) -> tuple[int, int] | None:
    first, last = spec
    if first is None:
        length = last or 0
        return (max(0, size_bytes - length), size_bytes) if length else None
    if first >= size_bytes:
        return None
    return first, size_bytes if last is None else min(last + 1, size_bytes)


def _number(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _DIGITS_MAX else 10**_DIGITS_MAX


def _order(digits: str) -> tuple[int, str]:
    """Sorts decimal numbers of any length, also those beyond what `_number` tells apart."""
    significant = digits.lstrip("0")
    return len(significant), significant
