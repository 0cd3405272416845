"""The JSON fields of a KMS request, read with the types and limits of its API reference."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaultstream.local.kms.faults import KmsFault, invalid

MAX_CONTEXT_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Fields:
    """The body of one request."""

    values: Mapping[str, object]

    def text(self, name: str, default: str | None = None, *, limit: int = 2048) -> str:
        """A string; required where there is no default."""
        value = self.values.get(name, default)
        if value is None:
            raise invalid(f"{name} is required.")
        if not isinstance(value, str):
            raise KmsFault("SerializationException", f"{name} must be a string.")
        if len(value) > limit:
            raise invalid(f"{name} must have length less than or equal to {limit}.")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within its limits."""
        value = self.values.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise KmsFault("SerializationException", f"{name} must be a number.")
        if not least <= value <= most:
            raise invalid(f"{name} must be between {least} and {most}.")
        return value

    def blob(self, name: str, limit_bytes: int) -> bytes:
        """Bytes in base64, at least one."""
        try:
            value = base64.b64decode(self.text(name, limit=limit_bytes * 2), validate=True)
        except binascii.Error as error:
            raise KmsFault("SerializationException", f"{name} must be base64.") from error
        if not 1 <= len(value) <= limit_bytes:
            raise invalid(f"{name} must have length between 1 and {limit_bytes} bytes.")
        return value

    def choice(self, name: str, default: str | None, allowed: Sequence[str]) -> str:
        """One of the values allowed."""
        value = self.text(name, default)
        if value not in allowed:
            raise invalid(f"{name} must satisfy enum value set: [{', '.join(allowed)}].")
        return value

    def flag(self, name: str) -> bool:
        """A boolean, false unless given."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise KmsFault("SerializationException", f"{name} must be true or false.")
        return value

    def context(self, name: str = "EncryptionContext") -> dict[str, str]:
        """Name-value pairs of strings, 8,192 bytes at most."""
        value = self.values.get(name) or {}
        if not isinstance(value, dict):
            raise KmsFault("SerializationException", f"{name} must be a map of strings.")
        if not all(isinstance(part, str) for pair in value.items() for part in pair):
            raise KmsFault("SerializationException", f"{name} must be a map of strings.")
        try:
            size_bytes = sum(len(part.encode()) for pair in value.items() for part in pair)
        except UnicodeEncodeError as error:
            raise KmsFault("SerializationException", f"{name} must be valid Unicode.") from error
        if size_bytes > MAX_CONTEXT_BYTES:
            raise invalid(f"{name} must not be longer than {MAX_CONTEXT_BYTES} bytes.")
        return value

    def tags(self) -> list[tuple[str, str]]:
        """The pairs of `Tags`: at most 50, keys of 1 to 128 characters, values of at most 256."""
        value = self.values.get("Tags") or []
        if not isinstance(value, list) or not all(isinstance(tag, dict) for tag in value):
            raise KmsFault("SerializationException", "Tags must be a list of tags.")
        found = [Fields(tag) for tag in value]
        pairs = [(tag.text("TagKey", limit=128), tag.text("TagValue", limit=256)) for tag in found]
        if len(pairs) > 50 or not all(name for name, _ in pairs):
            raise KmsFault("TagException", "A key takes at most 50 tags, each with a key.")
        return pairs

    def names(self, name: str) -> list[str]:
        """A list of strings."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise KmsFault("SerializationException", f"{name} must be a list of strings.")
        return value
