"""What was measured, and how: one contestant at one workload, in turns with the others."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import uvloop

from benchmarks.rates import load
from benchmarks.rates.contestants import Contestant
from benchmarks.rates.load import Run


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    places: int
    rounds: int
    seconds: int
    warm_seconds: int
    fixed_rate: float


@dataclass(slots=True)
class Measured:
    """Of one contestant at one workload, round by round."""

    runs: list[Run] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    few_cpu_us: list[float] = field(default_factory=list)  # with few connections
    fixed: list[Run] = field(default_factory=list)
    resident_mib: float = 0.0


@dataclass(frozen=True, slots=True)
class Degraded:
    """Before, during and after an outage of Redis."""

    before: Run
    without: Run
    after: Run
    back_seconds: float


@dataclass(frozen=True, slots=True)
class Miss:
    """What one page from DynamoDB costs by one client, in each round."""

    name: str
    cpu_us: list[float]


def in_turns(servers: Sequence[Contestant], token: str, bodies: Sequence[bytes], plan: Plan) -> dict[str, Measured]:
    """A closed loop against each server, again and again."""
    found = {server.name: Measured() for server in servers}
    for server in servers:
        load.closed(server.port, token, bodies, plan.warm_seconds)
    for _ in range(plan.rounds):
        for server in servers:
            one = found[server.name]
            run, cpu_us = _closed(server, token, bodies, plan.seconds, load.CONNECTIONS)
            one.cpu_us.append(cpu_us)
            one.runs.append(run)
            one.resident_mib = max(one.resident_mib, server.resident_mib)
    return found


def by_few(
    servers: Sequence[Contestant], token: str, bodies: Sequence[bytes], plan: Plan, found: dict[str, Measured]
) -> None:
    """The same with few connections; added to what was found."""
    for _ in range(plan.rounds):
        for server in servers:
            _, cpu_us = _closed(server, token, bodies, plan.seconds, load.FEW_CONNECTIONS)
            found[server.name].few_cpu_us.append(cpu_us)


def _closed(
    server: Contestant, token: str, bodies: Sequence[bytes], seconds: int, connections: int
) -> tuple[Run, float]:
    """The run, and what CPU a request of it cost the server, in microseconds."""
    before = server.cpu_seconds
    run = load.closed(server.port, token, bodies, seconds, connections)
    return run, (server.cpu_seconds - before) / run.requests * 1e6


def at_a_fixed_rate(
    servers: Sequence[Contestant], token: str, bodies: Sequence[bytes], plan: Plan, found: dict[str, Measured]
) -> None:
    """The same for those that can serve so much, warm again after the others' turns; added to what was found."""
    for _ in range(max(1, plan.rounds // 2)):
        for server in servers:
            one = found[server.name]
            if statistics.median(run.rate for run in one.runs) > 1.15 * plan.fixed_rate:
                load.closed(server.port, token, bodies, plan.warm_seconds)
                asking = load.fixed(server.port, token, bodies, plan.fixed_rate, plan.seconds)
                one.fixed.append(uvloop.run(asking))
