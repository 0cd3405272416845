"""An auditor's day: the log exported by the real command, proved by the real command without a vault or a network."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from vaultstream.actions import checkpoint
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event, EventName
from vaultstream.settings import Settings
from vaultstream.table import outbox_shards


def audit(*arguments: str, settings: Settings | None = None) -> subprocess.CompletedProcess[str]:
    """The command; without settings it knows no vault at all."""
    env = {"PATH": os.environ["PATH"], **(settings.to_env() if settings else {})}
    command = [sys.executable, "-m", "vaultstream", "audit", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


async def deeds(vault: Vault, count: int) -> None:
    now = vault.now()
    events = [Event(vault.unique(), EventName.DOWNLOAD_BEGUN, now, f"user_{n}", "req") for n in range(count)]
    await vault.audit_log.append(events)


@pytest.fixture
async def superuser(settings: Settings, postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    database = urlsplit(settings.postgres_dsn.reveal()).path
    connection = await asyncpg.connect(urlsplit(postgres_dsn)._replace(path=database).geturl())
    yield connection
    await connection.close()


@pytest.fixture
def key(settings: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(audit("key", settings=settings).stdout)
    return path


async def test_an_export_is_proved_and_a_superusers_change_is_found(
    vault: Vault, settings: Settings, superuser, key: Path, tmp_path: Path
):
    await deeds(vault, 30)
    await checkpoint.take(vault)
    await deeds(vault, 10)
    export = tmp_path / "log.ndjson"

    made = audit("export", f"{export}", settings=settings)
    assert (made.returncode, made.stderr.splitlines()[-1].strip()) == (0, "42 lines, up to row 40")
    waiting = [event for shard in outbox_shards() for event in await vault.records.undelivered(shard, "~", 100)]
    told = [event.details for event in waiting if event.name is EventName.AUDIT_EXPORTED]
    assert told == [{"after": 0, "until": 40, "form": "ndjson"}]
    proved = audit("verify", f"{export}", "--key", f"{key}")
    assert proved.returncode == 0, proved.stderr
    assert proved.stdout.startswith("rows 1 to 40 are whole and unchanged as of ")

    lines = export.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.ndjson"
    cut.write_bytes(b"".join(lines[:-5]))
    assert audit("verify", f"{cut}", "--key", f"{key}").stderr.startswith("row 36: it is missing")

    await superuser.execute("SET session_replication_role = replica")
    for table in ("audit.events", f"audit.events_{vault.now():%Y_%m}"):
        await superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER append_only")
    await superuser.execute("UPDATE audit.events SET subject = 'nobody' WHERE seq = 17")
    assert audit("export", f"{export}", settings=settings).returncode == 0
    found = audit("verify", f"{export}", "--key", f"{key}")
    assert (found.returncode, found.stderr.partition(":")[0]) == (1, "row 17")

    await superuser.execute("DELETE FROM audit.events WHERE seq = 9")
    assert audit("export", f"{export}", settings=settings).returncode == 0
    assert audit("verify", f"{export}", "--key", f"{key}").stderr.partition(":")[0] == "row 9"

    table = audit("export", "-", "--csv", "--after", "30", settings=settings)
    rows = list(csv.DictReader(io.StringIO(table.stdout, newline="")))
    assert [(row["seq"], row["name"]) for row in rows] == [(f"{seq}", "download.begun") for seq in range(31, 41)]

    part = tmp_path / "part.ndjson"
    assert audit("export", f"{part}", "--after", "30", settings=settings).returncode == 0
    assert audit("verify", f"{part}", "--after", "30", "--key", f"{key}").stdout.startswith("rows 31 to 40")


async def test_what_is_missing_is_said_in_a_sentence(key: Path, tmp_path: Path):
    absent = audit("verify", f"{tmp_path}/absent", "--key", f"{key}")
    assert (absent.returncode, "No such file" in absent.stderr) == (1, True)
    no_key = audit("verify", f"{key}", "--key", f"{tmp_path}")
    assert (no_key.returncode, "Traceback" in no_key.stderr) == (1, False)
    assert audit("export", "-").stderr.startswith("VAULTSTREAM_")
