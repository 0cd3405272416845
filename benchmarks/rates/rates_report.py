"""The report of `benchmarks.rates`: a table for each workload, the churn, the outage, the misses, and pictures."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from json import loads

from benchmarks import report
from benchmarks.rates import contestants
from benchmarks.rates.contestants import PEERS
from benchmarks.rates.load import CONNECTIONS, FEW_CONNECTIONS
from benchmarks.rates.measure import Degraded, Measured, Miss
from benchmarks.rates.workloads import Workload

Found = Mapping[Workload, Mapping[str, Measured]]
_NPM = ("mercurius", "graphql-yoga", "@graphql-yoga/plugin-response-cache", "@apollo/server", "ioredis", "graphql")


def told(
    found: Found,
    churned: Mapping[str, Measured],
    degraded: Degraded,
    missed: Sequence[Miss],
    fixed_rate: float,
    *,
    keep: bool,
) -> None:
    """Print the report, and keep it and its pictures where asked."""
    parts = [_head(fixed_rate), *(_workload(workload, by, fixed_rate) for workload, by in found.items())]
    text = "\n\n".join([*parts, _churn(churned), _outage(degraded), _misses(missed), _left_out()]) + "\n"
    if keep:
        for workload, by in found.items():
            _picture(workload, by)
        report.write("rates", text)
    else:
        print(text)


def _head(fixed_rate: float) -> str:
    npm = loads((PEERS / "package.json").read_text())["dependencies"]
    peers = ", ".join(f"{name} {npm[name]}" for name in _NPM)
    return f"""# Rates of reads

`python -m benchmarks.rates --write`

{report.machine()}, strawberry-graphql {version("strawberry-graphql")}; {peers}.

Each server is one process on one core; the load, Redis, DynamoDB and all else have the other one. All read the same
Redis and were first seen to answer every request alike. The vault authenticates each request (a signed token),
charges its budget, counts its metrics and applies its limits; **the limit and the peers do none of that, and decide
no access**. `ratio` is to the limit's rate, or to CPU of the limit, round by round, then the median. Closed loop:
{CONNECTIONS} connections that ask again at once, by heads that differ in nothing but how long the body is. `busy` is
the server's CPU in the closed loop by the time that it took: near 1 the rate is the server's own, well below it that of
the load and of Redis on the other core. More that waits costs some servers more than others, so `by {FEW_CONNECTIONS}`
is the CPU with so few connections. Fixed rate: {fixed_rate:,.0f} requests/s at random moments, lateness from when
each was due; a dash where a server cannot serve that with a margin of 15%."""


def _workload(workload: Workload, by: Mapping[str, Measured], fixed_rate: float) -> str:
    base = by.get(contestants.LIMIT) or by[contestants.CACHED]
    to = "limit" if contestants.LIMIT in by else "cached"
    few = f"CPU µs by {FEW_CONNECTIONS}"
    head = [
        "server", "requests/s", f"ratio to {to}", "CPU µs/request", f"{to}'s CPU / its", few, "busy",
        "p50 ms", "p99 ms", f"p50 ms at {fixed_rate:,.0f}/s", f"p99 ms at {fixed_rate:,.0f}/s", "MiB",
    ]  # fmt: skip
    rows = [
        [
            name,
            f"{_median(run.rate for run in one.runs):,.0f}",
            f"{_ratio([run.rate for run in one.runs], [run.rate for run in base.runs]):.3f}",
            f"{_median(one.cpu_us):,.0f}",
            f"{_ratio(base.cpu_us, one.cpu_us):.3f}",
            f"{_median(one.few_cpu_us):,.0f}" if one.few_cpu_us else "-",
            f"{_busy(one):.2f}",
            f"{_median(run.p50_ms for run in one.runs):.2f}",
            f"{_median(run.p99_ms for run in one.runs):.2f}",
            f"{_median(run.p50_ms for run in one.fixed):.2f}" if one.fixed else "-",
            f"{_median(run.p99_ms for run in one.fixed):.2f}" if one.fixed else "-",
            f"{one.resident_mib:.0f}",
        ]
        for name, one in by.items()
    ]
    return f"## {workload.title}\n\n{report.table(head, rows)}"


def _churn(churned: Mapping[str, Measured]) -> str:
    rows = [
        [
            name,
            f"{_median(run.rate for run in one.runs):,.0f}",
            f"{_median(one.cpu_us):,.0f}",
            f"{_busy(one):.2f}",
            f"{_median(run.p99_ms for run in one.runs):.2f}",
        ]
        for name, one in churned.items()
    ]
    fast, slow = (churned[name].runs for name in (contestants.CACHED, contestants.STANDARD))
    ratio = _ratio([run.rate for run in fast], [run.rate for run in slow])
    return f"""## Churn: W1 while 200 collections a second change

A write to a random one of the folders that are being read, as far as the cache is told: its token is taken
away. What was stored is then read again from DynamoDB and executed anew. The compiled executor fills at
**{ratio:.1f} times** the rate of graphql-core.

{report.table(["server", "requests/s", "CPU µs/request", "busy", "p99 ms"], rows)}"""


def _outage(degraded: Degraded) -> str:
    stages = {"before": degraded.before, "without Redis": degraded.without, "after": degraded.after}
    rows = [[name, f"{run.rate:,.0f}", f"{run.p50_ms:.2f}", f"{run.p99_ms:.2f}"] for name, run in stages.items()]
    return f"""## Redis gone: W1

Redis is killed under load, then started again, empty. No request failed. Cached answers came again
{degraded.back_seconds:.1f} s after it listened.

{report.table(["", "requests/s", "p50 ms", "p99 ms"], rows)}"""


def _misses(missed: Sequence[Miss]) -> str:
    base = missed[0].cpu_us
    rows = [[one.name, report.spread(one.cpu_us, ",.0f"), f"{_ratio(base, one.cpu_us):.2f}"] for one in missed]
    return f"""## A miss: one folder page from DynamoDB

CPU of the asking process for one strongly consistent Query of a folder and 25 entries, decoded, one at a time.

{report.table(["client", "CPU µs a page", "times as cheap"], rows)}"""


def _left_out() -> str:
    return """## What is not in it

TLS, a network between the parts, several workers, AWS's own DynamoDB, and Redis short of memory."""


def _picture(workload: Workload, by: Mapping[str, Measured]) -> None:
    figure, axes = report.figure()
    names = list(by)
    rates = [_median(run.rate for run in by[name].runs) for name in names]
    bars = axes.barh(names, rates, color=["#2f6f6f" if "Vault" in name else "#b0b7bd" for name in names])
    axes.bar_label(bars, [f" {rate:,.0f}" for rate in rates])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("requests per second on one core (logarithmic)")
    axes.set_title(workload.title)
    report.keep_picture(figure, f"rates-{workload.name.lower()}")


def _busy(one: Measured) -> float:
    """The part of a closed loop's time in which the server's core worked for it."""
    return _median(cpu_us * run.rate / 1e6 for cpu_us, run in zip(one.cpu_us, one.runs, strict=True))


def _ratio(mine: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(mine, others, strict=True))


_median: Callable[..., float] = statistics.median
