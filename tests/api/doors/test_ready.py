"""`/ready` says what answers; the audit log's replica is told of where there is one, and is nobody's need."""

from dataclasses import replace

import httpx
import pytest
from doors import serving

from vaultstream.http.app import create_app
from vaultstream.local.probes import free_port
from vaultstream.settings import Secret, Settings


async def told(settings: Settings) -> dict[str, object]:
    async with serving(create_app(settings), free_port()) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/ready", timeout=30)
    assert answer.status_code == 200
    return answer.json()


async def test_without_a_replica_nothing_is_told_of_one(settings: Settings) -> None:
    parts = dict.fromkeys(("table", "store", "keys", "live", "cache", "audit"), "up")
    assert await told(settings) == {"status": "ready", "parts": parts}


@pytest.mark.parametrize("replica", ["nobody's", "no standby"])
async def test_a_replica_that_cannot_be_read_degrades_nothing(settings: Settings, replica: str) -> None:
    nobodys = Secret(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    dsn = nobodys if replica == "nobody's" else settings.postgres_dsn
    answer = await told(replace(settings, postgres_replica_dsn=dsn))
    assert (answer["status"], answer["audit_replica_lag_seconds"]) == ("ready", None)
