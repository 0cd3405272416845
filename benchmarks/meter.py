"""What a piece of work costs the processes that do it: CPU time, and memory at its highest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(slots=True)
class Cost:
    """Seconds of wall clock and of CPU (user and system), and by how many bytes resident memory grew at its peak."""

    wall_seconds: float = 0.0
    api_seconds: float = 0.0
    s3_seconds: float = 0.0
    growth_bytes: int = 0


@contextmanager
def metered(api: psutil.Process, s3: psutil.Process) -> Iterator[Cost]:
    """The cost of the block; the figures are there when it has ended."""
    cost = Cost()
    (Path("/proc") / f"{api.pid}" / "clear_refs").write_text("5")  # the kernel's own peak starts anew: proc(5)
    before_bytes, api_seconds, s3_seconds = _status_bytes(api, "VmRSS"), _cpu_seconds(api), _cpu_seconds(s3)
    start = time.perf_counter()
    yield cost
    cost.wall_seconds = time.perf_counter() - start
    cost.api_seconds = _cpu_seconds(api) - api_seconds
    cost.s3_seconds = _cpu_seconds(s3) - s3_seconds
    cost.growth_bytes = _status_bytes(api, "VmHWM") - before_bytes


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _status_bytes(process: psutil.Process, field: str) -> int:
    lines = (Path("/proc") / f"{process.pid}" / "status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
