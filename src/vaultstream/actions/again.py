"""Deeds that somebody came between are done again from the beginning, so that only real conflicts are told."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from vaultstream.errors import Code, VaultError

_T = TypeVar("_T")
_TRIES = 8
_BETWEEN = {Code.STALE, Code.CONFLICT}


async def again(deed: Callable[[], Awaitable[_T]]) -> _T:
    """What the deed makes, read and decided anew for each try.

    A refusal that names an input (`ifVersion`, an idempotency key) is the caller's own and goes straight to them.
    """
    for _ in range(_TRIES - 1):
        try:
            return await deed()
        except VaultError as error:
            if error.code not in _BETWEEN or error.path:
                raise
    return await deed()
