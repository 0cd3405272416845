"""Who takes part: each a server of one process, pinned to a core of its own."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from vaultstream.local.part import Part
from vaultstream.local.probes import answers_http, free_port
from vaultstream.local.process import Process
from vaultstream.settings import Settings

ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
SERVER_CORE = 0
LIMIT, VANILLA, CACHED, EXECUTED = "limit", "vanilla Strawberry", "VaultStream, cached", "VaultStream, executed"
MERCURIUS, YOGA, APOLLO = "mercurius, jit", "yoga, cached", "Apollo, cached"
STANDARD = "VaultStream, cached, standard executor"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that runs."""

    name: str
    port: int
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """Of the process and of what it started, user and system."""
        times = [one.cpu_times() for one in (self.process, *self.process.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    @property
    def resident_mib(self) -> float:
        """Memory of the process and of what it started."""
        return sum(one.memory_info().rss for one in (self.process, *self.process.children(recursive=True))) / 2**20


def installed_peers() -> None:
    """What the peers need, by their own lock file."""
    if not (PEERS / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--silent"], cwd=PEERS, check=True)


@contextmanager
def served(name: str, part: Part, logs: Path) -> Iterator[Contestant]:
    """A server from the moment it answers."""
    process = Process(part, logs)
    try:
        process.wait_ready()
        psutil.Process(process.pid).cpu_affinity([SERVER_CORE])
        yield Contestant(name, part.port, psutil.Process(process.pid))
    finally:
        process.stop()
        if process.exit_code not in {0, -15, 143, None}:
            sys.stderr.write(process.log.read_text()[-2000:])


def _part(name: str, port: int, command: Sequence[str], folder: Path, env: dict[str, str] | None = None) -> Part:
    return Part(
        name=name.replace(" ", "-").replace(",", ""),
        serves=name,
        port=port,
        command=tuple(command),
        is_ready=answers_http(port, "/health" if env else "/graphql"),
        env=env or {},
        folder=folder,
        stop_seconds=15,
    )


def vault(name: str, module: str, settings: Settings) -> Part:
    """The vault's own API, or a door that differs from it in one thing."""
    return _part(name, settings.port, (sys.executable, "-m", module), ROOT, settings.to_env())


def python(name: str, module: str, redis_url: str) -> Part:
    """A server of these benchmarks."""
    port = free_port()
    return _part(name, port, (sys.executable, "-m", module, f"{port}", redis_url), ROOT)


def node(name: str, script: str, redis_url: str) -> Part:
    """A peer from npm."""
    port = free_port()
    return _part(name, port, ("node", script, f"{port}", redis_url), PEERS)
