"""`vaultstream dev` as a person runs it: one command, everything up, nothing left behind, nothing lost."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from vaultstream.local.probes import free_port, is_free

pytestmark = pytest.mark.story
PARTS = {"dynamodb", "s3", "kms", "aws", "redis", "postgresql", "replica", "sign-in", "api", "workers"}
_MINUTE = 60


def wait_until(holds: Callable[[], object], why: str, seconds: float = _MINUTE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{why}: not within {seconds} seconds"
        time.sleep(0.05)


class Stack:
    """A `vaultstream dev` process over a data folder of its own."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.port = folder, port
        self.env = {**os.environ, "VAULTSTREAM_DATA": f"{folder}", "VAULTSTREAM_PORT": f"{port}"}
        self.output = folder.with_suffix(".out")
        self.process: subprocess.Popen | None = None

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "vaultstream", *words],
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=_MINUTE,
            check=False,
        )

    def start(self) -> None:
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vaultstream", "dev"],
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: "Ctrl-C stops everything" in self.said() or self.ended(), "the stack starts")
        assert not self.ended(), self.said()

    def said(self) -> str:
        return self.output.read_text()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(_MINUTE)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ports(self) -> list[int]:
        return [*json.loads((self.folder / "ports.json").read_text()).values(), self.port]

    def ready(self) -> dict:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ready", timeout=10).json()
        except httpx.HTTPError:
            return {}

    def ask(self, query: str, **variables) -> dict:
        token = self.run("token", "alice@example.com").stdout.strip()
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
        )
        return answer.json()

    def make_folder(self, name: str) -> str:
        parent = self.ask(_TOP)["data"]["viewer"]["rootFolder"]["id"]
        made = self.ask(_FOLDER, parent=parent, name=name)["data"]["folderCreate"]
        assert made["errors"] == []
        return made["folder"]["id"]

    def name_of(self, folder_id: str) -> str:
        return self.ask(_READ, id=folder_id)["data"]["node"]["name"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("stack") / "data"


@pytest.fixture(scope="module")
def stack(folder):
    running = Stack(folder, free_port())
    running.start()
    yield running
    if not running.ended():
        running.stop()


def test_one_command_starts_every_part_and_says_where_it_is(stack):
    assert stack.ready()["status"] == "ready"
    said = stack.said()
    for part in PARTS:
        assert f"\n  {part} " in said
    assert f"Open http://127.0.0.1:{stack.port} and sign in" in said


def test_the_replica_follows_and_ready_and_metrics_tell_how_closely(stack):
    wait_until(lambda: stack.ready().get("audit_replica_lag_seconds") is not None, "the replica follows")
    assert 0 <= stack.ready()["audit_replica_lag_seconds"] < _MINUTE
    told = httpx.get(f"http://127.0.0.1:{stack.port}/metrics", timeout=10).text
    assert "\nvaultstream_audit_replica_lag_seconds " in told


def test_everything_listens_on_loopback_only(stack):
    def listening() -> set[tuple[str, int]]:
        return {
            (connection.laddr.ip, connection.laddr.port)
            for process in stack.children()
            for connection in _still(process.net_connections)
            if connection.status == psutil.CONN_LISTEN
        }

    wait_until(lambda: len(listening()) >= len(stack.ports()), "the replica has its copy")
    assert listening() == {("127.0.0.1", port) for port in stack.ports()}


def test_the_data_folder_is_for_its_owner_alone_and_no_password_is_on_a_command_line(stack):
    assert stack.folder.stat().st_mode & 0o777 == 0o700
    kept = [path for path in (stack.folder / "secrets").iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    lines = " ".join(word for process in stack.children() for word in process.cmdline())
    for path in kept:
        assert path.read_text().strip() not in lines


def test_a_second_stack_over_the_same_data_is_refused(stack):
    second = stack.run("dev", VAULTSTREAM_PORT=f"{free_port()}")
    assert second.returncode == 1
    assert f"A vault is already running with the data in {stack.folder} (process {stack.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_named_with_the_way_out(stack, tmp_path):
    refused = stack.run("dev", VAULTSTREAM_DATA=f"{tmp_path / 'other'}")
    assert refused.returncode == 1
    assert f"Port {stack.port} on 127.0.0.1 is taken by another program." in refused.stderr
    assert f"VAULTSTREAM_PORT={stack.port + 1} vaultstream dev" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_token_from_the_command_line_is_one_the_vault_takes(stack):
    assert stack.ask(_TOP)["data"]["viewer"]["email"] == "alice@example.com"


def test_a_token_for_somebody_unknown_or_for_a_vault_that_does_not_run_is_refused_plainly(stack, tmp_path):
    unknown = stack.run("token", "eve@example.com")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "knows nobody as eve@example.com; it knows alice@example.com" in unknown.stderr
    idle = stack.run("token", "alice@example.com", VAULTSTREAM_DATA=f"{tmp_path}")
    assert (idle.returncode, idle.stdout) == (1, "")
    assert "Start it: vaultstream dev" in idle.stderr


def test_a_deed_reaches_the_audit_log_by_way_of_every_part(stack):
    stack.make_folder("to the log")
    wait_until(lambda: not _outbox_of(stack), "every event leaves the outbox once it is in PostgreSQL")


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_killed_part_comes_back_with_what_it_held(stack, name):
    folder_id = stack.make_folder(f"before {name} died")
    if name != "workers":  # those die with an event in their hands, which the sweeper then has to find
        wait_until(lambda: not _outbox_of(stack), "every event has left the outbox")
    victim = _process_of(stack, name)
    victim.send_signal(signal.SIGKILL)
    wait_until(lambda: f"{name} serves again" in stack.said(), f"{name} is started again")
    assert f"{name} ended (killed by SIGKILL); starting it again" in stack.said()
    wait_until(lambda: stack.ready().get("status") == "ready", "the vault finds every part again")
    assert stack.name_of(folder_id) == f"before {name} died"
    stack.make_folder(f"after {name} died")
    wait_until(lambda: not _outbox_of(stack), "events go their way again", 2 * _MINUTE)


def test_a_part_that_dies_while_another_is_mended_ends_nothing(stack):
    mended = {name: stack.said().count(f"{name} serves again") for name in ("kms", "aws")}
    _process_of(stack, "kms").send_signal(signal.SIGKILL)
    wait_until(lambda: stack.said().count("kms serves again") > mended["kms"], "the first is started again")
    _process_of(stack, "aws").send_signal(signal.SIGKILL)
    wait_until(lambda: stack.said().count("aws serves again") > mended["aws"], "so is the second")
    wait_until(lambda: stack.ready().get("status") == "ready", "the vault finds every part again")
    stack.make_folder("after two died")
    wait_until(lambda: not _outbox_of(stack), "events go their way again", 2 * _MINUTE)


def test_ctrl_c_leaves_no_process_and_no_port_taken_and_a_new_start_finds_the_data(stack):
    made = stack.make_folder("kept")
    children, ports = stack.children(), stack.ports()
    assert stack.stop(signal.SIGINT) == 0
    assert [child for child in children if child.is_running()] == []
    assert [port for port in ports if not is_free(port)] == []
    stack.start()
    assert stack.ports() == ports
    assert stack.name_of(made) == "kept"


def test_when_the_supervisor_is_killed_its_parts_die_with_it_and_the_next_start_is_sound(stack):
    made = stack.make_folder("kept again")
    children, ports = stack.children(), stack.ports()
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: not [child for child in children if child.is_running()], "every part dies")
    stack.start()
    assert stack.ports() == ports
    assert stack.name_of(made) == "kept again"
    assert stack.stop(signal.SIGTERM) == 0


_TOP = "{ viewer { email rootFolder { id } } }"
_FOLDER = """
mutation ($parent: ID!, $name: String!) {
  folderCreate(input: {parentId: $parent, name: $name}) { folder { id } errors { __typename } }
}
"""
_READ = "query ($id: ID!) { node(id: $id) { ... on Folder { name } } }"


def _still(ask: Callable[[], list]) -> list:
    """What a process says of itself; nothing if it has ended meanwhile."""
    try:
        return ask()
    except psutil.NoSuchProcess:
        return []


def _process_of(stack: Stack, name: str) -> psutil.Process:
    marks = {
        "dynamodb": "dynoxide",
        "s3": "vaultstream.local.s3",
        "kms": "vaultstream.local.kms",
        "aws": "ministack_launch.py",
        "redis": "valkey-server",
        "postgresql": "postgresql/cluster",
        "replica": "replica/cluster",
        "sign-in": "vaultstream.local.issuer",
        "api": "vaultstream.commands.serve",
        "workers": "vaultstream.commands.work",
    }
    direct = psutil.Process(stack.process.pid).children()
    (found,) = [process for process in direct if any(marks[name] in word for word in _still(process.cmdline))]
    return found


def _outbox_of(stack: Stack) -> list[str]:
    """What waits in the outbox, read from dynoxide's own file."""
    with closing(sqlite3.connect(stack.folder / "dynamodb" / "dynamodb.sqlite", timeout=5)) as store:
        return [row[0] for row in store.execute("SELECT sk FROM 'vaultstream-local' WHERE pk LIKE '%OUTBOX#%'")]
