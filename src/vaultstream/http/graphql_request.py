"""GraphQL requests as they come over the wire: checked in shape and size before anything reads them as GraphQL."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from vaultstream.errors import Code, VaultError
from vaultstream.gql.execution import Ask

BODY_BYTES_MAX = 256 * 1024
BODY_SECONDS_MAX = 15
QUERY_STRING_BYTES_MAX = 16 * 1024
JSON_DEPTH_MAX = 50
_PARAMETERS_MAX = 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Unserved(Exception):
    """A request that HTTP has a status for: it never becomes a GraphQL request."""

    def __init__(
        self, status: int, message: str, *, code: Code = Code.INVALID, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})


async def body_of(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The body of a POST; raises Unserved for what HTTP refuses."""
    if (
        refused := unlike_json(headers.get("content-type", ""), headers.get("content-encoding", "identity"))
    ) is not None:
        raise Unserved(415, refused, headers={"Accept-Encoding": "identity"})
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await _body(headers, receive)
    except TimeoutError:
        raise Unserved(408, "The body did not come in time.", headers={"Connection": "close"}) from None


def posted(body: bytes) -> Ask:
    """The request in a POST's body; raises VaultError for what is no GraphQL request."""
    return ask_of(json_of(body))


def queried(query_string: bytes) -> Ask:
    """The request in the query string of a GET; raises Unserved or VaultError."""
    if len(query_string) > QUERY_STRING_BYTES_MAX:
        raise Unserved(414, f"Send what is longer than {QUERY_STRING_BYTES_MAX} bytes as a POST.")
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX
        )
    except ValueError:
        raise _invalid("The query string is not form-encoded UTF-8.") from None
    given: dict[str, object] = dict(pairs)
    for name in ("variables", "extensions"):
        text = given.get(name)
        if isinstance(text, str):
            given[name] = json_of(text.encode()) if text else None
    return ask_of(given)


@lru_cache(64)
def unlike_json(content_type: str, content_encoding: str) -> str | None:
    """What is to be changed in a body's headers; None where nothing is."""
    media, _, parameters = content_type.partition(";")
    if media.strip().lower() != "application/json":
        return "Send the request as application/json."
    charset = parameters.lower().replace(" ", "").partition("charset=")[2].partition(";")[0].strip('"')
    if charset not in {"", "utf-8", "utf8"}:
        return "Send JSON in UTF-8."
    return None if content_encoding.strip().lower() == "identity" else "Send the body as it is, not compressed."


async def _body(headers: Mapping[str, str], receive: Receive) -> bytes:
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > BODY_BYTES_MAX:
        raise _too_large()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


def _too_large() -> Unserved:
    text = f"A GraphQL request has at most {BODY_BYTES_MAX} bytes."
    return Unserved(413, text, code=Code.TOO_LARGE, headers={"Connection": "close"})


def json_of(text: bytes | str) -> object:
    """The JSON value that this is; raises INVALID for text that is none, or is nested too deeply."""
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _invalid("This is not JSON in UTF-8.") from None
    level, depth = [value], 0
    while level := [inner for outer in level for inner in _within(outer)]:
        depth += 1
        if depth > JSON_DEPTH_MAX:
            raise _invalid(f"JSON here is nested at most {JSON_DEPTH_MAX} deep.")
    return value


def _within(value: object) -> Sequence[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else ()


def ask_of(value: object) -> Ask:
    """The GraphQL request that a JSON value is; raises INVALID with what is wrong with it."""
    if isinstance(value, list):
        raise _invalid("Send one operation a request: there are no batches here.")
    if not isinstance(value, dict):
        raise _invalid("A GraphQL request is a JSON object with a query.")
    query, name = value.get("query"), value.get("operationName")
    digest = _digest(value, _mapping(value, "extensions"))
    if not isinstance(query, str | None) or not (query or digest):
        raise _invalid("The query is text and is not empty.", "query")
    if not isinstance(name, str | None):
        raise _invalid("The operationName is text or null.", "operationName")
    return Ask(query or "", name or None, _mapping(value, "variables"), digest)


def _digest(value: Mapping[str, object], extensions: Mapping[str, Any]) -> str | None:  # Any: JSON values
    """The SHA-256 by which a request names its document; None where it names none."""
    named, persisted = value.get("documentId"), extensions.get("persistedQuery")
    found = []
    if named is not None:
        prefix, _, digest = named.partition(":") if isinstance(named, str) else ("", "", "")
        if prefix != "sha256" or not _SHA256.fullmatch(digest):
            raise _invalid("A documentId is sha256: and 64 lower-case hex digits.", "documentId")
        found.append(digest)
    if persisted is not None:
        found.append(_apollo_digest(persisted))
    if len(set(found)) > 1:
        raise _invalid("The documentId and the persistedQuery name different documents.", "documentId")
    return found[0] if found else None


def _apollo_digest(persisted: object) -> str:
    """`extensions.persistedQuery` of Apollo's protocol, version 1."""
    given = persisted if isinstance(persisted, dict) else {}
    digest = given.get("sha256Hash")
    if given.get("version") != 1:
        raise _invalid("The persistedQuery has version 1.", "extensions", "persistedQuery", "version")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise _invalid("It is 64 lower-case hex digits.", "extensions", "persistedQuery", "sha256Hash")
    return digest


def _mapping(value: Mapping[str, object], name: str) -> Mapping[str, Any]:  # Any: JSON values
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _invalid(f"The {name} are a JSON object or null.", name)
    return found


def _invalid(message: str, *path: str) -> VaultError:
    return VaultError(Code.INVALID, message, path=path)
