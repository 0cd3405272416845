"""Trusted documents: the operations that clients were built with, by the SHA-256 of their text."""

import json
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from vaultstream.settings import SettingsError

_SHORT = 80


def trusted_documents(manifest: str) -> Mapping[str, str]:
    """The texts of a manifest, which is a JSON object of lower-case hex SHA-256 → text; raises SettingsError."""
    try:
        found = json.loads(manifest, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"The manifest of trusted documents is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise SettingsError("The manifest of trusted documents is a JSON object: SHA-256 → text")
    for digest, text in found.items():
        if not isinstance(text, str):
            raise SettingsError(f"The trusted document {digest[:_SHORT]} is not text")
        if digest != hashed(text):
            raise SettingsError(f"The trusted document {digest[:_SHORT]} has another SHA-256: {hashed(text)}")
    return MappingProxyType(found)


def hashed(text: str) -> str:
    """The SHA-256 of a text in UTF-8, in lower-case hex."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found
