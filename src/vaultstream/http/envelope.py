"""What goes around every request: an id, headers that keep a browser safe, the measure of how long it took, and one
answer for what nobody expected.
"""

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.logs import logged_request
from vaultstream.adapters.telemetry.tracer import Span, Tracer
from vaultstream.http.answers import problem_of
from vaultstream.http.fields import fields_of
from vaultstream.http.graphql_answers import Pieces
from vaultstream.http.graphql_media import HEADERS
from vaultstream.http.recall import Asked, Recall
from vaultstream.metrics import REQUEST_SECONDS

log = logging.getLogger(__name__)

_LAWFUL_ID = re.compile("[A-Za-z0-9_-]{8,64}")
_DOORS = {
    "graphql": "graphql",
    "uploads": "uploads",
    "content": "content",
    "zip": "zip",
    "audit": "audit",
    "s": "link",
    "health": "health",
    "ready": "health",
    "metrics": "metrics",
}
_SEALING = [  # unless an answer has its own
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
_SAMPLED = "vaultstream.sampled"  # in the scope: whether the request is traced, where that was drawn before
OPERATION = "vaultstream.operation"  # where the GraphQL door tells, in the scope, what kind it was asked for
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self'; worker-src 'self'; connect-src {places}; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


class Envelope:
    """The outermost ASGI middleware: pure, so that it costs a hot request next to nothing."""

    def __init__(self, app: ASGIApp, *, asked: Iterable[str], meters: Meters, tracer: Tracer, proxies: int = 0) -> None:
        """`asked` are the origins that the page may ask beside this one."""
        self._app = app
        self._meters = meters
        self._tracer = tracer
        self._proxies = proxies
        policy = PAGE_POLICY.format(places=" ".join(["'self'", *asked]))
        self._sealing = [*_SEALING, (b"content-security-policy", policy.encode())]
        self._sealed_end = _lines(self._sealing) + b"\r\n"
        self.recall: Recall | None = None  # who may know an answer before the app is asked, while that is open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, pass it on, and answer for what it raises."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = fields_of(scope)
        scope["request_id"] = request_id = _id_of(headers.get("x-request-id", ""))
        logged_request.set(request_id)
        if self._proxies:
            scope["client"] = (forwarded(scope, self._proxies), 0)
        if scope["type"] == "websocket":  # lives for hours: its operations are measured and traced one by one
            await self._passed(scope, receive, send, request_id)
            return
        begun, status = time.perf_counter(), 500
        door = _DOORS.get(scope["path"].removeprefix("/").partition("/")[0], "page")
        given, drawn = headers.get("traceparent", "") if self._tracer.is_on else "", scope.get(_SAMPLED)
        with self._tracer.request(f"http {door}", given, drawn=drawn) as span:
            try:
                status = await self._passed(scope, receive, send, request_id)
            finally:
                self._measure(scope, door, status, time.perf_counter() - begun, span)

    def at_once(
        self, scope: MutableMapping[str, Any], asked: Asked, body: bytes, end: Callable[[Pieces | None], None]
    ) -> bool:  # Any: as ASGI has it
        """Whether there may be a known answer to this POST to /graphql: then `end` is told, later, all of it that
        follows the status line, or None where the app is to be asked after all, with what `scope` has been told here.
        """
        if self.recall is None:
            return False
        begun = time.perf_counter()
        if _SAMPLED not in scope:
            scope[_SAMPLED] = self._tracer.draws()
        if scope[_SAMPLED]:
            return False  # a trace shows the whole way

        def ended(answer: Pieces | None) -> None:
            if answer is None:
                end(None)
                return
            own = _OWN % (sum(map(len, answer)), _id_of(asked.request_id).encode())
            end((_FRONTS[asked.media] + own + self._sealed_end, *answer))
            self._meters.observe(REQUEST_SECONDS, time.perf_counter() - begun, "graphql", "query", "ok")

        return self.recall.begin(asked, body, ended)

    async def _passed(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        """The status that was answered; 0 where nobody waited for one."""
        status = 0

        async def sealed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": self._sealed(message["headers"], request_id)}
            await send(message)

        try:
            await self._app(scope, receive, sealed_send)
        except Exception:
            log.exception("request %s failed", request_id)
            if status or scope["type"] != "http":
                raise
            await _failed(request_id)(scope, receive, sealed_send)
        return status

    def _measure(self, scope: Scope, door: str, status: int, seconds: float, span: Span | None) -> None:
        outcome = "failed" if status >= 500 else "ok" if 0 < status < 400 else "refused"
        operation = scope.get(OPERATION, "none")
        self._meters.observe(REQUEST_SECONDS, seconds, door, operation, outcome)
        if span is not None:
            span.has_failed = outcome == "failed"
            span.attributes |= {"status": status, "operation": operation, "request_id": scope["request_id"]}

    def _sealed(self, headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
        sealed = [*headers, (b"x-request-id", request_id.encode())]
        given = {name for name, _ in sealed}
        return sealed + [each for each in self._sealing if each[0] not in given]


def _id_of(given: str) -> str:
    return given if _LAWFUL_ID.fullmatch(given) else next(_IDS)


def _new_ids() -> Iterator[str]:
    """Of 96 random bits each; the system is asked for those of many at once."""
    while True:
        many = secrets.token_hex(12 * 64)
        yield from (many[at : at + 24] for at in range(0, len(many), 24))


_IDS = _new_ids()


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % each for each in headers)


_OWN = b"content-length: %d\r\nx-request-id: %b\r\n"
_FRONTS = {media: _lines(headers) for media, headers in HEADERS.items()}


def forwarded(scope: Scope, proxies: int) -> str:
    """Who sent a request, as the outermost of our own proxies saw it; "" where it came past fewer of them.

    Each adds an address at the end, so what a sender claims stands further to the left and is never reached.
    """
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    addresses = [each.strip() for line in lines for each in line.split(",")]
    return addresses[-proxies] if len(addresses) >= proxies else ""


async def unexpected(request: Request, _error: Exception) -> Response:
    """Starlette's last exception handler: without it there would be a bare text in its stead. It is logged above."""
    return _failed(request.scope["request_id"])


def _failed(request_id: str) -> Response:
    return problem_of(500, f"The vault failed; give this number to who runs it: {request_id}.")
