"""Whatever somebody did is in the audit log once, though workers and PostgreSQL were killed at random meanwhile."""

import asyncio
import json
import random
import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import corpus
import httpx
import psutil
import pytest
from asking import ERRORS, Person
from behind import audited, drained, outbox_count
from contents import photo
from dev_stack import DevStack, wait_until
from doors import Tus, metadata, until
from vault_use import children

from vaultstream.actions import checkpoint, evidence
from vaultstream.adapters.vault import opened
from vaultstream.audit_proof import Prover, public_key_of

ROUNDS = 6
VICTIMS = ("workers", "workers", "postgresql", "postgresql", "postgresql")
PAUSE_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Deed:
    """What the vault acknowledged, as it has to be in the log."""

    name: str
    request_id: str
    decision: str = "ALLOWED"
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Diarist:
    """Does things as Alice, each under a request id of its own, and writes down what was acknowledged."""

    alice: Person
    run: str = field(default_factory=lambda: f"story-{secrets.token_hex(6)}")
    deeds: list[Deed] = field(default_factory=list)
    _requests: int = 0

    def next_id(self) -> str:
        self._requests += 1
        return f"{self.run}-{self._requests:04d}"

    @property
    def tus(self) -> Tus:
        return Tus(self.alice.client, self.alice.token)

    async def mutate(self, event: str, mutation: str, kind: str, selection: str, **wanted: Any) -> Any:
        """One mutation, which was done."""
        payload, request_id = await self._mutation(mutation, kind, selection, wanted)
        assert payload["errors"] == []
        self.deeds.append(Deed(event, request_id))
        return payload

    async def _mutation(self, mutation: str, kind: str, selection: str, wanted: Any) -> tuple[Any, str]:
        query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} {ERRORS} }} }}"
        request_id = self.next_id()
        answer = await self.alice.post({"query": query, "variables": {"input": wanted}}, X_Request_Id=request_id)
        assert answer.headers["x-request-id"] == request_id
        return answer.json()["data"][mutation], request_id

    async def bring(self, folder_id: str, name: str, data: bytes, kind: str) -> None:
        """An upload in two pieces."""
        request_id, half = self.next_id(), len(data) // 2
        told = metadata(filename=name, filetype=kind, folderId=folder_id)
        made = await self.tus.create(len(data), **told, X_Request_Id=request_id)
        url = made.headers["Location"]
        self.deeds.append(Deed("upload.begun", request_id, details={"size_bytes": len(data)}))
        answer = await self.tus.patch(url, 0, data[:half], X_Request_Id=self.next_id())
        assert answer.headers["Upload-Offset"] == f"{half}"
        request_id = self.next_id()
        answer = await self.tus.patch(url, half, data[half:], X_Request_Id=request_id)
        assert answer.headers["Upload-Offset"] == f"{len(data)}"
        stored = {"size_bytes": len(data), "upload_id": url.rpartition("/")[2]}
        self.deeds.append(Deed("version.stored", request_id, details=stored))

    async def begin_and_abort(self, folder_id: str) -> None:
        begun = {"folderId": folder_id, "name": f"never {self.next_id()}", "sizeBytes": 7}
        made = await self.mutate("upload.begun", "uploadBegin", "UploadBeginInput", "upload { id }", **begun)
        given_up = {"uploadId": made["upload"]["id"]}
        await self.mutate("upload.aborted", "uploadAbort", "UploadAbortInput", "upload { status }", **given_up)

    async def download(self, file_id: str, start: int, stop: int) -> None:
        """A link, and some bytes by it; a look at the headers alone is no deed."""
        made = await self.mutate("download.linked", "downloadCreate", "DownloadCreateInput", "url", fileId=file_id)
        request_id, get = self.next_id(), self.alice.client.request
        assert (await get("HEAD", made["url"], headers={"X-Request-Id": self.next_id()})).status_code == 200
        wanted = {"X-Request-Id": request_id, "Range": f"bytes={start}-{stop - 1}"}
        answer = await get("GET", made["url"], headers=wanted)
        assert (answer.status_code, len(answer.content)) == (206, stop - start)
        self.deeds.append(Deed("download.begun", request_id, details={"start": start, "stop": stop}))

    async def be_refused(self, file_id: str) -> None:
        wanted = {"fileId": file_id}
        payload, request_id = await self._mutation("downloadCreate", "DownloadCreateInput", "url", wanted)
        assert [error["code"] for error in payload["errors"]] == ["INFECTED"]
        self.deeds.append(Deed("download.refused", request_id, "DENIED"))


@pytest.fixture(scope="module")
async def diarist(_stack: DevStack, tmp_path_factory) -> Diarist:
    """A lively while, in the middle of which the workers are killed twice and PostgreSQL three times."""
    _stack.wait_ready()
    async with httpx.AsyncClient(base_url=_stack.url, timeout=60) as client:
        diarist = Diarist(Person(client, _stack.token("alice@example.com")))
        await _live(_stack, diarist, photo(tmp_path_factory.mktemp("audit") / "small.jpg", 200, 100).path.read_bytes())
    await drained(_stack)
    return diarist


async def _live(stack: DevStack, diarist: Diarist, picture: bytes) -> None:
    created = {"parentId": await diarist.alice.root(), "name": f"busy {diarist.run}"}
    made = await diarist.mutate("folder.created", "folderCreate", "FolderCreateInput", "folder { id }", **created)
    folder_id = made["folder"]["id"]

    async def bring_some() -> None:
        for _ in range(ROUNDS):
            await diarist.bring(folder_id, f"{diarist.next_id()}.jpg", picture, "image/jpeg")

    async def be_busy() -> None:
        while not killing.done():
            await diarist.begin_and_abort(folder_id)

    async with asyncio.TaskGroup() as tasks:
        killing = tasks.create_task(_kill(stack, random.Random(diarist.run)))
        for doing in (bring_some, bring_some, bring_some, be_busy):
            tasks.create_task(doing())
    await diarist.bring(folder_id, "eicar.com", corpus.EICAR, "text/plain")
    files = await _judged(diarist.alice, folder_id)
    eicar = files.pop("eicar.com")
    await diarist.be_refused(eicar["id"])
    for place, item in enumerate(files.values()):
        await diarist.download(item["id"], place, place + 10)


async def _kill(stack: DevStack, chance: random.Random) -> None:
    """kill -9 the relay with the workers, PostgreSQL, or one process of PostgreSQL's, whatever they are doing."""
    for victim in chance.sample(VICTIMS, len(VICTIMS)):
        await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
        await asyncio.to_thread(wait_until, lambda it=victim: stack.is_running(it), f"{victim} is there to be killed")
        if victim == "postgresql" and chance.choice([True, False]) and (inner := stack.part(victim).children()):
            with suppress(psutil.NoSuchProcess):  # they come and go
                chance.choice(inner).kill()
        else:
            stack.kill(victim)


async def _judged(alice: Person, folder_id: str) -> dict[str, Any]:
    async def is_over() -> bool:
        states = {item["scan"]["status"] for item in (await children(alice, folder_id)).values()}
        return states == {"CLEAN", "INFECTED"}

    await until(is_over, 150)
    return await children(alice, folder_id)


async def test_each_deed_that_was_acknowledged_is_there_once_and_none_that_was_not(stack, diarist: Diarist) -> None:
    rows = await audited(stack, "request_id LIKE $1 AND subject LIKE 'user_%'", f"{diarist.run}-%")
    seen = Counter((row["name"], row["request_id"], row["decision"]) for row in rows)
    assert seen == Counter((deed.name, deed.request_id, deed.decision) for deed in diarist.deeds)
    assert max(seen.values()) == 1
    details = {row["request_id"]: json.loads(row["details"]) for row in rows}
    for deed in diarist.deeds:
        assert details[deed.request_id].items() >= deed.details.items()
    assert {(row["ip"][:7], row["agent"][:7]) for row in rows} == {("sealed:", "sealed:")}


async def test_the_workers_verdicts_are_there_once_for_each_version(stack, diarist: Diarist) -> None:
    rows = await audited(stack, "request_id LIKE $1", f"{diarist.run}-%")
    stored = {row["item_id"] for row in rows if row["name"] == "version.stored"}
    assert len(stored) == 3 * ROUNDS + 1
    rows = await audited(stack, "item_id = ANY($1) AND name IN ('version.scanned', 'version.thumbnail')", list(stored))
    found = Counter((row["name"], json.loads(row["details"])["status"]) for row in rows)
    assert found[("version.scanned", "CLEAN")] == 3 * ROUNDS
    assert found[("version.scanned", "INFECTED")] == 1
    assert Counter(row["item_id"] for row in rows if row["name"] == "version.scanned").most_common(1)[0][1] == 1
    begun = await audited(stack, "item_id = ANY($1) AND name = 'version.scan_begun'", list(stored))
    assert {row["item_id"] for row in begun} == stored  # a scan whose worker died is begun again, and each try told


async def test_the_chain_is_proved_from_its_first_row_to_its_last(stack, diarist: Diarist) -> None:
    async with opened(stack.settings) as vault:
        prover = Prover(public_key_of((await vault.notary.public_key()).encode()))
        end = await checkpoint.take(vault)
        assert end is not None
        async for page in evidence.lines(vault, end):
            for line in page:
                prover.take(line.encode())
    assert prover.finish().rows == end.seq >= len(diarist.deeds)


async def test_nothing_is_left_in_the_outbox_or_in_the_wrong_month(stack, diarist: Diarist) -> None:
    assert await outbox_count(stack) == 0
    assert await audited(stack, "tableoid = 'audit.events_default'::regclass") == []
    rows = await audited(stack, "true")
    assert len({row["id"] for row in rows}) == len(rows)
