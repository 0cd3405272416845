"""Redis pub/sub: nudges to whoever watches an item. A nudge says "look again"; the table says what is there."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from redis.asyncio import Redis
from redis.exceptions import RedisError

from vaultstream import dependencies
from vaultstream.errors import VaultError

_T = TypeVar("_T")
_PREFIX = "live:"
_RETRY_SECONDS = 0.5
_POLL_SECONDS = 0.05  # how late a new topic may be asked for: redis-py reads and subscribes in one task
_PUBLISH_SECONDS = 0.5  # a change waits no longer than this for a Redis that is gone
_PUBLISH_TRIES = 2  # a connection kept from before a restart is found dead by its first use
_CANCEL_AGAIN_SECONDS = 0.1
LOOK_AGAIN_SECONDS = 15.0  # so that a nudge lost on the way costs a delay, never a change


class Watch:
    """One watcher's bell: any number of nudges before it looks are one, so a slow watcher piles nothing up."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()
        self._bell.set()  # the first look is due at once

    def ring(self) -> None:
        """Wake the watcher."""
        self._bell.set()

    async def rung(self) -> bool:
        """Always true, once it is time to look: at first, when nudged, and now and then even when not."""
        await self._bell.wait()
        self._bell.clear()
        return True


class _Topic:
    """The watchers of one id. One timer for all of them keeps them in step, so that they share their looks."""

    def __init__(self) -> None:
        self.watches: set[Watch] = set()
        self._timer = asyncio.get_running_loop().call_later(LOOK_AGAIN_SECONDS, self._look_again)

    def ring(self) -> None:
        for watch in self.watches:
            watch.ring()

    def close(self) -> None:
        self._timer.cancel()

    def _look_again(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_AGAIN_SECONDS, self._look_again)
        self.ring()


class Looks:
    """Reads that many want at once are done once; each is answered by a read that began after it asked.

    So an answer is never older than the nudge that made somebody ask, and while one read is under way any number
    of others wait for the one after it.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Task[Any]] = {}  # Any: each key has its own kind of answer
        self._running: dict[str, asyncio.Task[Any]] = {}  # Any: as above
        self._last: WeakValueDictionary[str, Any] = WeakValueDictionary()  # Any: as above

    async def look(self, key: str, read: Callable[[_T | None], Awaitable[_T]]) -> _T:
        """What `read` gives; it is given what the last one gave, while anybody still holds that."""
        look = self._waiting.get(key)
        if look is None:
            look = asyncio.create_task(self._read(key, read, self._running.get(key)))
            look.add_done_callback(_heeded)
            self._waiting[key] = look
        try:
            answer: _T = await asyncio.shield(look)
        except VaultError as error:  # made anew: a shared one would keep the frames of all who were waiting
            raise VaultError(error.code, error.message, path=error.path) from None
        return answer

    async def _read(self, key: str, read: Callable[[_T | None], Awaitable[_T]], before: asyncio.Task[Any] | None) -> _T:
        if before is not None:
            await asyncio.wait([before])
        self._running[key] = self._waiting.pop(key)
        try:
            answer = await read(self._last.get(key))
            self._last[key] = answer
            return answer
        finally:
            del self._running[key]

    async def close(self) -> None:
        """End what is under way."""
        looks = [*self._waiting.values(), *self._running.values()]
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


def _heeded(look: asyncio.Task[Any]) -> None:
    """A failure that nobody waits for any more is nobody's."""
    if not look.cancelled():
        look.exception()


class Live:
    """One connection that listens for every watcher of this process, and one that publishes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pubsub = redis.pubsub()
        self._topics: dict[str, _Topic] = {}
        self._asked: set[str] = set()  # the topics that Redis was asked for on the present connection
        self._touched: set[str] = set()  # those that came or went since
        self._wanted = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._looks = Looks()

    async def publish(self, topics: Sequence[str]) -> None:
        """Nudge the watchers of these ids. Where Redis is gone, nothing: they look again by themselves."""
        if not topics:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PUBLISH_SECONDS):
                for _ in range(_PUBLISH_TRIES):
                    with suppress(RedisError, ConnectionError):
                        await self._publish(topics)
                        return

    async def _publish(self, topics: Sequence[str]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for topic in topics:
                pipe.publish(_PREFIX + topic, "")
            await pipe.execute()

    async def look(self, key: str, read: Callable[[_T | None], Awaitable[_T]]) -> _T:
        """A read that whoever wants the same at the same time shares: see `Looks`."""
        dependencies.untraceable()
        return await self._looks.look(key, read)

    @contextmanager
    def watching(self, topics: Sequence[str]) -> Iterator[Watch]:
        """A bell for these ids, for as long as it is held.

        Look once it is hung: Redis may confirm a topic after that look, and its watchers are rung when it does.
        """
        watch = Watch()
        for topic in topics:
            self._join(topic, watch)
        if self._reader is None:
            self._reader = asyncio.create_task(self._listen())
        try:
            yield watch
        finally:
            for topic in topics:
                self._leave(topic, watch)

    def _join(self, topic: str, watch: Watch) -> None:
        if topic not in self._topics:
            self._topics[topic] = _Topic()
            self._touch(topic)
        self._topics[topic].watches.add(watch)

    def _leave(self, topic: str, watch: Watch) -> None:
        left = self._topics[topic]
        left.watches.discard(watch)
        if not left.watches:
            left.close()
            del self._topics[topic]
            self._touch(topic)

    def _touch(self, topic: str) -> None:
        self._touched.add(topic)
        self._wanted.set()

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except (RedisError, OSError):
                with suppress(RedisError, OSError):
                    await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                self._pubsub = self._redis.pubsub()
                self._asked.clear()
                self._touched.update(self._topics)
                await asyncio.sleep(_RETRY_SECONDS)
                self._wanted.set()

    async def _follow(self) -> None:
        """Keep the channels equal to what is watched, and pass on what they say.

        Redis confirms each subscription, also those that the client renews by itself on a new connection. Before that
        a nudge may have been missed, so a confirmation rings like one.
        """
        while True:
            if self._wanted.is_set():
                self._wanted.clear()
                await self._match_channels()
            if not self._asked:
                await self._wanted.wait()
                continue
            message = await self._pubsub.get_message(timeout=_POLL_SECONDS)
            # A confirmed subscription rings too: what was published before it is in the table by now.
            if message is not None and message["type"] in {"message", "subscribe"}:
                topic = self._topics.get(message["channel"].decode().removeprefix(_PREFIX))
                if topic is not None:
                    topic.ring()

    async def _match_channels(self) -> None:
        touched, self._touched = self._touched, set()
        new = [topic for topic in touched if topic in self._topics and topic not in self._asked]
        old = [topic for topic in touched if topic not in self._topics and topic in self._asked]
        self._asked.update(new)
        self._asked.difference_update(old)
        if new:
            await self._pubsub.subscribe(*(_PREFIX + topic for topic in new))
        if old:
            await self._pubsub.unsubscribe(*(_PREFIX + topic for topic in old))

    async def ping(self) -> None:
        """One cheap call; raises RedisError where Redis does not answer."""
        await self._redis.ping()

    async def close(self) -> None:
        """Stop listening; the client is its opener's to close."""
        await self._looks.close()
        for topic in self._topics.values():
            topic.close()
        if self._reader is not None:
            while not self._reader.done():  # redis-py uses wait_for, and Python 3.11's may forget a cancellation
                self._reader.cancel()
                await asyncio.wait([self._reader], timeout=_CANCEL_AGAIN_SECONDS)
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
