"""What goes around every request: an id, headers that keep a browser safe, the measure of how long it took, and one
answer for what nobody expected.
"""

import logging
import re
import secrets
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vaultstream.adapters.meters import Meters
from vaultstream.http.answers import problem_of
from vaultstream.metrics import REQUEST_SECONDS

log = logging.getLogger(__name__)

_LAWFUL_ID = re.compile("[A-Za-z0-9_-]{8,64}")
_DOORS = {
    "graphql": "graphql",
    "uploads": "uploads",
    "content": "content",
    "zip": "zip",
    "s": "link",
    "health": "health",
    "ready": "health",
    "metrics": "metrics",
}
OPERATION = "vaultstream.operation"  # where the GraphQL door tells, in the scope, what kind it was asked for
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self' {issuer}; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


class Envelope:
    """The outermost ASGI middleware: pure, so that it costs a hot request next to nothing."""

    def __init__(self, app: ASGIApp, *, issuer: str, meters: Meters) -> None:
        self._app = app
        self._meters = meters
        place = urlsplit(issuer)
        self._policy = PAGE_POLICY.format(issuer=f"{place.scheme}://{place.netloc}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, pass it on, and answer for what it raises."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _LAWFUL_ID.fullmatch(given) else secrets.token_hex(12)
        scope["request_id"] = request_id
        status, begun = 0, time.perf_counter()

        async def sealed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._seal(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            await self._app(scope, receive, sealed_send)
        except Exception:
            log.exception("request %s failed", request_id)
            if status or scope["type"] != "http":
                status = 500
                raise
            await _failed(request_id)(scope, receive, sealed_send)
        finally:
            if scope["type"] == "http":
                self._measure(scope, status, time.perf_counter() - begun)

    def _measure(self, scope: Scope, status: int, seconds: float) -> None:
        """Who goes away before an answer has begun is counted as refused: nothing of ours failed."""
        outcome = "failed" if status >= 500 else "ok" if 0 < status < 400 else "refused"
        door = _DOORS.get(scope["path"].split("/", 2)[1], "page")
        self._meters.observe(REQUEST_SECONDS, seconds, door, scope.get(OPERATION, "none"), outcome)

    def _seal(self, headers: MutableHeaders, request_id: str) -> None:
        headers["X-Request-Id"] = request_id
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Content-Security-Policy", self._policy)


async def unexpected(request: Request, _error: Exception) -> Response:
    """Starlette's last exception handler: without it there would be a bare text in its stead. It is logged above."""
    return _failed(request.scope["request_id"])


def _failed(request_id: str) -> Response:
    return problem_of(500, f"The vault failed; give this number to who runs it: {request_id}.")
