"""Nudges over a real Redis: to every watcher and to no other, also after Redis was killed, and never at any price."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import parts as world
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from redis.asyncio import Redis
from wires import Wire

from vaultstream.adapters import live as live_module
from vaultstream.adapters.live import Live, Watch
from vaultstream.local import parts
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process


@pytest.fixture(autouse=True)
def only_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    """No watcher looks again by itself here: what wakes one was a nudge."""
    monkeypatch.setattr(live_module, "LOOK_AGAIN_SECONDS", 3600)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Live]:
    """One process's worth of it, over a client as the vault makes it."""
    redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=15)
    live = Live(redis)
    try:
        yield live
    finally:
        await live.close()
        await redis.aclose()


@pytest.fixture
async def live(redis_url: str) -> AsyncIterator[Live]:
    async with opened(redis_url) as live:
        yield live


@asynccontextmanager
async def behind_a_wire(redis_url: str) -> AsyncIterator[tuple[Wire, Live]]:
    """The same, with a connection that can be cut."""
    address, _, _ = redis_url.rpartition("@")[2].partition("/")
    async with (
        Wire("127.0.0.1", int(address.partition(":")[2])) as wire,
        opened(redis_url.replace(address, f"127.0.0.1:{wire.port}")) as live,
    ):
        yield wire, live


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await look():  # noqa: ASYNC110  # what is waited for happens within Redis
            await asyncio.sleep(0.01)


async def heard(redis: Redis, listeners: dict[str, int]) -> None:
    """Return once Redis has so many listeners for each topic."""
    wanted = {f"live:{topic}".encode(): count for topic, count in listeners.items()}

    async def settled() -> bool:
        return dict(await redis.pubsub_numsub(*wanted)) == wanted

    await until(settled)


async def nudged(watch: Watch) -> None:
    """Return at the next nudge."""
    async with asyncio.timeout(60):
        await watch.rung()


@contextmanager
def watching(live: Live, topics: Sequence[str]) -> Iterator[Watch]:
    """A bell that has had its first look, so that the next is for a nudge."""
    with live.watching(topics) as watch:
        watch._bell.clear()
        yield watch


def rung(watch: Watch) -> bool:
    return watch._bell.is_set()


async def quiet(live: Live, *watches: Watch) -> None:
    """Return once these bells are still: what was under way when they were hung has rung them."""
    with watching(live, ["quiet"]) as mark:
        await live.publish(["quiet"])
        await nudged(mark)
    for watch in watches:
        watch._bell.clear()


async def test_a_nudge_reaches_every_watcher_of_the_item_in_every_process(redis_url: str, redis: Redis) -> None:
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(opened(redis_url)) for _ in range(3)]
        watches = [
            stack.enter_context(watching(process, topics))
            for process in processes
            for topics in (["file_1"], ["folder_1", "file_1"], ["folder_1"])
        ]
        await heard(redis, {"file_1": 3, "folder_1": 3})
        for process in processes:
            await quiet(process, *watches)
        await processes[0].publish(["file_1", "file_2"])
        await asyncio.gather(*(nudged(watch) for n, watch in enumerate(watches) if n % 3 != 2))
        for process in processes:
            await quiet(process)
        assert not any(rung(watch) for n, watch in enumerate(watches) if n % 3 == 2)


async def test_nudges_before_a_watcher_looks_are_one(live: Live, redis: Redis) -> None:
    with watching(live, ["file_1"]) as watch:
        await heard(redis, {"file_1": 1})
        await quiet(live, watch)
        for _ in range(10):
            await live.publish(["file_1"])
        await quiet(live)
        await nudged(watch)
        assert not rung(watch)


async def test_who_begins_to_watch_looks_once_more_when_nothing_can_be_missed(live: Live, redis: Redis) -> None:
    """Between the first look and the moment from which Redis tells us of changes there may have been one."""
    with watching(live, ["file_1"]) as watch:
        await nudged(watch)
        assert await redis.publish("live:file_1", "") == 1


@pytest.mark.parametrize("pause", [0, 0.01])
async def test_who_leaves_and_comes_back_at_once_is_nudged_again(live: Live, redis: Redis, pause: float) -> None:
    for _ in range(20):
        with watching(live, ["file_1"]) as watch:
            await live.publish(["file_1"])
            await nudged(watch)
            await asyncio.sleep(pause)


STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from("abcd"), st.booleans()), max_size=12)


@tried(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
@example([(True, "a", True), (False, "a", True), (True, "a", False), (True, "b", True), (False, "b", False)])
async def test_redis_is_asked_for_what_is_watched_and_for_nothing_else(
    redis_url: str, redis: Redis, only_nudges: None, steps: list[tuple[bool, str, bool]]
) -> None:
    """Watchers come and leave in any order, with and without a moment between."""
    async with opened(redis_url) as live:
        held: dict[str, ExitStack] = {}
        for comes, topic, moment in steps:
            if comes and topic not in held:
                held[topic] = ExitStack()
                held[topic].enter_context(watching(live, [topic, "all"]))
            elif not comes and topic in held:
                held.pop(topic).close()
            await asyncio.sleep(0.002 if moment else 0)
        await heard(redis, {topic: int(topic in held) for topic in "abcd"} | {"all": int(bool(held))})
        for stack in held.values():
            stack.close()
        await heard(redis, dict.fromkeys([*"abcd", "all"], 0))


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """A Redis of this test's own: its address, how to kill it, and how to start it anew."""
    part = parts.redis(tmp_path / "redis", free_port(), world.PASSWORD, is_durable=False)
    running: list[Process] = []

    def start() -> None:
        running.append(Process(part, tmp_path))
        running[-1].wait_ready()

    def kill() -> None:
        process = running.pop()
        os.kill(process.pid, signal.SIGKILL)
        process.stop()

    start()
    try:
        yield f"redis://:{world.PASSWORD.reveal()}@{part.address}/0", kill, start
    finally:
        for process in running:
            process.stop()


async def test_watchers_look_again_when_redis_is_back_and_hear_it_from_then_on(
    mortal: tuple[str, Callable[[], None], Callable[[], None]],
) -> None:
    url, kill, start = mortal
    async with opened(url) as live, opened(url) as other:
        with watching(live, ["file_1"]) as first, watching(live, ["folder_1"]) as second:
            await asyncio.gather(nudged(first), nudged(second))
            await other.publish(["elsewhere"])
            for published_meanwhile in (False, True):
                await quiet(live, first, second)
                kill()
                if published_meanwhile:
                    await other.publish(["file_1", "folder_1"])  # a change of which nobody can be told
                await asyncio.to_thread(start)
                async with Redis.from_url(url) as redis:
                    await heard(redis, {"file_1": 1, "folder_1": 1})
                await asyncio.gather(nudged(first), nudged(second))
                await quiet(live, first, second)
                await other.publish(["folder_1"])
                await nudged(second)


async def test_a_cut_connection_makes_every_watcher_look_again(redis_url: str, redis: Redis) -> None:
    async with behind_a_wire(redis_url) as (wire, live):
        with watching(live, ["file_1"]) as watch:
            await nudged(watch)
            for _ in range(3):
                await quiet(live, watch)
                wire.cut()
                await nudged(watch)
            await heard(redis, {"file_1": 1})


async def test_publishing_to_a_redis_that_is_gone_raises_nothing_and_takes_no_time_to_speak_of() -> None:
    async with opened(f"redis://127.0.0.1:{free_port()}/0") as live, asyncio.timeout(10):
        await live.publish(["file_1"])
        await live.publish([])


async def test_publishing_to_a_redis_that_does_not_answer_takes_as_little(redis_url: str, redis: Redis) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"redis://127.0.0.1:{port}/0") as live, asyncio.timeout(10):
        await asyncio.gather(*(live.publish([f"file_{n}"]) for n in range(50)))


async def test_a_publisher_that_was_cut_off_publishes_again(redis_url: str, redis: Redis, live: Live) -> None:
    async with behind_a_wire(redis_url) as (wire, publisher):
        with watching(live, ["file_1"]) as watch:
            await heard(redis, {"file_1": 1})
            await publisher.publish(["file_1"])
            wire.refuse()
            await publisher.publish(["file_1"])
            wire.restore()
            await quiet(live, watch)
            await publisher.publish(["file_1"])
            await nudged(watch)


async def test_closing_leaves_nothing_behind(redis_url: str, redis: Redis) -> None:
    before = asyncio.all_tasks()
    async with opened(redis_url) as live:
        with watching(live, ["closing"]) as watch:
            await nudged(watch)
    assert asyncio.all_tasks() == before
    await heard(redis, {"closing": 0})


async def test_closing_ends_at_any_moment(redis_url: str) -> None:
    """Also while the listener is in the middle of connecting or of asking for a channel."""
    async with asyncio.timeout(60):
        for turns in range(60):
            async with opened(redis_url) as live:
                with watching(live, ["closing"]):
                    for _ in range(turns // 2):
                        await asyncio.sleep(0)
