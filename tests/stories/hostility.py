"""A client without manners: it sends exactly the bytes it is told to, and looks hard at what comes back."""

import contextlib
import http.client
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_SECONDS = 20
_ANSWER_BYTES_MAX = 8_192
# What an answer to a stranger never tells: where the code lies, what it is made of, how it broke.
_INTERNALS = re.compile(
    rb"Traceback|File \"|object at 0x|site-packages|\.py\b|vaultstream\.|botocore|asyncio|Errno|NoneType|Exception"
)

Headers = Iterable[tuple[str | bytes, str | bytes]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back; no status where the connection was closed without a word."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


def told(port: int, data: bytes, method: str = "GET") -> Answered:
    """Send bytes over a connection of their own and read the answer to its end."""
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
        with contextlib.suppress(OSError):  # what is refused before its end has its answer all the same
            connection.sendall(data)
        response = http.client.HTTPResponse(connection, method=method)
        try:
            response.begin()
            body = response.read()
        except (http.client.HTTPException, ConnectionError):
            return Answered(None, {}, b"")
        finally:
            response.close()
    return Answered(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def request(method: str, target: str | bytes, headers: Headers = (), body: bytes = b"", **more: Any) -> bytes:
    """The bytes of a request, whose length is told unless the headers tell one; nothing is checked."""
    given = [(_bytes(name), _bytes(value)) for name, value in headers]
    names = {name.lower() for name, _ in given}
    if b"host" not in names:
        given.append((b"Host", b"127.0.0.1"))
    if not names & {b"content-length", b"transfer-encoding"} and (body or method in {"POST", "PATCH", "PUT"}):
        given.append((b"Content-Length", b"%d" % len(body)))
    given.append((b"Connection", b"close"))
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in given)
    return _bytes(method) + b" " + _bytes(target) + b" HTTP/1.1\r\n" + lines + b"\r\n" + body


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def assert_clear(answered: Answered, *statuses: int, method: str = "GET") -> None:
    """One of these refusals, in words, and with nothing of our insides."""
    assert answered.status in statuses, answered
    assert_discreet(answered)
    if method == "HEAD":
        return
    said = answered.json
    if "errors" in said:
        assert said["errors"]
        for error in said["errors"]:
            assert error["message"]
            assert error["extensions"]["code"].isupper()
    else:
        assert answered.headers["content-type"] == "application/problem+json"
        assert (said["status"], bool(said["detail"])) == (answered.status, True)
        assert said.get("code", "NONE").isupper()  # what HTTP itself refuses has its status alone


def assert_discreet(answered: Answered) -> None:
    assert answered.status is None or answered.status < 500, answered
    assert not _INTERNALS.search(answered.body), answered
    assert len(answered.body) <= _ANSWER_BYTES_MAX
