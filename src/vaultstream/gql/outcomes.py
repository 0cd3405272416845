"""How a mutation ends: with what it made, or with errors as data."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from vaultstream.errors import VaultError
from vaultstream.gql.context import Info
from vaultstream.gql.errors import TOP_LEVEL, UserError, user_error

_T = TypeVar("_T")

ERRORS = "Why it was not done; empty where it was."
IDEMPOTENCY_KEY = "Any text of your own: the same key with the same input is done once, for a day."
IF_VERSION = "The `revision` as you saw it: refused as STALE where it has changed since."
INPUT = "All that it takes."


@dataclass(frozen=True, slots=True)
class Outcome(Generic[_T]):
    """What every payload type reads: `made` under the noun's own name, and the errors."""

    made: _T | None
    errors: list[UserError] = field(default_factory=list)


async def outcome(info: Info, deed: Awaitable[_T]) -> Outcome[_T]:
    """What a deed made, or the reason why not. Failures that no input can mend go on to the top level.

    Either way nothing that was loaded before is trusted after it.
    """
    try:
        return Outcome(await deed)
    except VaultError as error:
        if error.code in TOP_LEVEL:
            raise
        return Outcome(None, [user_error(error)])
    finally:
        info.context.forget()
