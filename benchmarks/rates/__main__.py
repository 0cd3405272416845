"""Reads beside their limit and their peers: `python -m benchmarks.rates [--quick] [--write]`.

One Redis, one data set, one core for the server under test and the other for everything else. Contestants take turns
in every round; a figure is the median of the rounds, a ratio is taken round by round. Needs wrk (Debian) and npm.
"""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil
from redis.asyncio import Redis

from benchmarks.rates import contestants, load, measure, rates_report, trouble, workloads, world
from benchmarks.rates.contestants import Contestant
from benchmarks.rates.measure import Plan
from benchmarks.rates.workloads import Places, Workload
from benchmarks.vault import DevVault, dev_vault, own_world
from vaultstream.local import parts
from vaultstream.local.probes import free_port
from vaultstream.local.process import Process
from vaultstream.settings import Secret, Settings

OWNER = "alice@example.com"


WHOLE = Plan(places=64, rounds=5, seconds=3, warm_seconds=2, fixed_rate=1000)
QUICK = Plan(places=8, rounds=1, seconds=1, warm_seconds=1, fixed_rate=200)


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands: a Redis of our own, a vault's settings, somebody's token, and what there is to read."""

    settings: Settings
    redis_url: str
    redis: Process
    token: str
    places: Places
    logs: Path


@contextmanager
def staged(plan: Plan) -> Iterator[Stage]:
    """The vault's parts on the load's core, with a Redis beside them that can be stopped at will."""
    with tempfile.TemporaryDirectory(prefix="vaultstream-rates-") as name, dev_vault() as dev:
        folder, password, port = Path(name), Secret(secrets.token_hex(16)), free_port()
        redis_url = f"redis://:{password.reveal()}@127.0.0.1:{port}/0"
        redis = Process(parts.redis(folder / "redis", port, password, is_durable=False), folder)
        try:
            redis.wait_ready()
            _pin(dev, redis)
            own = asyncio.run(own_world(dev.settings(), "rates"))
            settings = world.unbounded(replace(own, redis_url=Secret(redis_url)))
            places = asyncio.run(world.seeded(settings, OWNER, plan.places))
            yield Stage(settings, redis_url, redis, dev.token(OWNER), places, folder)
        finally:
            redis.stop()


def _pin(dev: DevVault, redis: Process) -> None:
    for process in (dev.process, *dev.process.children(recursive=True), psutil.Process(redis.pid)):
        process.cpu_affinity([load.LOAD_CORE])


def _on_a_port_of_its_own(settings: Settings) -> Settings:
    port = free_port()
    return replace(settings, port=port, public_url=f"http://127.0.0.1:{port}")


@contextmanager
def everybody(stage: Stage) -> Iterator[dict[str, Contestant]]:
    """All servers, warm and idle; each works only when it is asked."""
    settings = stage.settings
    wanted = [
        contestants.vault(contestants.CACHED, "vaultstream.commands.serve", _on_a_port_of_its_own(settings)),
        contestants.vault(contestants.EXECUTED, "benchmarks.doors.executed", _on_a_port_of_its_own(settings)),
        contestants.vault(contestants.STANDARD, "benchmarks.doors.standard", _on_a_port_of_its_own(settings)),
        contestants.python(contestants.LIMIT, "benchmarks.rates.limit", stage.redis_url),
        contestants.python(contestants.VANILLA, "benchmarks.rates.vanilla", stage.redis_url),
        contestants.node(contestants.MERCURIUS, "mercurius.mjs", stage.redis_url),
        contestants.node(contestants.YOGA, "yoga.mjs", stage.redis_url),
        contestants.node(contestants.APOLLO, "apollo.mjs", stage.redis_url),
    ]
    with ExitStack() as stack:
        found = [stack.enter_context(contestants.served(part.serves, part, stage.logs)) for part in wanted]
        yield {each.name: each for each in found}


def checked(stage: Stage, servers: dict[str, Contestant], asked: Sequence[Workload]) -> None:
    """Ends the run unless everybody answers everything alike, twice."""
    headers = {"Authorization": f"Bearer {stage.token}", "Content-Type": "application/json"}
    with httpx.Client(headers=headers, timeout=30) as client:
        for body in [body for workload in asked for body in workload.bodies if b"mutation" not in body] * 2:
            answers = {
                name: json.loads(client.post(f"http://127.0.0.1:{server.port}/graphql", content=body).content)
                for name, server in servers.items()
            }
            expected = answers[contestants.LIMIT]["data"]
            for name, answer in answers.items():
                if answer.get("data") != expected:
                    sys.exit(f"{name} answers {json.dumps(answer)[:2000]} and not {json.dumps(expected)[:2000]}")


def main(plan: Plan, *, keep: bool) -> None:
    """Everything, and the report."""
    contestants.installed_peers()
    psutil.Process().cpu_affinity([load.LOAD_CORE])
    with staged(plan) as stage, everybody(stage) as servers:
        asyncio.run(_written_down(stage, servers[contestants.EXECUTED]))
        asked = [workloads.pages(stage.places), workloads.files(stage.places), workloads.mix(stage.places)]
        checked(stage, servers, asked)
        say("all answer alike")
        found = {}
        for workload in asked:
            say(f"{workload.name}: {len(servers)} servers in turns")
            left_out = {contestants.STANDARD} | ({contestants.LIMIT} if workload.name == "W3" else set())
            asking = [server for name, server in servers.items() if name not in left_out]
            found[workload] = measure.in_turns(asking, stage.token, workload.bodies, plan)
            if workload.name == "W1":
                measure.by_few(asking, stage.token, workload.bodies, plan, found[workload])
            measure.at_a_fixed_rate(asking, stage.token, workload.bodies, plan, found[workload])
        say("folders change under the readers")
        filling = [servers[name] for name in (contestants.CACHED, contestants.STANDARD)]
        churned = trouble.churned(filling, stage.token, stage.redis_url, stage.places, asked[0], plan)
        say("pages that no cache has")
        missed = asyncio.run(trouble.misses(stage.settings, stage.places, 10 * plan.places, plan.rounds))
        say("Redis goes, and comes back")
        degraded = trouble.without_redis(servers[contestants.CACHED], stage.redis, stage.token, asked[0], plan)
    rates_report.told(found, churned, degraded, missed, plan.fixed_rate, keep=keep)


def say(what: str) -> None:
    """A line for who waits."""
    sys.stderr.write(f"{what}\n")


async def _written_down(stage: Stage, server: Contestant) -> None:
    async with Redis.from_url(stage.redis_url) as redis:
        await world.written_down(redis, f"http://127.0.0.1:{server.port}/graphql", stage.token, stage.places)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the smallest run that touches everything")
    parser.add_argument("--write", action="store_true", help="keep the report and its pictures in results/")
    given = parser.parse_args()
    main(QUICK if given.quick else WHOLE, keep=given.write)
