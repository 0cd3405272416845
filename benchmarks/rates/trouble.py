"""Reads while things go wrong or change: invalidations, a Redis that is gone, and pages that no cache has."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import aioboto3
from boto3.dynamodb.conditions import Key
from redis import Redis

from benchmarks.rates import load, measure
from benchmarks.rates.contestants import Contestant
from benchmarks.rates.measure import Degraded, Measured, Miss, Plan
from benchmarks.rates.workloads import FILES_IN_A_FOLDER, Places, Workload
from vaultstream import table
from vaultstream.adapters import clients
from vaultstream.adapters.cache.cache import token_key
from vaultstream.adapters.records import Records
from vaultstream.local.process import Process
from vaultstream.settings import Settings

CHANGES_A_SECOND = 200


@contextmanager
def changing(redis_url: str, places: Places) -> Iterator[None]:
    """Somebody writes to random folders, as far as the cache can tell."""
    stop, chance = threading.Event(), random.Random(11)  # folders that repeat

    def change() -> None:
        with Redis.from_url(redis_url) as redis:
            due = time.perf_counter()
            while not stop.wait(max(0.0, due - time.perf_counter())):
                redis.delete(token_key(table.folder(chance.choice(places.folders)).pk))
                due += 1 / CHANGES_A_SECOND

    writer = threading.Thread(target=change)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def churned(
    servers: Sequence[Contestant], token: str, redis_url: str, places: Places, workload: Workload, plan: Plan
) -> dict[str, Measured]:
    """A closed loop against each server while folders change."""
    with changing(redis_url, places):
        return measure.in_turns(servers, token, workload.bodies, plan)


def without_redis(server: Contestant, redis: Process, token: str, workload: Workload, plan: Plan) -> Degraded:
    """Kill Redis, see what goes on, start it again, and see when answers are cached once more."""
    before = load.closed(server.port, token, workload.bodies, plan.seconds)
    redis.stop()
    load.closed(server.port, token, workload.bodies, plan.warm_seconds)
    without = load.closed(server.port, token, workload.bodies, plan.seconds)
    again = Process(redis.part, redis.log.parent)
    try:
        again.wait_ready()
        begun = time.perf_counter()
        while load.closed(server.port, token, workload.bodies, 1).rate < before.rate / 2:
            if time.perf_counter() - begun > 60:
                raise SystemExit("the cache did not come back")
        back_seconds = time.perf_counter() - begun
        after = load.closed(server.port, token, workload.bodies, plan.seconds)
    finally:
        again.stop()
    return Degraded(before, without, after, back_seconds)


async def misses(settings: Settings, places: Places, pages: int, rounds: int) -> list[Miss]:
    """A folder's first page from the table: by aioboto3's table resource, and by the vault's adapter."""
    keys = [table.folder(folder_id).pk for folder_id in places.folders]
    session = aioboto3.Session(settings.access_key_id, settings.secret_access_key.reveal(), region_name=settings.region)
    ask_for = FILES_IN_A_FOLDER + 1
    async with (
        session.resource("dynamodb", endpoint_url=settings.endpoint_dynamodb) as resource,
        clients.client(clients.session(settings), settings, "dynamodb") as client,
    ):
        plain, records = await resource.Table(settings.table), Records(client, settings.table)

        async def stock(pk: str) -> int:
            answer = await plain.query(KeyConditionExpression=Key("PK").eq(pk), Limit=ask_for, ConsistentRead=True)
            return len(answer["Items"])

        async def ours(pk: str) -> int:
            return len(await records.collection(pk, limit=ask_for))

        ways = {"aioboto3, Table.query": stock, "the vault's adapter": ours}
        found: dict[str, Miss] = {name: Miss(name, []) for name in ways}
        for number in range(rounds + 1):
            for name, way in ways.items():
                begun = time.process_time()
                for at in range(pages):
                    if await way(keys[at % len(keys)]) != ask_for:
                        raise SystemExit(f"{name}: the page is not whole")
                if number:  # the first round warms up
                    found[name].cpu_us.append((time.process_time() - begun) / pages * 1e6)
    return list(found.values())
