"""Requests in a closed loop (wrk, from Debian) and at a fixed rate (latency counted from when each was due)."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

CONNECTIONS = 64  # so many that a server which answers at once still always has the next request before it
FEW_CONNECTIONS = 16  # what waits in a server costs it memory, and one more than another
LOAD_CORE = 1

_SCRIPT = """
local requests, at = {}, 0
wrk.method, wrk.path = "POST", "/graphql"
wrk.headers["Content-Type"], wrk.headers["Accept"] = "application/json", "application/graphql-response+json"
wrk.headers["Authorization"] = os.getenv("RATES_TOKEN")
function init()
  for body in io.lines(os.getenv("RATES_BODIES")) do requests[#requests + 1] = wrk.format(nil, nil, nil, body) end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RATES {"requests":%d,"microseconds":%d,"p50":%f,"p99":%f,"failed":%d}\\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to; times in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float
    requests: int


def closed(port: int, token: str, bodies: Sequence[bytes], seconds: float, connections: int = CONNECTIONS) -> Run:
    """Each connection asks again as soon as it has its answer."""
    if shutil.which("wrk") is None:
        sys.exit("This needs wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="vaultstream-rates-") as folder:
        lines, script = Path(folder) / "bodies", Path(folder) / "ask.lua"
        lines.write_bytes(b"\n".join(bodies) + b"\n")
        script.write_text(_SCRIPT)
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
        said = subprocess.run(
            ["taskset", "-c", f"{LOAD_CORE}", *wrk, f"http://127.0.0.1:{port}"],
            env={"RATES_BODIES": str(lines), "RATES_TOKEN": f"Bearer {token}", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    told = json.loads(next(line for line in said.splitlines() if line.startswith("RATES ")).removeprefix("RATES "))
    if told["failed"]:
        sys.exit(f"{told['failed']} requests failed at port {port}")
    rate = told["requests"] / told["microseconds"] * 1e6
    return Run(rate, told["p50"] / 1000, told["p99"] / 1000, told["requests"])


class _Wire(asyncio.Protocol):
    """One connection with at most one request under way; it understands answers with a Content-Length."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] | None = None
        self._buffer = b""
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's own is none by its class

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._needed:
            head, found, _ = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            self._needed = len(head) + 4 + int(length.partition(b":")[2])
        if len(self._buffer) >= self._needed:
            answer, self._buffer, self._needed = self._buffer, b"", 0
            if self.answer is not None and not self.answer.done():
                self.answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error or ConnectionError("the server hung up"))


def request_of(port: int, token: str, body: bytes) -> bytes:
    """One request's bytes."""
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Accept: application/graphql-response+json\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def fixed(port: int, token: str, bodies: Sequence[bytes], rate: float, seconds: float) -> Run:
    """Requests that are due at random moments (Poisson), on whichever connection is free: a slow answer does not
    slow the asking, it makes those behind it late.
    """
    loop, chance = asyncio.get_running_loop(), random.Random(7)  # moments that repeat
    requests = [request_of(port, token, body) for body in bodies]
    free: asyncio.Queue[_Wire] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        _, wire = await loop.create_connection(_Wire, "127.0.0.1", port)
        free.put_nowait(wire)
    late: list[float] = []

    async def one(due: float, request: bytes) -> None:
        wire = await free.get()
        answer = await wire.ask(request)
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit(f"port {port} answered {answer[:200]!r}")
        late.append(loop.time() - due)
        free.put_nowait(wire)

    begun = time.perf_counter()
    due, end, at = loop.time(), loop.time() + seconds, 0
    async with asyncio.TaskGroup() as asking:
        while due < end:
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            asking.create_task(one(due, requests[at % len(requests)]))
            due, at = due + chance.expovariate(rate), at + 1
    took = time.perf_counter() - begun
    while not free.empty():
        free.get_nowait().transport.close()
    late.sort()
    return Run(len(late) / took, late[len(late) // 2] * 1000, late[len(late) * 99 // 100] * 1000, len(late))
