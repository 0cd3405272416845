"""Redis pub/sub: nudges to whoever watches an item. A nudge says "look again"; the table says what is there."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

_PREFIX = "live:"
_RETRY_SECONDS = 0.5
_PUBLISH_SECONDS = 0.5  # a change waits no longer than this for a Redis that is gone
_PUBLISH_TRIES = 2  # a connection kept from before a restart is found dead by its first use
_CANCEL_AGAIN_SECONDS = 0.1
LOOK_AGAIN_SECONDS = 15.0  # so that a nudge lost on the way costs a delay, never a change


class Watch:
    """One watcher's bell: any number of nudges before it looks are one."""

    def __init__(self) -> None:
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Wake the watcher."""
        self._bell.set()

    async def nudges(self) -> AsyncIterator[None]:
        """One value for every time to look again: when nudged, and at times even when not."""
        while True:
            # Not wait_for: where the bell rings in the moment of a cancellation, Python 3.11's forgets the latter.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await self._bell.wait()
            self._bell.clear()
            yield None


class Live:
    """One connection that listens for every watcher of this process, and one that publishes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pubsub = redis.pubsub()
        self._watchers: defaultdict[str, set[Watch]] = defaultdict(set)
        self._wanted = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

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

    @contextmanager
    def watching(self, topics: Sequence[str]) -> Iterator[Watch]:
        """A bell for these ids, for as long as it is held."""
        watch = Watch()
        for topic in topics:
            self._watchers[topic].add(watch)
        self._wanted.set()
        if self._reader is None:
            self._reader = asyncio.create_task(self._listen())
        try:
            yield watch
        finally:
            for topic in topics:
                self._watchers[topic].discard(watch)
                if not self._watchers[topic]:
                    del self._watchers[topic]
            self._wanted.set()

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except (RedisError, OSError):
                with suppress(RedisError, OSError):
                    await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                self._pubsub = self._redis.pubsub()
                self._wanted.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self) -> None:
        """Keep the channels equal to what is watched, and pass on what they say.

        Redis confirms each subscription, also those that the client renews by itself on a new connection. Before that
        a nudge may have been missed, so a confirmation rings like one.
        """
        while True:
            if self._wanted.is_set():
                self._wanted.clear()
                await self._match_channels()
            if not self._pubsub.channels:
                await self._wanted.wait()
                continue
            message = await self._pubsub.get_message(timeout=0.05)
            if message is not None and message["type"] in {"message", "subscribe"}:
                topic = message["channel"].decode().removeprefix(_PREFIX)
                for watch in self._watchers.get(topic, ()):
                    watch.ring()

    async def _match_channels(self) -> None:
        wanted = {(_PREFIX + topic).encode() for topic in self._watchers}
        listened = set(self._pubsub.channels) - self._pubsub.pending_unsubscribe_channels
        if new := wanted - listened:
            await self._pubsub.subscribe(*new)
        if old := listened - wanted:
            await self._pubsub.unsubscribe(*old)

    async def ping(self) -> None:
        """One cheap call; raises RedisError where Redis does not answer."""
        await self._redis.ping()

    async def close(self) -> None:
        """Stop listening; the client is its opener's to close."""
        if self._reader is not None:
            while not self._reader.done():  # redis-py uses wait_for, and Python 3.11's may forget a cancellation
                self._reader.cancel()
                await asyncio.wait([self._reader], timeout=_CANCEL_AGAIN_SECONDS)
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
