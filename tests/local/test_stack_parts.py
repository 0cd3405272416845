"""The pieces `vaultstream dev` is made of: each with its failures, without the whole stack."""

import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import ACCESS_KEY, PASSWORD, REGION, running

from vaultstream.local import embedded, keyfile, parts, ports, stream_records
from vaultstream.local.data import DataBusy, held, is_held
from vaultstream.local.part import Part, PartFailed
from vaultstream.local.probes import free_port, is_free
from vaultstream.local.process import Process
from vaultstream.local.supervisor import Supervisor
from vaultstream.settings import SettingsError


def program(name: str, code: str, *, is_ready=lambda: True, **options) -> Part:
    return Part(name, "a test", 0, (sys.executable, "-c", code), is_ready, **options)


def test_a_part_that_will_not_start_is_named_with_the_end_of_its_log(tmp_path):
    part = program("broken", "print('no such disk'); raise SystemExit(3)", is_ready=lambda: False)
    with pytest.raises(PartFailed) as failed:
        Supervisor(tmp_path, print).start([part])
    assert f"{failed.value}".splitlines() == [
        f"broken ended at its start (exit code 3). The end of its log, {tmp_path / 'broken.log'}:",
        "    no such disk",
        "    no such disk",
        "    no such disk",
    ]


def test_a_part_that_never_serves_is_given_up_and_not_left_behind(tmp_path):
    process = Process(
        program("mute", "import time; time.sleep(60)", is_ready=lambda: False, ready_seconds=0.2), tmp_path
    )
    with pytest.raises(PartFailed, match="mute did not serve within 0 seconds"):
        process.wait_ready()
    assert process.exit_code is not None


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "raise SystemExit('address in use')"])
def test_a_stranger_that_answers_in_a_parts_place_does_not_make_it_ready(tmp_path, code):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        part = replace(program("usurped", code, ready_seconds=1), port=port)
        with pytest.raises(PartFailed, match=r"usurped (did not serve|ended at its start)"):
            Process(part, tmp_path).wait_ready()


def test_a_part_whose_child_listens_for_it_is_ready(tmp_path):
    port = free_port()
    server = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {server!r}])"
    with running(replace(program("parent", code), port=port), tmp_path):
        assert not is_free(port)


def test_a_part_that_ignores_the_signal_is_ended_by_force(tmp_path):
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    log = tmp_path / "deaf.log"
    part = program("deaf", code, is_ready=lambda: log.exists() and "deaf" in log.read_text(), stop_seconds=0.2)
    process = Process(part, tmp_path)
    process.wait_ready()
    process.stop()
    assert process.exit_code == -signal.SIGKILL


def test_what_a_part_started_ends_with_it(tmp_path):
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    log = tmp_path / "parent.log"
    process = Process(program("parent", code, is_ready=lambda: log.read_text().endswith("\n")), tmp_path)
    process.wait_ready()
    child = psutil.Process(int(log.read_text()))
    process.stop()
    gone, left = psutil.wait_procs([child], timeout=10)
    assert (gone, left) == ([child], [])


def test_no_part_sees_the_environment_that_points_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("VAULTSTREAM_TABLE", "production")
    monkeypatch.setenv("PGHOST", "elsewhere")
    code = "import os; print(sorted(n for n in os.environ if n.startswith(('AWS', 'VAULT', 'PG'))))"
    process = Process(program("asked", code, env={"AWS_REGION": REGION}), tmp_path)
    process._child.wait()
    process.stop()
    assert (tmp_path / "asked.log").read_text() == "['AWS_REGION']\n"


def test_a_part_that_dies_again_and_again_is_started_again_less_and_less_often(tmp_path):
    said: list[str] = []
    supervisor = Supervisor(tmp_path, said.append)
    supervisor.start([program("weak", "")])
    try:
        while len(said) < 5:
            supervisor.revive()
    finally:
        supervisor.stop()
    assert said[0] == "weak ended (exit code 0); starting it again"
    assert said[1] == "weak serves again at -"


def test_only_one_process_holds_a_data_folder_and_the_next_may_when_it_ends(tmp_path):
    folder = tmp_path / "data"
    assert not is_held(folder)
    with held(folder):
        assert is_held(folder)
        told = rf"already running with the data in {folder} \(process {os.getpid()}\)"
        with pytest.raises(DataBusy, match=told), held(folder):
            pass
    assert not is_held(folder)
    with held(folder):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_ports_stay_the_same_as_long_as_nobody_else_takes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(ports, "_WAIT_SECONDS", 0)
    first, moved = ports.claim(tmp_path, 8000)
    assert moved == []
    assert len(set(first.values())) == len(ports.NAMES)
    assert ports.claim(tmp_path, 8000) == (first, [])
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["sign-in"]))
        other.listen()
        second, moved = ports.claim(tmp_path, 8000)
    assert moved == ["sign-in"]
    assert {name: port for name, port in second.items() if name != "sign-in"} == {
        name: port for name, port in first.items() if name != "sign-in"
    }
    assert second["sign-in"] != first["sign-in"]
    assert ports.known(tmp_path) == second


def test_no_two_parts_share_a_port_though_nobody_listens_there_yet(tmp_path, monkeypatch):
    drawn = iter([20_000, 20_000, 20_001, 20_001, *range(20_000, 20_100)])
    monkeypatch.setattr(ports, "free_port", lambda: next(drawn))
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    first, _ = ports.claim(tmp_path, 20_001)
    assert len(set(first.values())) == len(ports.NAMES)
    assert 20_001 not in first.values()
    second, moved = ports.claim(tmp_path, 20_000)  # the vault itself is to have what was a part's
    assert moved == ["dynamodb"]
    assert 20_000 not in second.values()
    assert len(set(second.values())) == len(ports.NAMES)


def test_no_port_is_chosen_that_an_outgoing_connection_could_take():
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(free_port() for _ in range(200)) < lowest


def test_a_port_is_free_exactly_while_nobody_listens():
    port = free_port()
    assert is_free(port)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not is_free(port)
    assert is_free(port)


def _keep(path: Path, text: bytes, answers) -> None:
    answers.put(keyfile.keep(path, lambda: text))


def test_of_many_makers_of_a_secret_one_wins_and_all_get_its_secret(tmp_path):
    spawn = multiprocessing.get_context("fork")
    answers = spawn.Queue()
    makers = [spawn.Process(target=_keep, args=(tmp_path / "s", b"%d" % n * 1000, answers)) for n in range(8)]
    for maker in makers:
        maker.start()
    got = {answers.get(timeout=30) for _ in makers}
    for maker in makers:
        maker.join()
    answers.close()
    answers.join_thread()
    assert got == {(tmp_path / "s").read_bytes()}
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


@pytest.fixture(scope="module")
def secrets(tmp_path_factory) -> embedded.Secrets:
    return embedded.Secrets.of(tmp_path_factory.mktemp("secrets"))


_PORTS = {name: 9000 + number for number, name in enumerate(ports.NAMES)}


def test_the_embedded_settings_point_at_loopback_only_and_hide_what_is_secret(secrets):
    made = embedded.embedded(secrets, _PORTS, {})
    assert {made.endpoint_dynamodb, made.endpoint_streams} == {f"http://127.0.0.1:{_PORTS['dynamodb']}"}
    assert (made.public_url, made.host, made.port) == ("http://127.0.0.1:8000", "127.0.0.1", 8000)
    for secret in (secrets.redis_password, secrets.content_key, secrets.access_key.secret):
        assert secret.reveal() not in repr(made)
        assert secret.reveal() not in repr(secrets)


def test_a_person_may_choose_the_port_but_nothing_can_point_the_stack_elsewhere(secrets):
    environ = {"VAULTSTREAM_PORT": "8123", "VAULTSTREAM_ENDPOINT_S3": "https://s3.example", "VAULTSTREAM_TABLE": "t"}
    made = embedded.embedded(secrets, _PORTS, environ)
    assert (made.port, made.public_url) == (8123, "http://127.0.0.1:8123")
    assert made.endpoint_s3 == f"http://127.0.0.1:{_PORTS['s3']}"
    assert made.table == embedded.NAME


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"VAULTSTREAM_ENVIRONMENT": "production"}, "unset VAULTSTREAM_ENVIRONMENT"),
        ({"VAULTSTREAM_PUBLIC_URL": "https://vault.example"}, "must be on this machine"),
        ({"VAULTSTREAM_PORT": "eighty"}, "VAULTSTREAM_PORT takes a whole number"),
    ],
)
def test_settings_that_are_no_local_stack_are_refused(secrets, environ, why):
    with pytest.raises(SettingsError, match=why):
        embedded.embedded(secrets, _PORTS, environ)


def test_the_secrets_are_the_same_at_the_next_start(tmp_path):
    assert embedded.Secrets.of(tmp_path) == embedded.Secrets.of(tmp_path)


def _records(folder: Path, count: int) -> Path:
    """A database as dynoxide makes it, with so many stream records."""
    database = folder / "records.sqlite"
    with closing(sqlite3.connect(database)) as store, store:
        store.executescript(
            "DROP TABLE IF EXISTS _config; DROP TABLE IF EXISTS _stream_records;"
            "CREATE TABLE _config (key TEXT PRIMARY KEY, value TEXT);"
            "INSERT INTO _config VALUES ('schema_version', '9');"
            "CREATE TABLE _stream_records (id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT,"
            " sequence_number TEXT)"
        )
        rows = [("t", f"{number}") for number in range(1, count + 1)]
        store.executemany("INSERT INTO _stream_records (table_name, sequence_number) VALUES (?, ?)", rows)
    return database


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 5000), kept=st.integers(1, 5000))
def test_trimming_keeps_exactly_the_newest_records(tmp_path_factory, count, kept):
    database = _records(tmp_path_factory.mktemp("records"), count)
    assert stream_records.tend(database, kept) == max(0, count - kept)
    with closing(sqlite3.connect(database)) as store:
        left = [int(row[0]) for row in store.execute("SELECT sequence_number FROM _stream_records ORDER BY id")]
    assert left == list(range(max(0, count - kept) + 1, count + 1))


def test_another_schema_of_dynoxides_is_left_alone(tmp_path):
    database = _records(tmp_path, 10)
    with closing(sqlite3.connect(database)) as store, store:
        store.execute("UPDATE _config SET value = '10'")
    with pytest.raises(stream_records.UnknownSchema, match="schema version 10 where 9 was expected"):
        stream_records.tend(database, 1)
    with closing(sqlite3.connect(database)) as store:
        assert store.execute("SELECT COUNT(*) FROM _stream_records").fetchone() == (10,)


def test_the_installed_dynoxide_has_the_schema_we_know_and_uses_the_index(tmp_path):
    folder = tmp_path / "dynamodb"
    folder.mkdir()
    with running(parts.dynamodb(folder, free_port()), tmp_path):
        stream_records.tend(folder / "dynamodb.sqlite")
        with closing(sqlite3.connect(folder / "dynamodb.sqlite")) as store:
            plan = store.execute(
                "EXPLAIN QUERY PLAN SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records"
                " WHERE table_name = 'x'"
            ).fetchall()
    assert "vaultstream_records" in f"{plan}"


def test_passwords_and_keys_are_in_no_part_that_is_shown(tmp_path):
    shown = repr(
        [
            parts.s3(tmp_path / "s3", 1, ACCESS_KEY),
            parts.redis(tmp_path / "redis", 2, PASSWORD),
        ]
    )
    assert ACCESS_KEY.secret.reveal() not in shown
    assert PASSWORD.reveal() not in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serve"], "VAULTSTREAM_TABLE is not set"),
        (["work"], "VAULTSTREAM_TABLE is not set"),
        (["migrate"], "VAULTSTREAM_POSTGRES_DSN is not set"),
        (["dev"], "unset VAULTSTREAM_ENVIRONMENT"),
    ],
)
def test_a_command_without_its_settings_says_which(tmp_path, words, told):
    ended = subprocess.run(
        [sys.executable, "-m", "vaultstream", *words],
        env={**os.environ, "VAULTSTREAM_ENVIRONMENT": "production", "VAULTSTREAM_DATA": f"{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_names_every_command():
    ended = subprocess.run(
        [sys.executable, "-m", "vaultstream", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    for command in ("dev", "serve", "work", "token", "schema", "migrate"):
        assert f"\n    {command} " in ended.stdout
