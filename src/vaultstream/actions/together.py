"""Reading several things at the same time."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from vaultstream import dependencies

_T = TypeVar("_T")


async def together(reads: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:  # Any: as coroutines are typed
    """What each of them gives, in their order; a single one needs no task, nor do those whose reader will not wait."""
    begun = list(reads)
    if len(begun) > 1 and dependencies.may_wait():
        return list(await asyncio.gather(*begun))
    try:
        return [await one for one in begun]
    finally:
        for one in begun:
            one.close()
