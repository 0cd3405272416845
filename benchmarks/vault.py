"""A vault of the benchmarks' own: `vaultstream dev` in a temporary folder, and further API processes beside it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from vaultstream.local.mint import mint
from vaultstream.local.part import Part
from vaultstream.local.probes import answers_http, free_port
from vaultstream.local.process import Process
from vaultstream.local.provision import provision
from vaultstream.settings import Settings

ROOT = Path(__file__).parents[1]
_MODULES = {"api": "vaultstream.commands.serve", "s3": "vaultstream.local.s3", "workers": "vaultstream.commands.work"}


@dataclass(frozen=True, slots=True)
class DevVault:
    """A running `vaultstream dev`."""

    folder: Path
    process: psutil.Process

    def part(self, name: str) -> psutil.Process:
        """The process of one of its parts ("api", "s3" or "workers")."""
        wanted = _MODULES[name]
        return next(child for child in self.process.children(recursive=True) if wanted in child.cmdline())

    def settings(self) -> Settings:
        """What its API was started with."""
        return Settings.from_env(self.part("api").environ())

    def token(self, email: str = "alice@example.com") -> str:
        """A bearer token of one of its people, for an hour."""
        return mint(self.folder, email)


@contextmanager
def dev_vault() -> Iterator[DevVault]:
    """A vault from the moment it serves; nothing of it, and none of its data, is left at the end."""
    with tempfile.TemporaryDirectory(prefix="vaultstream-benchmark-") as name:
        folder = Path(name)
        environ = _clean_environ() | {"VAULTSTREAM_DATA": name, "VAULTSTREAM_PORT": f"{free_port()}"}
        child = subprocess.Popen(
            [sys.executable, "-m", "vaultstream", "dev"], env=environ, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            _wait_for_welcome(child)
            yield DevVault(folder, psutil.Process(child.pid))
        finally:
            child.terminate()
            said, _ = child.communicate()
            sys.stderr.write(said.replace("Stopping.\n", ""))  # a part that died meanwhile would spoil the figures


def _wait_for_welcome(child: "subprocess.Popen[str]") -> None:
    """Returns once it says how to stop it, which is the end of its welcome."""
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("Ctrl-C"):
            return
    raise SystemExit(f"vaultstream dev did not start (exit code {child.wait()})")


def _clean_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("VAULTSTREAM_")}


async def own_world(settings: Settings, name: str) -> Settings:
    """Settings of another vault on the same servers, with a table, a bucket and queues that no worker reads."""
    port = free_port()
    own = replace(
        settings,
        table=f"{settings.table}-{name}",
        bucket=f"{settings.bucket}-{name}",
        bus=f"{settings.bus}-{name}",
        queue_prefix=f"{settings.queue_prefix}-{name}",
        public_url=f"http://127.0.0.1:{port}",
        port=port,
        content_url_ttl_seconds=3600,
    )
    await provision(own)
    return own


@contextmanager
def door(settings: Settings, module: str, logs: Path, profiler: Sequence[str] = ()) -> Iterator[psutil.Process]:
    """An API process of its own, from the moment it serves; `module` is what Python runs."""
    part = Part(
        name=module.rpartition(".")[2],
        serves=module,
        port=settings.port,
        command=(*profiler, sys.executable, "-m", module),
        is_ready=answers_http(settings.port, "/health"),
        env=settings.to_env(),
        folder=ROOT,
        stop_seconds=15,
    )
    process = Process(part, logs)
    try:
        process.wait_ready()
        yield psutil.Process(process.pid)
    except AssertionError:  # an answer that was not expected: its reason is in the log, which is gone in a moment
        sys.stderr.write(process.log.read_text())
        raise
    finally:
        process.stop()
