"""The replica of the audit log: what it lacks at the most, and whether that is little enough to read from it.

The primary says how far its log is written, the replica how far it has replayed it: what was written at that moment is
there. No clock but ours is asked, and a standby that hears nothing any more is not taken for one of an idle primary.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from vaultstream.adapters.audit_pool import AuditUnavailable, audit_pool
from vaultstream.postgres import Init, Pool

LAG_SECONDS_MAX = 5.0
_LOOK_EVERY_SECONDS, _RETRY_SECONDS = 1.0, 5.0
_ANSWER_SECONDS = 1.0  # whoever does not is not waited for
_TRIES, _PAUSE_SECONDS = 5, 0.02  # what was just written is there in a moment
_MARKS_MAX = 600

_WRITTEN = (
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint END"
)
_REPLAYED = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint END"

_log = logging.getLogger(__name__)


class Replica:
    """A standby of the primary. It is looked at when somebody would read, at most once a second."""

    def __init__(
        self,
        dsn: str,
        primary: Pool,
        *,
        init: Init | None,
        told: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`told` hears of each look by how many seconds the replica may be behind."""
        self.pool = audit_pool("the audit log's replica", dsn, init, patience_seconds=_ANSWER_SECONDS)
        self._primary = primary
        self._told = told
        self._clock = clock
        self._looking = asyncio.Lock()
        self._look_at = clock()
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MARKS_MAX)  # when the primary had written how far
        self._known_at: float | None = None  # what was written by then is there
        self._answers = False

    async def lag_seconds(self) -> float | None:
        """By how much it is behind at the most; None where it does not answer, or is no standby of this primary."""
        async with self._looking:
            if self._clock() >= self._look_at:
                await self._look()
        return self._clock() - self._known_at if self._answers and self._known_at is not None else None

    async def is_fresh(self) -> bool:
        """Whether a reader misses no more than the last seconds."""
        lag = await self.lag_seconds()
        return lag is not None and lag <= LAG_SECONDS_MAX

    def mistrust(self) -> None:
        """It failed a reader: nobody else is sent there before the next look."""
        self._answers = False

    async def _look(self) -> None:
        now, answered = self._clock(), self._answers
        written = await _asked(self._primary, _WRITTEN)
        if written is not None:  # else what is known of the replica grows old, so that it is not believed for long
            self._marks.append((now, written))
        self._answers = await self._catches_up()
        self._look_at = now + (_LOOK_EVERY_SECONDS if self._answers else _RETRY_SECONDS)
        if answered and not self._answers:
            _log.warning("the audit log is read from the primary: its replica does not answer as one")
        if self._known_at is not None:
            self._told(self._clock() - self._known_at)

    async def _catches_up(self) -> bool:
        """Strike off the marks that it has come to, with a moment's patience; False where it does not answer."""
        for attempt in range(_TRIES):
            await asyncio.sleep(_PAUSE_SECONDS if attempt else 0)
            replayed = await _asked(self.pool, _REPLAYED)
            if replayed is None:
                return False
            while self._marks and self._marks[0][1] <= replayed:
                self._known_at, _ = self._marks.popleft()
            if not self._marks:
                break
        return True


async def _asked(pool: Pool, sql: str) -> int | None:
    """None too from a server that does not answer in time."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS), pool.connection() as connection:
            found: int | None = await connection.fetchval(sql)
    except (AuditUnavailable, TimeoutError):
        return None
    return found
