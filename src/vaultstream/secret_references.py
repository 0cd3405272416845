"""How a setting names a secret instead of holding it: `{{secret:<id>}}`, or `{{secret:<id>#<field>}}` for JSON."""

import json
import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\{\{secret:(?P<id>[A-Za-z0-9/_+=.@:-]+)(?:#(?P<field>[A-Za-z0-9_-]+))?\}\}")


def reference(secret_id: str, field: str | None = None) -> str:
    """The text that stands for a secret, or for one field of it; ValueError for an id that AWS would not take."""
    text = f"{{{{secret:{secret_id}{f'#{field}' if field else ''}}}}}"
    found = _REFERENCE.fullmatch(text)
    if found is None or found["id"] != secret_id:
        raise ValueError("a secret's id is of letters, digits and /_+=.@:-")
    return text


def referred(text: str) -> frozenset[str]:
    """The ids of the secrets that stand in a text."""
    return frozenset(match["id"] for match in _REFERENCE.finditer(text))


def filled(text: str, secrets: Mapping[str, str]) -> str:
    """The text with each secret where its name stood; KeyError where one is missing, ValueError where it is no JSON."""

    def fill(match: re.Match[str]) -> str:
        secret = secrets[match["id"]]
        return secret if match["field"] is None else str(json.loads(secret)[match["field"]])

    return _REFERENCE.sub(fill, text)
