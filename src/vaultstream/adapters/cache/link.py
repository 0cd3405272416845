"""Redis as the cache asks it: in time or not at all, and always knowing which server it was that answered."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.exceptions import RedisError, ResponseError

from vaultstream.pipelined import Pipelined, Reply
from vaultstream.pipelined.server import Word

_LOG = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.1  # after the first failure; each further one doubles it
_PAUSE_SECONDS_MAX = 2.0
_TRIES = 2  # a connection kept from before a restart is found dead by its first use
_T = TypeVar("_T")
Answers = list[Any]  # Any: each command's own kind of answer


class Breaker:
    """Leaves a Redis that failed alone for a while, then lets one call through to see."""

    __slots__ = ("_failures", "_free_at", "_is_probing")

    def __init__(self) -> None:
        self._failures = 0
        self._free_at = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether the last call failed."""
        return self._failures > 0

    @property
    def state(self) -> int:
        """As the metric shows it: 0 for closed, 1 for half open, 2 for open."""
        if not self._failures:
            return 0
        return 1 if self._is_probing or time.monotonic() >= self._free_at else 2

    def admits(self) -> bool:
        """Whether to call now; a call that is let through tells afterwards how it went."""
        if not self._failures:
            return True
        if self._is_probing or time.monotonic() < self._free_at:
            return False
        self._is_probing = True
        return True

    def succeeded(self) -> None:
        """All may call again."""
        self._failures, self._is_probing = 0, False

    def failed(self) -> None:
        """Nobody calls for a while; the random part keeps processes from coming back all at once."""
        self._is_probing = False
        pause = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS * 2 ** min(self._failures, 10))
        self._free_at = time.monotonic() + pause * random.uniform(0.5, 1)  # noqa: S311  # jitter, not a secret
        self._failures += 1

    def given_up(self) -> None:
        """Whoever was let through stopped waiting: it is not known how it went."""
        self._is_probing = False


class Link:
    """One shared connection. A new connection may lead to another server: to one that was promoted without the last
    writes, or was restarted from an old file. So answers count only together with the server's own run id.
    """

    def __init__(self, redis: Pipelined) -> None:
        self._redis = redis
        self._known = (0, "")  # which opening of the connection, and the run id of the server behind it
        self.breaker = Breaker()

    @property
    def known(self) -> str | None:
        """The run id of the server behind the present connection, if it is known yet."""
        return self._known[1] if self._known[0] == self._redis.opened and self._redis.is_open else None

    def leads_to(self, server: str) -> bool:
        """Whether what was called up to now went to that server."""
        return self._known == (self._redis.opened, server)

    async def server(self) -> str | None:
        """The same, asked for where it is not known; None where Redis does not answer."""
        if (known := self.known) is not None:
            return known
        return await self._guarded(self._ask_server) if self.breaker.admits() else None

    async def ask(self, server: str, *commands: Sequence[Word]) -> Answers | None:
        """Each command's answer, in one round trip; None where it was not this server that answered, or nobody."""
        if not self.breaker.admits():
            return None

        async def answered() -> Answers | None:
            replies = [self._redis.call(*command) for command in commands]
            is_the_same = self.leads_to(server)
            answers = [await reply for reply in replies]
            return answers if is_the_same else None

        return await self._guarded(answered)

    def tell(self, *commands: Sequence[Word]) -> None:
        """Send commands whose answers nobody waits for, if Redis is there."""
        if not self.breaker.is_open:
            for command in commands:
                self._redis.call(*command)

    def hear(self, server: str, command: Sequence[Word], told: Callable[[Any], None]) -> None:  # Any: as Answers
        """Ask without waiting: `told` gets the answer, if this server gives one."""
        if self.breaker.is_open:
            return

        def heard(reply: Reply) -> None:
            if not reply.cancelled() and reply.exception() is None:
                told(reply.result())

        reply = self._redis.call(*command)
        if self.leads_to(server):
            reply.add_done_callback(heard)

    async def done(self, *command: Word) -> bool:
        """Whether Redis has done this; asked whatever the breaker says."""
        for _ in range(_TRIES):
            try:
                await self._redis.call(*command)
            except (RedisError, OSError):
                continue
            return True
        return False

    async def _ask_server(self) -> str:
        reply, opened = self._redis.call("INFO", "server"), self._redis.opened
        lines = (await reply).decode().splitlines()
        run_id = next((line.partition(":")[2] for line in lines if line.startswith("run_id:")), "")
        self._known = (opened, run_id)
        return run_id

    async def _guarded(self, call: Callable[[], Awaitable[_T]]) -> _T | None:
        try:
            answer = await call()
        except ResponseError as error:
            _LOG.warning("Redis refused what the cache asked: %s", str(error).partition(" ")[0])
            self.breaker.succeeded()
            return None
        except (RedisError, OSError):
            if not self.breaker.is_open:
                _LOG.warning("Redis does not answer: collections are read from the table meanwhile")
            self.breaker.failed()
            return None
        except asyncio.CancelledError:
            self.breaker.given_up()
            raise
        self.breaker.succeeded()
        return answer
