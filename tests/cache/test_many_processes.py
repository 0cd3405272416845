"""Several real processes read and write through a Redis that is refused, slow, cut, emptied and damaged at random.

The model is a number for each counter: how many writes were acknowledged. No read that begins afterwards sees fewer,
in any process, by any way of reading; and every read is answered.
"""

import asyncio
import json
import random
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from caches import redis_wire, through
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from redis.asyncio import Redis
from wires import Wire

from vaultstream.settings import Settings

PROCESSES = 3
COUNTERS = ("a0", "a1", "b0", "b1")  # two partitions of two counters each
WAYS = ("item", "items", "collection", "between", "foreseen")
ROOT = Path(__file__).parents[2]


class Process:
    """A vault in a process of its own, told what to do over a pipe; its Redis is at the end of its own wire."""

    def __init__(self, process: asyncio.subprocess.Process, wire: Wire) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening = asyncio.create_task(self._listen())
        self.wire = wire

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            self._waiting.pop(answer["id"]).set_result(answer)

    async def do(self, do: str, **order: Any) -> dict[str, Any]:
        """The answer to one order; any number may be under way."""
        assert self._process.stdin is not None
        number = secrets.randbits(60)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "do": do, **order}).encode() + b"\n")
        async with asyncio.timeout(60):
            return await self._waiting[number]

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._listening


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Process]:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.cache.process")
    async with redis_wire(settings) as wire:
        started = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, cwd=ROOT, limit=2**20, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        )
        assert started.stdin is not None
        assert started.stdout is not None
        started.stdin.write(json.dumps(through(settings, wire).to_env()).encode() + b"\n")
        assert await started.stdout.readline() == b"{}\n"
        process = Process(started, wire)
        try:
            yield process
        finally:
            wire.restore()
            await process.close()


@pytest.fixture(scope="module")
async def processes(settings: Settings) -> AsyncIterator[list[Process]]:
    async with AsyncExitStack() as stack:
        yield list(await asyncio.gather(*(stack.enter_async_context(running(settings)) for _ in range(PROCESSES))))


class Model:
    """What must have been seen at least, of counters that no other example knows."""

    def __init__(self, processes: list[Process]) -> None:
        self._processes = processes
        self._example = secrets.token_hex(6)
        self.acknowledged: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()

    async def write(self, process: int, names: list[str]) -> None:
        own = [f"{self._example}{name}" for name in names]
        self.begun.update(names)
        answer = await self._processes[process].do("write", names=own)
        assert "error" not in answer or answer["error"] == "CONFLICT", answer
        if "error" not in answer:
            self.acknowledged.update(names)

    async def read(self, process: int, name: str, way: str) -> None:
        least = self.acknowledged[name]
        answer = await self._processes[process].do("read", name=f"{self._example}{name}", way=way)
        assert "error" not in answer, answer
        assert least <= answer["value"] <= self.begun[name], (name, way, process)


async def damage(redis: Redis) -> None:
    """Other bytes in the place of some of what Redis holds, as long as they were or longer."""
    async for name in redis.scan_iter("[ev]:*"):
        if random.random() < 0.5:  # damage, not a secret
            await redis.set(name, secrets.token_bytes(random.choice((1, 12, 300))), keepttl=True)


def wire_step(wire: Wire, fault: str) -> None:
    if fault == "refuse":
        wire.refuse()
    elif fault == "cut":
        wire.cut()
    else:
        wire.restore()
        wire.bytes_per_second = 600 if fault == "slow" else None


async def calm(processes: list[Process]) -> None:
    """All is well again, and every process believes the cache."""
    async with asyncio.timeout(60):
        for process in processes:
            wire_step(process.wire, "restore")
        for process in processes:
            while not (await process.do("trusts"))["value"]:  # noqa: ASYNC110  # another process tells no event
                await asyncio.sleep(0.05)


PROCESS = st.integers(0, PROCESSES - 1)
NAMES = st.lists(st.sampled_from(COUNTERS), min_size=1, max_size=3, unique=True)
STEP = st.one_of(
    st.tuples(st.just("wire"), PROCESS, st.sampled_from(("refuse", "restore", "restore", "slow", "cut"))),
    st.tuples(st.just("redis"), st.sampled_from(("flush", "damage"))),
    st.tuples(st.just("calm")),
    st.tuples(st.just("write"), PROCESS, NAMES),
    st.tuples(st.just("burst"), st.lists(st.tuples(PROCESS, NAMES), min_size=1, max_size=4)),
    st.tuples(st.just("read"), PROCESS, st.sampled_from(COUNTERS), st.sampled_from(WAYS)),
)


async def reading(model: Model, process: int, over: asyncio.Event) -> None:
    """Read at random until it is over."""
    while not over.is_set():
        await model.read(process, random.choice(COUNTERS), random.choice(WAYS))  # no secret


async def carry_out(model: Model, processes: list[Process], redis: Redis, step: tuple[Any, ...]) -> None:
    match step:
        case "wire", process, fault:
            wire_step(processes[process].wire, fault)
        case ("calm",):
            await calm(processes)
        case "redis", "flush":
            await redis.flushall()
        case "redis", _:
            await damage(redis)
        case "write", process, names:
            await model.write(process, names)
        case "burst", writes:
            await asyncio.gather(*(model.write(process, names) for process, names in writes))
        case _, process, name, way:
            await model.read(process, name, way)


@tried(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=10, max_size=25))
async def test_no_read_is_older_than_an_acknowledged_write(
    processes: list[Process], settings: Settings, steps: list[tuple[Any, ...]]
) -> None:
    model, over = Model(processes), asyncio.Event()
    async with Redis.from_url(settings.redis_url.reveal()) as redis:
        async with asyncio.TaskGroup() as group:
            for process in range(PROCESSES):
                group.create_task(reading(model, process, over))
            try:
                for step in steps:
                    await carry_out(model, processes, redis, step)
            finally:
                over.set()
        for process, name in ((p, n) for p in range(PROCESSES) for n in COUNTERS):
            await model.read(process, name, "item")
    await calm(processes)
