"""The custom scalars of the contract: what each one looks like on the wire, and what it refuses."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

ByteSize = NewType("ByteSize", int)
Sha256 = NewType("Sha256", str)
URL = NewType("URL", str)

_BYTES_MAX = 2**63 - 1
_SHA256 = re.compile("[0-9a-f]{64}")
_MOMENT_CHARACTERS_MAX = 40
_MOMENTS_KEPT = 4096  # what is read often is written often


@lru_cache(_MOMENTS_KEPT)
def _written_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_moment(value: object) -> datetime:
    try:
        if isinstance(value, str) and len(value) <= _MOMENT_CHARACTERS_MAX:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError("A DateTime is RFC 3339 text with its offset, as in 2026-01-31T12:00:00Z.")


def _read_bytes(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _BYTES_MAX:
        return value
    raise GraphQLError("A ByteSize is a whole number of bytes from 0 to 9223372036854775807.")


def _read_sha256(value: object) -> str:
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return value
    raise GraphQLError("A Sha256 is 64 lower-case hexadecimal digits.")


def _read_url(value: object) -> str:
    if isinstance(value, str) and value.startswith(("https://", "http://")):
        return value
    raise GraphQLError("A URL is absolute and begins with https:// or http://.")


SCALARS: Mapping[object, ScalarDefinition] = MappingProxyType(
    {
        datetime: strawberry.scalar(
            name="DateTime",
            description="A moment as RFC 3339 text; the vault writes it in UTC.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
            serialize=_written_moment,
            parse_value=_read_moment,
        ),
        ByteSize: strawberry.scalar(
            name="ByteSize",
            description="A whole number of bytes, as a JSON number of up to 63 bits.",
            serialize=int,
            parse_value=_read_bytes,
        ),
        Sha256: strawberry.scalar(
            name="Sha256",
            description="The SHA-256 digest of plaintext, as 64 lower-case hexadecimal digits.",
            serialize=str,
            parse_value=_read_sha256,
        ),
        URL: strawberry.scalar(
            name="URL",
            description="An absolute URL.",
            specified_by_url="https://url.spec.whatwg.org/",
            serialize=str,
            parse_value=_read_url,
        ),
    }
)
