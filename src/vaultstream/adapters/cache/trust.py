"""Whether the cache may be believed, by one item of the table that every process reads a moment before it believes.

A process that cannot reach Redis cannot tell the others what it wrote, but the table it can reach, for it has just
written there. So it shuts the cache for all of them in the table, and waits until whatever was read there before has
run out: docs/decisions/0016-cache.md.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaultstream import table
from vaultstream.dependencies import unrecorded
from vaultstream.errors import Code, VaultError

if TYPE_CHECKING:
    from vaultstream.adapters.records import Records

LEASE_SECONDS = 2.0  # how long what the state says is believed, from before it was asked for
_RENEW_SECONDS = LEASE_SECONDS / 3
_SETTLED_SECONDS = LEASE_SECONDS * 1.1  # by a clock that may run a little faster than another process's
SHUT_SECONDS = 30.0  # who shut the cache and has not said so again for so long is gone
_SAID_AGAIN_SECONDS = SHUT_SECONDS / 6
_HOLDS_SECONDS = SHUT_SECONDS / 3
_LOOK_SECONDS = 0.5
_TRIES = 5
_EPOCH = "epoch"
_SHUT = "shut_"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Moment:
    """By two clocks: one stands still while a machine is suspended, the other may be set."""

    steady: float
    wall: float

    @classmethod
    def now(cls) -> "_Moment":
        return cls(time.monotonic(), time.time())

    @property
    def age(self) -> float:
        """Seconds since, by the clock that says more."""
        return max(time.monotonic() - self.steady, abs(time.time() - self.wall))


class Trust:
    """The state of the cache as this process knows it, and its own part in it."""

    def __init__(self, records: "Records", reachable: Callable[[], Awaitable[bool]]) -> None:
        self._records = records
        self._reachable = reachable  # whether Redis can be reached again
        self._epoch: str | None = None
        self._read_at: _Moment | None = None
        self._reading: asyncio.Task[None] | None = None
        self._seen: dict[str, tuple[str, float]] = {}  # who has shut it: what they last said, and since when we know
        self._own = f"{_SHUT}{secrets.token_hex(8)}"
        self._said_at: _Moment | None = None  # when we last said that it is shut; None while we do not hold it so
        self._settled: asyncio.Task[None] | None = None
        self._mending: asyncio.Task[None] | None = None

    @property
    def is_shut_here(self) -> bool:
        """Whether this process keeps the cache shut for all."""
        return self._said_at is not None and self._said_at.age < _HOLDS_SECONDS

    @property
    def fresh(self) -> str | None:
        """The epoch, while it is not yet time to read it again."""
        return self._epoch if self._read_at is not None and self._read_at.age < _RENEW_SECONDS else None

    async def epoch(self) -> str | None:
        """The epoch whose entries may be believed now; None where none may."""
        age = self._read_at.age if self._read_at is not None else LEASE_SECONDS
        if age >= _RENEW_SECONDS and self._reading is None:
            self._reading = asyncio.create_task(self._read())
            self._reading.add_done_callback(self._has_read)
        if age >= LEASE_SECONDS and self._reading is not None:
            with suppress(VaultError):
                await asyncio.shield(self._reading)
        return self._epoch if self._read_at is not None and self._read_at.age < LEASE_SECONDS else None

    def _has_read(self, reading: "asyncio.Task[None]") -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            _LOG.warning("the state of the cache cannot be read: %s", error)

    async def _read(self) -> None:
        for _ in range(_TRIES):
            started = _Moment.now()
            with unrecorded():
                item = await self._records.item(table.cache_state())
            if item is None or _EPOCH not in item:
                await self._change({}, {_EPOCH: None})
                continue
            said = {name: nonce for name, nonce in item.items() if name.startswith(_SHUT)}
            if gone := self._gone(said):
                await self._change({}, gone, forget=tuple(gone))
                continue
            self._epoch = None if said else item[_EPOCH]
            self._read_at = started
            return

    def _gone(self, said: dict[str, str]) -> dict[str, str | None]:
        """Those who have said nothing new for so long that they will not open it again themselves."""
        now = time.monotonic()
        known = {name: self._seen.get(name, ("", now)) for name in said}
        self._seen = {name: known[name] if known[name][0] == nonce else (nonce, now) for name, nonce in said.items()}
        return {name: nonce for name, (nonce, since) in self._seen.items() if now - since > SHUT_SECONDS}

    async def _change(
        self, put: dict[str, str], expected: dict[str, str | None], *, forget: tuple[str, ...] = ()
    ) -> None:
        """Begin a new epoch, with what else changes; nothing where it is not as expected any more."""
        new = {_EPOCH: secrets.token_hex(8), **put}
        try:
            await self._records.amend(table.cache_state(), new, forget=forget, expected=expected)
        except VaultError as error:
            if error.code is not Code.CONFLICT:
                raise

    async def shut(self) -> None:
        """Return once no process believes anything of the cache; it stays so until Redis is reachable from here."""
        if not self.is_shut_here:
            said_at = _Moment.now()
            await self._say()
            self._settled = asyncio.create_task(asyncio.sleep(_SETTLED_SECONDS))
            self._said_at = said_at
            _LOG.warning("Redis cannot be told of a change: the cache is shut for all until it can")
        if self._mending is None or self._mending.done():
            self._mending = asyncio.create_task(self._mend())
        if self._settled is not None:
            await asyncio.shield(self._settled)

    async def _say(self) -> None:
        await self._change({self._own: secrets.token_hex(8)}, {})

    async def _mend(self) -> None:
        """Open the cache again once Redis is there; say meanwhile that we are."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(VaultError):
                if await self._reachable():
                    await self._open()
                    return
                if self._said_at is not None and self._said_at.age > _SAID_AGAIN_SECONDS:
                    said_at = _Moment.now()
                    await self._say()
                    self._said_at = said_at

    async def _open(self) -> None:
        """From here on each change is told to Redis again; what was read before is of an epoch that is over."""
        self._said_at = None
        await self._change({}, {}, forget=(self._own,))
        self._read_at = None
        _LOG.warning("Redis is back: the cache is open")

    async def close(self) -> None:
        """Leave nothing shut: no change of ours is left untold once the epoch is over."""
        tasks = [task for task in (self._reading, self._settled, self._mending) if task is not None]
        was_shut = self._mending is not None and not self._mending.done()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if was_shut:
            with suppress(VaultError):
                await self._open()
