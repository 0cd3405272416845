"""What a failure looks like over HTTP: one status a code, and an RFC 9457 problem as the body."""

import http
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from vaultstream.errors import Code, VaultError

STATUSES: Mapping[Code, int] = MappingProxyType(
    {
        Code.INVALID: 400,
        Code.UNAUTHENTICATED: 401,
        Code.FORBIDDEN: 403,
        Code.NOT_FOUND: 404,
        Code.CONFLICT: 409,
        Code.NAME_TAKEN: 409,
        Code.STALE: 409,
        # 507 would say the same, but upload clients send again after every 5xx, and a full vault stays full.
        Code.QUOTA_EXCEEDED: 413,
        Code.TOO_LARGE: 413,
        Code.OFFSET_MISMATCH: 409,
        Code.CHECKSUM_MISMATCH: 460,
        Code.UPLOAD_BUSY: 423,
        Code.UPLOAD_GONE: 410,
        Code.NOT_SCANNED: 409,
        Code.ARCHIVED: 409,
        Code.INFECTED: 403,
        Code.UNREADABLE: 500,
        Code.EXPIRED: 410,
        Code.LIMITED: 429,
        Code.RATE_LIMITED: 429,
        Code.UNAVAILABLE: 503,
    }
)
_TITLES = {460: "Checksum Mismatch"}
_EXTRA: Mapping[Code, Mapping[str, str]] = {
    Code.UNAUTHENTICATED: {"WWW-Authenticate": "Bearer"},
    Code.UPLOAD_BUSY: {"Retry-After": "5"},
    Code.LIMITED: {"Retry-After": "10"},
    Code.RATE_LIMITED: {"Retry-After": "10"},
    Code.UNAVAILABLE: {"Retry-After": "10"},
}


def problem(error: VaultError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for an expected failure; `headers` come on top of those its code brings."""
    extra = {**_EXTRA.get(error.code, {}), **(headers or {})}
    return problem_of(STATUSES[error.code], error.message, headers=extra, code=error.code, path=error.path)


def problem_of(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    code: Code | None = None,
    path: tuple[str, ...] = (),
) -> Response:
    """A problem whose status belongs to the protocol rather than to a code (405, 412, 415, 416 …)."""
    body: dict[str, Any] = {"type": "about:blank", "title": _title(status), "status": status}  # Any: JSON values
    body["detail"] = detail
    if code is not None:
        body["code"] = code
    if path:
        body["path"] = list(path)
    text = json.dumps(body, ensure_ascii=False).encode()
    sealing = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(text, status, {**sealing, **(headers or {})}, "application/problem+json")


async def refusal(_request: Request, error: Exception) -> Response:
    """The exception handler for VaultError, for `Starlette(exception_handlers=…)`."""
    if not isinstance(error, VaultError):
        raise error
    return problem(error)


def _title(status: int) -> str:
    return _TITLES.get(status) or http.HTTPStatus(status).phrase
