"""Plain values ↔ DynamoDB's typed attribute values; whole numbers only, so that no float ever rounds."""

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Attribute = dict[str, Any]  # Any: the wire format's own nesting, {"S": …}, {"M": {…}}
Item = dict[str, Any]  # Any: a plain item's values are str, int, bool, bytes, None, lists and dicts of them


def to_attribute(value: object) -> Attribute:  # noqa: PLR0911  # one return for each kind of value
    """One value as it goes over the wire."""
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [to_attribute(each) for each in value]}
        case dict():
            return {"M": to_attributes(value)}
    raise TypeError(f"the table holds no {type(value).__name__}")


def to_attributes(item: Mapping[Any, object]) -> dict[str, Attribute]:
    """A plain item as it goes over the wire; what is None is left out."""
    return {str(name): to_attribute(value) for name, value in item.items() if value is not None}


def from_attributes(attributes: Mapping[str, Attribute]) -> Item:
    """A plain item as it came over the wire."""
    return {
        name: value if kind == "S" else _READ[kind](value)
        for name, attribute in attributes.items()
        for kind, value in attribute.items()
    }


def _list_from(values: Sequence[Attribute]) -> list[Any]:
    return [_READ[kind](value) for attribute in values for kind, value in attribute.items()]


def _bytes_from(value: bytes | str) -> bytes:
    """As base64 where nobody decoded them on the way."""
    return b64decode(value) if isinstance(value, str) else value


def _same(value: Any) -> Any:
    return value


_READ: Mapping[str, Callable[[Any], Any]] = {
    "S": _same,
    "N": int,
    "BOOL": _same,
    "B": _bytes_from,
    "L": _list_from,
    "M": from_attributes,
    "NULL": lambda _: None,
}
