"""GraphQL documents by their hash, in Redis: what one client sent once, any other may name."""

import logging
import time
from collections import OrderedDict
from hashlib import sha256

from redis.exceptions import RedisError

from vaultstream.pipelined import Pipelined, Script

_LOG = logging.getLogger(__name__)
_INDEX = "{documents}:used"  # one hash slot for all of them: a script may touch them together
_PREFIX = "{documents}:"
DOCUMENT_BYTES_MAX = 8_192
_DOCUMENTS_MAX = 10_000  # 80 MB at most; the least recently used go first
_TTL_SECONDS = 7 * 24 * 3600
_HERE_MAX = 512
_AGAIN_SECONDS = 1.0  # a Redis that did not answer is left alone for so long
_FIND = Script("""
local text = redis.call('GETEX', KEYS[1], 'EX', ARGV[2])
if text then
  redis.call('ZADD', KEYS[2], redis.call('TIME')[1], ARGV[1])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
return text
""")
_KEEP = Script("""
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
redis.call('ZADD', KEYS[2], redis.call('TIME')[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
local over = redis.call('ZCARD', KEYS[2]) - ARGV[4]
if over > 0 then
  local popped = redis.call('ZPOPMIN', KEYS[2], over)
  for place = 1, #popped, 2 do redis.call('DEL', ARGV[5] .. popped[place]) end
end
""")


class SharedDocuments:
    """Finds and keeps texts by their SHA-256; where Redis is gone, only those that this process has seen.

    A text is checked against its hash whenever it comes from Redis, so that nobody's document is ever another's.
    """

    def __init__(self, redis: Pipelined) -> None:
        self._redis = redis
        self._here: OrderedDict[str, str] = OrderedDict()
        self._gone_until = 0.0

    async def find(self, digest: str) -> str | None:
        """The text whose SHA-256 is this, in lower-case hex; None where it is not known now."""
        if digest in self._here:
            self._here.move_to_end(digest)
            return self._here[digest]
        found = await self._asked(_FIND, digest)
        if not isinstance(found, bytes) or sha256(found).hexdigest() != digest:
            return None
        self._remember(digest, found.decode())
        return self._here[digest]

    async def keep(self, digest: str, text: str) -> None:
        """Remember a text by its hash, for a week after its last use; one that is too long is not kept.

        It goes to Redis also where this process knows it: another may have asked for it in vain.
        """
        encoded = text.encode()
        if len(encoded) <= DOCUMENT_BYTES_MAX:
            self._remember(digest, text)
            await self._asked(_KEEP, digest, encoded, _DOCUMENTS_MAX, _PREFIX)

    def _remember(self, digest: str, text: str) -> None:
        self._here[digest] = text
        self._here.move_to_end(digest)
        while len(self._here) > _HERE_MAX:
            self._here.popitem(last=False)

    async def _asked(self, script: Script, digest: str, *more: bytes | int | str) -> object:
        """What Redis answers; None where it does not in time."""
        if time.monotonic() < self._gone_until:
            return None
        try:
            answer: object = await self._redis.run(script, [_PREFIX + digest, _INDEX], [digest, _TTL_SECONDS, *more])
        except RedisError:
            _LOG.warning("Redis does not keep documents: clients send theirs whole meanwhile")
            self._gone_until = time.monotonic() + _AGAIN_SECONDS
            return None
        return answer
