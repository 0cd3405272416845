"""The door for auditors: the whole log in one stream, proved or opened in a spreadsheet, for nobody else."""

import csv
import io
import json
from collections import Counter

import httpx
import pytest
from doors import Tus
from prometheus_client.parser import text_string_to_metric_families

from vaultstream.actions import checkpoint, evidence
from vaultstream.adapters.vault import Vault
from vaultstream.audit_proof import Prover, public_key_of
from vaultstream.events import Event, EventName
from vaultstream.metrics import TRANSFER_BYTES
from vaultstream.table import outbox_shards

COUNT = 1203  # pages, and some more


@pytest.fixture(scope="module")
async def until(vault: Vault) -> int:
    """That many deeds, by a program with an evil name, and a checkpoint of the last of them."""
    now = vault.now()
    events = [
        Event(vault.unique(), EventName.DOWNLOAD_BEGUN, now, f"user_{n}", "req", reason="=1+1") for n in range(COUNT)
    ]
    await vault.audit_log.append(events)
    end = await checkpoint.take(vault)
    assert end is not None
    await vault.audit_log.append([Event(vault.unique(), EventName.DOWNLOAD_BEGUN, now, "user_late", "req")])
    return end.seq


async def told(vault: Vault) -> list[tuple[str, str]]:
    """What was recorded of exports, by whom."""
    waiting = [event for shard in outbox_shards() for event in await vault.records.undelivered(shard, "~", 1000)]
    found = [event for event in waiting if event.name is EventName.AUDIT_EXPORTED]
    return [(event.subject, json.dumps(event.details, sort_keys=True)) for event in found]


async def transferred(person: Tus) -> Counter[str]:
    """Bytes so far, by their way."""
    families = text_string_to_metric_families((await person.client.get("/metrics")).text)
    samples = [sample for family in families for sample in family.samples]
    return Counter({one.labels["way"]: int(one.value) for one in samples if one.name == TRANSFER_BYTES.full_name})


async def export(person: Tus, query: str = "", method: str = "GET") -> httpx.Response:
    return await person.send(method, f"/audit/export{query}")


async def test_an_auditor_gets_what_the_public_key_proves(vault: Vault, alice: Tus, until: int):
    answer = await export(alice)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="audit-{until}.ndjson"')
    assert (answer.headers["X-Audit-Until"], answer.headers["Transfer-Encoding"]) == (f"{until}", "chunked")
    prover = Prover(public_key_of((await vault.notary.public_key()).encode()))
    for line in answer.content.splitlines():
        prover.take(line)
    proof = prover.finish()
    assert (proof.first, proof.last, proof.rows) == (1, until, until)


async def test_what_leaves_by_an_export_is_counted_as_no_download(alice: Tus, until: int):
    before = await transferred(alice)
    answer = await export(alice)
    counted = await transferred(alice)
    assert counted - before == Counter(export=len(answer.content))


async def test_a_table_has_the_same_rows_and_runs_nothing(alice: Tus, until: int):
    answer = await export(alice, "?format=csv&after=3")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["seq"] for row in rows] == [f"{seq}" for seq in range(4, until + 1)]
    assert {row["reason"] for row in rows} == {"'=1+1"}


async def test_an_export_is_recorded_before_its_first_byte_and_a_look_at_its_head_is_none(
    vault: Vault, alice: Tus, until: int, monkeypatch: pytest.MonkeyPatch
):
    before = await told(vault)
    head = await export(alice, method="HEAD")
    assert (head.status_code, head.content, "Content-Length" in head.headers) == (200, b"", False)
    assert await told(vault) == before
    seen: list[list[tuple[str, str]]] = []
    lines = evidence.lines

    def watched(*wanted, **more):
        async def watching():
            seen.append(await told(vault))
            async for page in lines(*wanted, **more):
                yield page

        return watching()

    monkeypatch.setattr(evidence, "lines", watched)
    await export(alice, "?after=5")
    (new,) = [each for each in seen[0] if each not in before]
    assert new[0].startswith("user_")
    assert new[1] == json.dumps({"after": 5, "form": "ndjson", "until": until})


async def test_nobody_else_gets_anything(vault: Vault, client: httpx.AsyncClient, bob: Tus, until: int):
    before = await told(vault)
    answer = await export(bob)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert (await client.get("/audit/export")).status_code == 401
    assert await told(vault) == before


@pytest.mark.parametrize("query", ["?format=xml", "?after=-1", "?after=x", "?after=999999999999", f"?after={'9' * 30}"])
async def test_what_cannot_be_given_is_said(alice: Tus, until: int, query: str):
    answer = await export(alice, query)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID")
