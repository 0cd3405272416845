"""JSON Schemas of the events, derived from `events.Event`, for whoever consumes them outside this package."""

import json
import types
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args, get_origin, get_type_hints

from vaultstream.events import Decision, Event, EventName

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_Schema = dict[str, Any]  # Any: JSON values

_KINDS: dict[object, _Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    datetime: {"type": "string", "format": "date-time"},
    Decision: {"enum": [decision.value for decision in Decision]},
}


def schema_files() -> dict[str, str]:
    """Each event's schema as the text of its file in schema/events, by the file's name."""
    return {f"{name}.json": json.dumps(schema_of(name), indent=2) + "\n" for name in EventName}


def schema_of(name: EventName) -> _Schema:
    """The schema (draft 2020-12) of what `Event.to_message` writes for events of this name."""
    kinds = _KINDS | {EventName: {"const": name.value}}
    properties = {field: _schema(hint, kinds) for field, hint in get_type_hints(Event).items()}
    return {
        "$schema": _DIALECT,
        "title": name.value,
        "type": "object",
        "properties": properties,
        "required": [field for field in properties if field != "trace"],
        "additionalProperties": False,
    }


def _schema(hint: object, kinds: Mapping[object, _Schema]) -> _Schema:
    if isinstance(hint, types.UnionType):
        return {"anyOf": [_schema(member, kinds) for member in get_args(hint)]}
    if hint is types.NoneType:
        return {"type": "null"}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0], kinds)}
    if get_origin(hint) is Mapping:
        return {"type": "object"}
    return kinds[hint]
