"""The audit log passes through the server, not into it: its resident memory stays flat while it is exported."""

import os

import httpx
import psutil
import pytest
from doors import Tus

from vaultstream.actions import checkpoint
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event, EventName

BATCHES = 12
ROWS = 1000  # of a batch
PADDING = "x" * 4000  # of a row
GROWTH_BYTES_MAX = BATCHES * ROWS * len(PADDING) // 2


@pytest.fixture(scope="module")
async def until(vault: Vault) -> int:
    """A log of many large rows, and a checkpoint of the last of them."""
    for _ in range(BATCHES):
        now = vault.now()
        deeds = [
            Event(vault.unique(), EventName.DOWNLOAD_BEGUN, now, "user_1", "req", details={"padding": PADDING})
            for _ in range(ROWS)
        ]
        await vault.audit_log.append(deeds)
    end = await checkpoint.take(vault)
    assert end is not None
    return end.seq


async def most_resident(client: httpx.AsyncClient, alice: Tus, query: str) -> tuple[int, int]:
    """How many bytes came, and the most that the process had while they did: server and reader are one process."""
    process, count, most = psutil.Process(os.getpid()), 0, 0
    headers = {"Authorization": f"Bearer {alice.token}"}
    async with client.stream("GET", f"/audit/export?{query}", headers=headers) as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_raw():
            count += len(piece)
            most = max(most, process.memory_info().rss)
    return count, most


@pytest.mark.parametrize("form", ["ndjson", "csv"])
async def test_an_export_hardly_grows_the_server(client: httpx.AsyncClient, alice: Tus, until: int, form: str) -> None:
    _, before = await most_resident(client, alice, f"format={form}&after={until - 2 * ROWS}")
    count, most = await most_resident(client, alice, f"format={form}")
    assert count > 2 * GROWTH_BYTES_MAX
    assert most - before < GROWTH_BYTES_MAX, f"{most - before:,} bytes more"
