"""Stands in for a Lambda container: one handler in a thread of its own, one invocation at a time."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from vaultstream.workers.lambda_entry import Handler

_CLOSE_SECONDS = 5
_log = logging.getLogger(__name__)


class Container:
    """A handler that is called from one thread only, as its event loop demands."""

    def __init__(self, name: str, handler: Handler) -> None:
        self.name = name
        self._handler = handler
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def invoke(self, event: Mapping[str, Any]) -> list[str] | None:  # Any: JSON as Lambda gives it
        """Call the handler; returns the ids of what failed, or None when all of it did."""
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._thread, self._handler, event, None)
        except Exception:  # noqa: BLE001  # the edge where Lambda would count it and try again; it is logged
            _log.exception("%s failed", self.name)
            return None
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    async def close(self) -> bool:
        """Close the handler's vault after its present call; False when that takes too long to wait for."""
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._handler.close)
        self._thread.shutdown(wait=False)
        try:
            await asyncio.wait_for(closing, _CLOSE_SECONDS)
        except TimeoutError:
            return False
        return True
