"""What goes around every request: an id, headers that keep a browser safe, the measure of how long it took, and one
answer for what nobody expected.
"""

import logging
import re
import secrets
import time
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.logs import logged_request
from vaultstream.adapters.telemetry.tracer import Span, Tracer
from vaultstream.http.answers import problem_of
from vaultstream.http.fields import fields_of
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, pass it on, and answer for what it raises."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = fields_of(scope)
        given = headers.get("x-request-id", "")
        scope["request_id"] = request_id = given if _LAWFUL_ID.fullmatch(given) else secrets.token_hex(12)
        logged_request.set(request_id)
        if self._proxies:
            scope["client"] = (forwarded(scope, self._proxies), 0)
        if scope["type"] == "websocket":  # lives for hours: its operations are measured and traced one by one
            await self._passed(scope, receive, send, request_id)
            return
        begun, status = time.perf_counter(), 500
        door = _DOORS.get(scope["path"].removeprefix("/").partition("/")[0], "page")
        with self._tracer.request(f"http {door}", headers.get("traceparent", "") if self._tracer.is_on else "") as span:
            try:
                status = await self._passed(scope, receive, send, request_id)
            finally:
                self._measure(scope, door, status, time.perf_counter() - begun, span)

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
