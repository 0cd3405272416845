"""Redis buckets: one key for each actor, changed by one script. Where Redis is gone, each process keeps its own."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError, ResponseError

from vaultstream.actor import Actor
from vaultstream.budgets import MILLI, Allowance, Bucket, RateLimited, Standing, owner, standing
from vaultstream.metrics import BUDGET_REFUSALS
from vaultstream.pipelined import Pipelined, Script

if TYPE_CHECKING:  # an adapter is blind to the others: it is given the meters, and counts
    from vaultstream.adapters.meters import Meters

_LOG = logging.getLogger(__name__)
_PREFIX = "budget:"
_OWNERS_MAX = 10_000  # whose bucket is known in this process; the least recently seen go first
_AGAIN_SECONDS = 1.0  # a Redis that did not answer is left alone for so long
# The arithmetic of `Bucket.taken` by Redis's own clock, so that servers need not agree on the time. A key that is not
# there is a full bucket, and a full bucket needs no key: each lives until it would be full. Other keys that do not hold
# what they should end it before anything is taken.
_SCRIPT = Script("""
if #KEYS > 1 then
  local held = redis.call('MGET', unpack(KEYS, 2))
  for at, value in ipairs(held) do
    if value ~= ARGV[at + 4] then return false end
  end
end
local full, per_second, points, needed = unpack(ARGV)
full, per_second, points, needed = tonumber(full), tonumber(per_second), tonumber(points), tonumber(needed)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(kept[1]) or full, tonumber(kept[2]) or now
level = math.min(full, level + math.max(0, now - at) * per_second)
local granted = math.max(points, needed) <= level
if granted then level = math.min(full, level - points) end
redis.call('HSET', KEYS[1], 'level', level, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil((full - level) / per_second) + 1000)
return {granted and 1 or 0, level, now}
""")


@dataclass(frozen=True, slots=True)
class Bill:
    """What the script is asked for one owner, ready to be sent again and again."""

    name: str
    points: int  # that must be there
    allowance: Allowance
    keys: tuple[str, ...]
    arguments: tuple[int | bytes, ...]
    packed: bytes


class Budgets:
    """Takes points before a request and gives back what it did not need; nothing fails for want of Redis.

    An answer that is lost on the way may have been counted: then it is paid twice, and never too little.
    """

    def __init__(self, redis: Pipelined, allowance: Allowance, meters: "Meters") -> None:
        self._redis = redis
        self._meters = meters
        self._allowance = allowance
        self._known: OrderedDict[str, Bucket] = OrderedDict()
        self._gone_until = 0.0

    async def take(self, actor: Actor, points: int) -> Standing:
        """Pay so many points; raises RateLimited where there are fewer, and then takes none."""
        allowance = self._of(actor)
        granted, bucket = await self._change(owner(actor), points, allowance)
        if not granted:
            raise self._refused(actor, points, bucket, allowance)
        return standing(bucket, allowance)

    def bill(self, actor: Actor, points: int, *, needed: int, keys: Sequence[str], hold: Sequence[bytes]) -> Bill:
        """So many points, to be taken where so many are there and these keys of Redis hold this."""
        allowance, name = self._of(actor), owner(actor)
        all_keys, arguments = (_PREFIX + name, *keys), _arguments(points, allowance, needed, hold)
        packed = _SCRIPT.packed(all_keys, arguments)
        return Bill(name, max(points, needed), allowance, all_keys, arguments, packed)

    async def take_where(self, actor: Actor, bill: Bill) -> Standing | None:
        """Look and pay in one step; where a key holds anything else, or Redis is gone, None, and nothing is taken.
        Raises RateLimited where there are fewer points than needed.
        """
        found = await self._in_redis(bill.keys, bill.arguments)
        if found is None:
            return None
        granted, bucket = found
        self._know(bill.name, bucket)
        if not granted:
            raise self._refused(actor, bill.points, bucket, bill.allowance)
        return standing(bucket, bill.allowance)

    def present(self, bill: Bill, paid: Callable[[Bucket | None], None]) -> bool:
        """The same without waiting: whether Redis was asked. Then `paid` is told the owner's bucket, or None where
        nothing was taken, whatever the reason.
        """
        if time.monotonic() < self._gone_until:
            return False
        self._redis.ask("EVALSHA", bill.packed, lambda answer: paid(self._paid(bill, answer)))
        return True

    def _paid(self, bill: Bill, answer: Any) -> Bucket | None:  # Any: what the script answers, or an error
        if isinstance(answer, RedisError):
            if not isinstance(answer, ResponseError):
                self._leave_alone()
            return None
        found = _found(answer)
        if found is None:
            return None
        granted, bucket = found
        self._know(bill.name, bucket)
        return bucket if granted else None

    async def give_back(self, actor: Actor, points: int) -> Standing:
        """Return points that were taken and not needed."""
        allowance = self._of(actor)
        _, bucket = await self._change(owner(actor), -points, allowance)
        return standing(bucket, allowance)

    def _of(self, actor: Actor) -> Allowance:
        return self._allowance.guests if actor.is_guest else self._allowance

    def _refused(self, actor: Actor, points: int, bucket: Bucket, allowance: Allowance) -> RateLimited:
        self._meters.count(BUDGET_REFUSALS, "guest" if actor.is_guest else "member")
        return RateLimited(points, bucket, allowance)

    async def _change(self, name: str, points: int, allowance: Allowance) -> tuple[bool, Bucket]:
        found = await self._in_redis((_PREFIX + name,), _arguments(points, allowance))
        granted, bucket = found or self._here(name, points, allowance)
        self._know(name, bucket)
        return granted, bucket

    def _know(self, name: str, bucket: Bucket) -> None:
        self._known[name] = bucket
        self._known.move_to_end(name)
        while len(self._known) > _OWNERS_MAX:
            self._known.popitem(last=False)

    async def _in_redis(self, keys: Sequence[str], arguments: Sequence[int | bytes]) -> tuple[bool, Bucket] | None:
        """None where Redis does not answer in time, or a key does not hold what it should."""
        if time.monotonic() < self._gone_until:
            return None
        try:
            return _found(await self._redis.run(_SCRIPT, keys, arguments))
        except RedisError:
            self._leave_alone()
            return None

    def _leave_alone(self) -> None:
        _LOG.warning("Redis does not keep the budgets: each process keeps its own meanwhile")
        self._gone_until = time.monotonic() + _AGAIN_SECONDS

    def _here(self, name: str, points: int, allowance: Allowance) -> tuple[bool, Bucket]:
        """Go on from what Redis last said of this owner, or from a full bucket."""
        now = time.time_ns() // 1_000_000
        known = self._known.get(name, Bucket(allowance.size * MILLI, now))
        return known.taken(points, now, allowance)


def _arguments(
    points: int, allowance: Allowance, needed: int = 0, hold: Sequence[bytes] = ()
) -> tuple[int | bytes, ...]:
    return (allowance.size * MILLI, allowance.per_second, points * MILLI, needed * MILLI, *hold)


def _found(answer: Any) -> tuple[bool, Bucket] | None:  # Any: what the script answers
    if answer is None:
        return None
    granted, level, now = answer
    return bool(granted), Bucket(int(level), int(now))
