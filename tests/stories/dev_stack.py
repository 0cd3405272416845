"""`vaultstream dev` as a process of its own, which tests start, starve, kill and start again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from vaultstream.local import postgres
from vaultstream.local.embedded import Secrets, embedded
from vaultstream.local.probes import free_port, is_free
from vaultstream.settings import Settings

COMMAND = (sys.executable, "-m", "vaultstream")
# How each part is told by its command line; in the order in which the tests kill them.
PARTS = {
    "api": "vaultstream.commands.serve",
    "workers": "vaultstream.commands.work",
    "dynamodb": "dynoxide",
    "redis": "valkey-server",
    "postgresql": "postgresql/cluster",
    "replica": "replica/cluster",
    "s3": "vaultstream.local.s3",
    "kms": "vaultstream.local.kms",
    "aws": "ministack_launch.py",
    "sign-in": "vaultstream.local.issuer",
}
_SECONDS_MAX = 60.0


def wait_until(holds: Callable[[], object], what: str | Callable[[], str], seconds: float = _SECONDS_MAX) -> None:
    """Return once it holds; fails with `what` after so long."""
    deadline = time.monotonic() + seconds
    while not holds():
        late = time.monotonic() > deadline
        assert not late, f"not within {seconds:.0f} seconds: {what if isinstance(what, str) else what()}"
        time.sleep(0.03)


def _command(process: psutil.Process) -> list[str]:
    """The command line of a process that may have ended meanwhile; one that has (a zombie too) has none."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


class DevStack:
    """One embedded stack over a data folder that outlives its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = folder.with_name("output.txt")
        self._env = {**os.environ, "VAULTSTREAM_DATA": f"{folder}", "VAULTSTREAM_PORT": f"{self.port}"}
        self._process: subprocess.Popen[bytes] | None = None
        self.token = cache(self._token)

    def start(self) -> None:
        """Start, and return once every part answers."""
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                [*COMMAND, "dev"],
                env=self._env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # as from a terminal of its own
            )
        wait_until(lambda: "Ctrl-C stops everything" in self.said() or not self.is_up, "the stack starts")
        assert self.is_up, self.said()
        self.wait_ready()

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def supervisor(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def said(self) -> str:
        """What a person would have seen in the terminal since the last start."""
        return self._output.read_text()

    def wait_ready(self) -> None:
        wait_until(lambda: self.readiness() == "ready", "the vault is ready")

    def readiness(self) -> str | None:
        try:
            status: str = httpx.get(f"{self.url}/ready", timeout=10).json()["status"]
        except httpx.HTTPError:
            return None
        return status

    def part(self, name: str) -> psutil.Process:
        """The process of one part."""
        (found,) = self._processes(name)
        return found

    def is_running(self, name: str) -> bool:
        """Whether a part has a process now, ready or not."""
        return len(self._processes(name)) == 1

    def _processes(self, name: str) -> list[psutil.Process]:
        return [child for child in self.supervisor.children() if any(PARTS[name] in word for word in _command(child))]

    def kill(self, name: str) -> None:
        """End a part as a crash would; the supervisor starts it again by itself."""
        self.part(name).send_signal(signal.SIGKILL)

    def kill_and_wait(self, name: str) -> None:
        """Kill a part and return once all is as before."""
        before = self.revivals(name)
        self.kill(name)
        wait_until(
            lambda: self.revivals(name) > before or not self.is_up, lambda: f"{name} serves again:\n{self.said()}"
        )
        assert self.is_up, self.said()
        self.wait_ready()

    def revivals(self, name: str) -> int:
        """How often a part came back since the last start."""
        return self.said().count(f"{name} serves again at")

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A part that neither dies nor does anything, for a while."""
        part = self.part(name)
        part.suspend()
        try:
            yield
        finally:
            part.resume()

    def stop(self) -> None:
        """Stop in order, and see that nothing is left: no process, no port."""
        children, ports = self._everyone()
        self.supervisor.send_signal(signal.SIGTERM)
        assert self._process is not None
        assert self._process.wait(_SECONDS_MAX) == 0, self.said()
        self._assert_gone(children, ports)

    def crash(self) -> None:
        """kill -9 the supervisor: its parts have to find their own end."""
        children, ports = self._everyone()
        self.supervisor.kill()
        assert self._process is not None
        assert self._process.wait(_SECONDS_MAX) == -signal.SIGKILL
        wait_until(lambda: not [child for child in children if child.is_running()], "the parts end too")
        self._assert_gone(children, ports)

    def _everyone(self) -> tuple[list[psutil.Process], list[int]]:
        ports = [*json.loads((self.folder / "ports.json").read_text()).values(), self.port]
        return self.supervisor.children(recursive=True), ports

    @staticmethod
    def _assert_gone(children: list[psutil.Process], ports: list[int]) -> None:
        assert len(children) >= len(PARTS)
        assert [child for child in children if child.is_running()] == []
        assert [port for port in ports if not is_free(port)] == []

    def _token(self, email: str) -> str:
        """A bearer token, as a person at the command line gets it; the same one for the whole session."""
        command = [*COMMAND, "token", email]
        told = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=30, check=True)
        return told.stdout.strip()

    @property
    def settings(self) -> Settings:
        """The settings of the stack's own processes, for looks behind the doors."""
        ports = json.loads((self.folder / "ports.json").read_text())
        return embedded(Secrets.of(self.folder), ports, {"VAULTSTREAM_PORT": f"{self.port}"})

    @property
    def owner_dsn(self) -> str:
        """The audit database, as its owner."""
        ports = json.loads((self.folder / "ports.json").read_text())
        return postgres.dsn(ports["postgresql"], Secrets.of(self.folder).database_owner_password).reveal()

    def failures(self) -> list[str]:
        """What the API logged as nobody's expectation since the last start, a request each."""
        return re.findall(r"request \S+ failed.*", (self.folder / "logs" / "api.log").read_text())

    def path_of(self, url: str) -> str:
        """An address of the vault's, without its host."""
        parts = urlsplit(url)
        assert parts.netloc == f"127.0.0.1:{self.port}"
        return parts.path
