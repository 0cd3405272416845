"""The messages of `graphql-transport-ws` that a client sends: read strictly, or the socket closes with 4400."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaultstream.errors import VaultError
from vaultstream.gql.execution import Ask
from vaultstream.http.graphql_request import BODY_BYTES_MAX, ask_of, json_of

_ID_CHARACTERS_MAX = 128


class Closing(Exception):
    """The socket is to close with this code and reason; there is no code where it has closed already."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Init:
    """`connection_init`."""

    payload: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`."""

    payload: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON values


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`subscribe`: an operation of any kind."""

    id: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Complete:
    """`complete`: the client wants no more of this operation."""

    id: str


Message = Init | Ping | Pong | Subscribe | Complete


def read(text: str | None) -> Message:
    """The message in a text frame (None for a binary one); raises Closing for what the protocol does not know."""
    if text is None:
        raise Closing(4400, "Send text frames")
    if len(text.encode("utf-8", "surrogatepass")) > BODY_BYTES_MAX:
        raise Closing(1009, f"A message has at most {BODY_BYTES_MAX} bytes")
    try:
        value = json_of(text)
    except VaultError as error:
        raise Closing(4400, error.message) from None
    if not isinstance(value, dict):
        raise Closing(4400, "A message is a JSON object")
    match value.get("type"):
        case "connection_init":
            return Init(_payload(value))
        case "ping":
            return Ping(_payload(value))
        case "pong":
            _payload(value)
            return Pong()
        case "subscribe":
            return Subscribe(_id(value), _ask(value.get("payload")))
        case "complete":
            return Complete(_id(value))
    raise Closing(4400, "There is no message of this type")


def _payload(value: Mapping[str, Any]) -> Mapping[str, Any]:  # Any: JSON values
    payload = value.get("payload")
    if payload is None:
        return {}
    if not isinstance(payload, dict):
        raise Closing(4400, "The payload is an object, null, or left out")
    return payload


def _id(value: Mapping[str, Any]) -> str:  # Any: JSON values
    found = value.get("id")
    if not isinstance(found, str) or not 0 < len(found) <= _ID_CHARACTERS_MAX:
        raise Closing(4400, f"An id is text of 1 to {_ID_CHARACTERS_MAX} characters")
    return found


def _ask(payload: object) -> Ask:
    if not isinstance(payload, dict):
        raise Closing(4400, "The payload of subscribe is an object with a query")
    try:
        return ask_of(payload)
    except VaultError as error:
        raise Closing(4400, error.message) from None
