"""What a cached read gave, as bytes and back: plain items, and until when they say what they say."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

_BYTES, _PAIRS = "\0b", "\0p"  # no attribute of ours has such a name; a map that does is written as pairs
_MARK = b'"\\u0000'
_MARKED = re.compile(rb'"\\u0000[bp]":')
_MOMENT_CHARACTERS = len("2026-11-28T06:36:27.000000+00:00")
_UTC = "+00:00"

Value = Any  # Any: an item, a list of items or None, as the table's own reads give them


def written(value: Value, now: datetime) -> bytes:
    """A value with the next moment that it names, as text; "" where it names none that is to come."""
    made: list[dict[str, str]] = []

    def plain(inner: object) -> dict[str, str]:
        made.append(_plain(inner))
        return made[-1]

    until = _next_moment(value, _text(now))
    text = orjson.dumps([until, value], default=plain)
    if _MARK in text and len(_MARKED.findall(text)) != len(made):
        text = orjson.dumps([until, _escaped(value)], default=_plain)
    return text


def read(entry: bytes, now: datetime) -> tuple[float, Value]:
    """The Unix time at which what is made of the value may change by itself, and the value."""
    until, value = orjson.loads(entry)
    if _MARK in entry:
        value = _restored(value)
    if until and until <= _text(now):
        until = _next_moment(value, _text(now))
    return (datetime.fromisoformat(until).timestamp() if until else float("inf")), value


def _text(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="microseconds")


def _next_moment(value: Value, now: str) -> str:
    return min((text for text in _texts(value) if _is_moment(text) and text > now), default="")


def _is_moment(text: str) -> bool:
    if len(text) != _MOMENT_CHARACTERS or not text.endswith(_UTC):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _plain(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    raise TypeError(f"the cache holds no {type(value).__name__}")


def _escaped(value: Value) -> Value:
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    if isinstance(value, dict):
        pairs = {name: _escaped(inner) for name, inner in value.items()}
        return {_PAIRS: list(pairs.items())} if {_BYTES, _PAIRS} & pairs.keys() else pairs
    return value


def _restored(value: Value) -> Value:
    if isinstance(value, list):
        return [_restored(inner) for inner in value]
    if isinstance(value, dict):
        if _BYTES in value:
            return base64.b64decode(value[_BYTES])
        if _PAIRS in value:
            return {name: _restored(inner) for name, inner in value[_PAIRS]}
        return {name: _restored(inner) for name, inner in value.items()}
    return value
