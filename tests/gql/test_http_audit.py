"""The audit of the GraphQL-over-HTTP specification by its own authors (npm `graphql-http`)."""

import asyncio
import json
from pathlib import Path

from asking import Person

_SCRIPT = Path(__file__).parent / "audit.mjs"


async def test_every_audit_of_the_specification_passes(url: str, alice: Person) -> None:
    process = await asyncio.create_subprocess_exec(
        "node", str(_SCRIPT), f"{url}/graphql", alice.token, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    assert process.returncode == 0
    results = json.loads(printed)
    assert len(results) > 50
    assert [found for found in results if found["status"] != "ok"] == []
