"""What telling costs: `python -m benchmarks.telemetry [--requests 500] [--rounds 7] [--write]`.

One count, one value, one span, beside prometheus_client and the OpenTelemetry SDK; then whole requests through four API
processes before the same servers: nothing measured, measured, and traced for 1 and for 100 of a hundred requests.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
import timeit
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import prometheus_client
import psutil

from benchmarks.client import Client
from benchmarks.report import machine, spread, table, write
from benchmarks.vault import ROOT, DevVault, dev_vault, door
from vaultstream.adapters.meters import Meters
from vaultstream.adapters.telemetry.tracer import Tracer, span
from vaultstream.local.probes import free_port
from vaultstream.metrics import CACHE_LOOKUPS, CALL_SECONDS
from vaultstream.settings import Settings

_CALLS = 20_000
_REPEATS = 7
_SDK = "opentelemetry-sdk==1.45.2"
_FLOOR = "nothing measured"
_SERVE = "vaultstream.commands.serve"
DOORS: Mapping[str, tuple[str, int | None]] = {  # the module that runs, and how many of a hundred are traced
    _FLOOR: ("benchmarks.doors.unmeasured", None),
    "measured": (_SERVE, None),
    "measured, 1% traced": (_SERVE, 1),
    "measured, all traced": (_SERVE, 100),
}
REQUESTS: Mapping[str, Callable[[Client], object]] = {
    "viewer": lambda client: client.graphql("{ viewer { id } }"),
    "folder page": lambda client: client.graphql(
        "{ viewer { rootFolder { children(first: 25) { edges { node { id name owner { displayName } } } } } } }"
    ),
}


def units() -> Iterator[tuple[str, str, float]]:
    """What is done, by whom, and its microseconds."""
    meters, registry = Meters(), prometheus_client.CollectorRegistry()
    theirs = prometheus_client.Counter("lookups", "Look-ups.", ["layer", "outcome"], registry=registry)
    bucketed = prometheus_client.Histogram("calls", "Calls.", ["system", "outcome"], registry=registry)
    yield "a count", "vault", _micro(lambda: meters.count(CACHE_LOOKUPS, "response", "hit"))
    yield "a count", "prometheus_client", _micro(lambda: theirs.labels("response", "hit").inc())
    yield "a value in a histogram", "vault", _micro(lambda: meters.observe(CALL_SECONDS, 0.003, "redis", "ok"))
    yield "a value in a histogram", "prometheus_client", _micro(lambda: bucketed.labels("redis", "ok").observe(0.003))
    yield "a span, not sampled", "vault", _micro(_within)
    with Tracer(100).request("http page", ""):
        yield "a span, sampled", "vault", _micro(_within)
    for done, micro in _by_the_sdk().items():
        yield done, "OpenTelemetry SDK", micro


def _by_the_sdk() -> dict[str, float]:
    uv = Path(sys.executable).with_name("uv")
    command = [f"{uv}", "run", "-q", "--no-project", "--python", sys.executable, "--with", _SDK]
    told = subprocess.run([*command, "python", "benchmarks/otel_sdk.py"], capture_output=True, check=True, cwd=ROOT)
    found: dict[str, float] = json.loads(told.stdout)
    return found


def _within() -> None:
    with span("inner") as inner:
        if inner is not None:
            inner.attributes["keys"] = 1


def _micro(deed: Callable[[], object]) -> float:
    return min(timeit.repeat(deed, timer=time.process_time, number=_CALLS, repeat=_REPEATS)) / _CALLS * 1e6


class _Sink(BaseHTTPRequestHandler):
    """A collector that takes everything and keeps nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def sink() -> Iterator[str]:
    """The endpoint of a collector, for as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sink) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def doors(dev: DevVault, endpoint: str) -> Iterator[dict[str, tuple[psutil.Process, Client]]]:
    """Every API process with a client's connection to it."""
    logs = dev.folder / "door-logs"
    logs.mkdir()
    with ExitStack() as stack:
        opened = {}
        for name, (module, percent) in DOORS.items():
            settings = _at(dev.settings(), endpoint if percent is not None else "", percent or 0)
            api = stack.enter_context(door(settings, module, logs))
            opened[name] = api, stack.enter_context(Client(f"http://127.0.0.1:{settings.port}", dev.token()))
        yield opened


def _at(settings: Settings, endpoint: str, percent: int) -> Settings:
    plenty = replace(settings, budget_size=10**9, budget_per_second=10**9)
    return replace(plenty, port=free_port(), otlp_endpoint=endpoint, trace_percent=percent)


def _cpu_micro(process: psutil.Process) -> float:
    """CPU time of all its threads, to the nanosecond: proc(5), schedstat."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000


def measured(requests: int, rounds: int) -> dict[tuple[str, str], list[float]]:
    """CPU microseconds of the API for each request, by request and door; doors take turns in every round."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with sink() as endpoint, dev_vault() as dev, doors(dev, endpoint) as opened:
        for turn in range(rounds + 1):
            for asked, deed in REQUESTS.items():
                for name, (api, client) in opened.items():
                    before = _cpu_micro(api)
                    for _ in range(requests):
                        deed(client)
                    if turn:  # the first round warms up
                        found[asked, name].append((_cpu_micro(api) - before) / requests)
    return found


def told(requests: int, rounds: int) -> str:
    """The report."""
    lines = [(done, who, f"{micro:.2f}") for done, who, micro in sorted(units())]
    found = measured(requests, rounds)
    rows = []
    for (asked, name), values in found.items():
        floor = found[asked, _FLOOR]
        more = [value - least for value, least in zip(values, floor, strict=True)]
        ratios = [value / least for value, least in zip(values, floor, strict=True)]
        rows.append(
            (asked, name, spread(values, ".0f"), f"{statistics.median(more):.0f}", f"{statistics.median(ratios):.3f}")
        )
    return (
        f"# What telling costs\n\n{machine()}\n\n"
        f"{table(('what', 'by', 'µs'), lines)}\n\n"
        f"{rounds} rounds of {requests} requests, one at a time on one connection: CPU of the API process a request. A"
        f" round is compared with the same round of the process that measures nothing.\n\n"
        f"{table(('request', 'process', 'CPU µs', 'more, µs', 'ratio'), rows)}\n"
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="keep the report in benchmarks/results")
    options = parser.parse_args()
    text = told(options.requests, options.rounds)
    if options.write:
        write("telemetry", text)
    else:
        print(text)


if __name__ == "__main__":
    main()
