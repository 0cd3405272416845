"""Failures as the contract shows them: expected ones as data in a payload, the others as top-level errors."""

import logging
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.types.enum import EnumValueDefinition
from strawberry.utils.str_converters import to_camel_case

from vaultstream.budgets import RateLimited
from vaultstream.errors import Code, VaultError

_LOG = logging.getLogger(__name__)
MESSAGE_CHARACTERS_MAX = 300
INTERNAL = "INTERNAL"
_CALLERS = ("Argument '", "Variable '$")  # how graphql-core begins what a caller, and not a resolver, got wrong


def _code(code: Code, description: str) -> EnumValueDefinition:
    return strawberry.enum_value(code.value, description=description)


@strawberry.enum(description="Why a mutation did not do what was asked. The codes are stable; messages may change.")
class ErrorCode(Enum):
    """Every `Code` that comes as data."""

    INVALID = _code(Code.INVALID, "The input breaks a rule that the message names.")
    NOT_FOUND = _code(Code.NOT_FOUND, "It is not there, or it is not for this person to see.")
    FORBIDDEN = _code(Code.FORBIDDEN, "It may be seen, but this may not be done to it.")
    CONFLICT = _code(Code.CONFLICT, "It does not fit the present state, or an idempotency key came with other input.")
    NAME_TAKEN = _code(Code.NAME_TAKEN, "The folder already holds an item of this name.")
    STALE = _code(Code.STALE, "The item has changed since the revision given as ifVersion.")
    QUOTA_EXCEEDED = _code(Code.QUOTA_EXCEEDED, "There is not enough room left in the owner's quota.")
    TOO_LARGE = _code(Code.TOO_LARGE, "It is larger than this vault takes.")
    OFFSET_MISMATCH = _code(Code.OFFSET_MISMATCH, "The bytes do not follow on those already stored.")
    CHECKSUM_MISMATCH = _code(Code.CHECKSUM_MISMATCH, "The bytes are not those that the checksum is of.")
    UPLOAD_BUSY = _code(Code.UPLOAD_BUSY, "Another request is writing to this upload.")
    UPLOAD_GONE = _code(Code.UPLOAD_GONE, "The upload has ended: finished, aborted or expired.")
    NOT_SCANNED = _code(Code.NOT_SCANNED, "The version has not been scanned yet.")
    INFECTED = _code(Code.INFECTED, "The version is infected and stays closed.")
    UNREADABLE = _code(Code.UNREADABLE, "The stored bytes do not open: they were damaged or their key is gone.")
    ARCHIVED = _code(Code.ARCHIVED, "The version is archived: it must be restored before it can be read.")
    EXPIRED = _code(Code.EXPIRED, "It was valid once, and is no longer.")


@strawberry.interface(description="One reason why a mutation did not do what was asked, and what to do about it.")
class UserError:
    """Fields that every error has."""

    message: str = strawberry.field(description="For a person: what to do.")
    path: list[str] | None = strawberry.field(description="The field of the input that it is about.", default=None)
    code: ErrorCode = strawberry.field(description="For a program: the stable reason.")


@strawberry.type(description="The input breaks a rule.")
class InputError(UserError):
    """INVALID."""


@strawberry.type(description="The item is not there, or this may not be done to it.")
class AccessError(UserError):
    """NOT_FOUND, FORBIDDEN."""


@strawberry.type(description="The change does not fit what is there now: look again, then decide.")
class ConflictError(UserError):
    """CONFLICT, NAME_TAKEN, STALE."""


@strawberry.type(description="There is not enough room.")
class RoomError(UserError):
    """QUOTA_EXCEEDED, TOO_LARGE."""


@strawberry.type(description="The upload is not in a state in which this can be done.")
class UploadError(UserError):
    """OFFSET_MISMATCH, CHECKSUM_MISMATCH, UPLOAD_BUSY, UPLOAD_GONE."""


@strawberry.type(description="The contents cannot be given out.")
class ContentError(UserError):
    """NOT_SCANNED, INFECTED, UNREADABLE, ARCHIVED, EXPIRED."""


USER_ERRORS: Mapping[Code, type[UserError]] = MappingProxyType(
    {
        Code.INVALID: InputError,
        Code.NOT_FOUND: AccessError,
        Code.FORBIDDEN: AccessError,
        Code.CONFLICT: ConflictError,
        Code.NAME_TAKEN: ConflictError,
        Code.STALE: ConflictError,
        Code.QUOTA_EXCEEDED: RoomError,
        Code.TOO_LARGE: RoomError,
        Code.OFFSET_MISMATCH: UploadError,
        Code.CHECKSUM_MISMATCH: UploadError,
        Code.UPLOAD_BUSY: UploadError,
        Code.UPLOAD_GONE: UploadError,
        Code.NOT_SCANNED: ContentError,
        Code.INFECTED: ContentError,
        Code.UNREADABLE: ContentError,
        Code.ARCHIVED: ContentError,
        Code.EXPIRED: ContentError,
    }
)
TOP_LEVEL = frozenset({Code.UNAUTHENTICATED, Code.LIMITED, Code.RATE_LIMITED, Code.UNAVAILABLE})


def user_error(error: VaultError) -> UserError:
    """An expected failure as data, its path in the contract's spelling."""
    path = [to_camel_case(name) for name in error.path] or None
    return USER_ERRORS[error.code](message=error.message, path=path, code=ErrorCode(error.code.value))


def shown(error: GraphQLError, request_id: str, *, code: str = Code.INVALID) -> dict[str, Any]:  # Any: JSON values
    """A top-level error as a caller may see it; what nobody expected is logged, and only its request id shown.

    `code` is for errors of the request itself, which have no cause of ours.
    """
    cause = _cause(error)
    body: dict[str, Any] = {"message": error.message[:MESSAGE_CHARACTERS_MAX]}  # Any: JSON values
    if isinstance(cause, VaultError):
        body["message"] = cause.message
        body["extensions"] = {"code": cause.code.value}
        if isinstance(cause, RateLimited):
            body["extensions"]["retryAfterSeconds"] = cause.retry_after_seconds
        if cause.path:
            body["extensions"]["argument"] = [to_camel_case(name) for name in cause.path]
    elif error.path is None or (cause is None and error.message.startswith(_CALLERS)):
        body["extensions"] = {"code": str((error.extensions or {}).get("code", code))}
    else:
        _LOG.error("request %s failed within at %s", request_id, error.path, exc_info=cause)
        body = internal(request_id)
    if error.locations:
        body["locations"] = [place.formatted for place in error.locations]
    if error.path is not None:
        body["path"] = error.path
    return body


def internal(request_id: str) -> dict[str, Any]:  # Any: JSON values
    """The error that tells nothing but where to look in the log."""
    return {"message": "internal error", "extensions": {"code": INTERNAL, "requestId": request_id}}


def _cause(error: GraphQLError) -> Exception | None:
    """The exception of ours that a GraphQL error wraps, however often; None where it stands for itself."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause
