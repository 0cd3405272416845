"""Work that falls due: one that fails holds up no other, lateness is told, and slow work is not thought dead."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.actions.test_quarantine import state, stream, told_of
from tests.clocks import Ahead, moved
from vaultstream.actions import process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records import version_items
from vaultstream.adapters.records.attributes import Item
from vaultstream.adapters.scanner import Scanner
from vaultstream.adapters.vault import Vault
from vaultstream.events import Event, EventName
from vaultstream.ids import FileId
from vaultstream.metrics import WORK_OVERDUE_SECONDS
from vaultstream.verdict import Verdict
from vaultstream.versions import ScanStatus
from vaultstream.workers import due, scan, sweep


async def stored(vault: Vault, actor: Actor) -> FileId:
    begun = await upload.begin(vault, actor, Wanted(name=vault.unique(), size_bytes=1))
    await upload.receive(vault, actor, begun.id, 0, stream(b"x"))
    return begun.target.file_id


async def test_a_deed_that_breaks_holds_up_no_other_and_the_oldest_tells_how_late_all_is(
    vault: Vault, alice: Actor
) -> None:
    files = {await stored(vault, alice) for _ in range(6)}
    broken, done = next(iter(files)), set()

    async def deed(item: Item) -> None:
        if item["shown"]["file_id"] == broken:
            raise RuntimeError("a bug")
        done.add(item["shown"]["file_id"])

    later = moved(vault, seconds=360)
    await due.each(later, version_items.DUE, deed)
    assert done >= files - {broken}
    (overdue_seconds,) = vault.meters.numbers(WORK_OVERDUE_SECONDS).values()
    assert overdue_seconds >= 300 - 1


class Slow(Scanner):
    """A scanner that takes until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()

    async def scan(self, chunks: AsyncIterator[bytes]) -> Verdict:
        self.begun.set()
        await self.goes_on.wait()
        return await super().scan(chunks)


async def test_a_scan_that_takes_for_ever_is_not_asked_for_again_while_its_worker_lives(
    vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BEAT_SECONDS", 0.02)
    file_id, ahead = await stored(vault, alice), Ahead()
    slow = Slow()
    later = replace(moved(vault, ahead), scanner=slow)
    event = Event(vault.unique(), EventName.VERSION_STORED, vault.now(), "t", "r", file_id, 1)
    working = asyncio.create_task(scan.handle(later, event))
    await slow.begun.wait()
    for _ in range(process.ATTEMPTS_MAX + 2):
        ahead.move(seconds=50)
        async with asyncio.timeout(60):
            while (await state(vault, file_id)).due_at < later.now():  # noqa: ASYNC110  # it beats by the clock
                await asyncio.sleep(0.01)
        await sweep.handle(later)
    assert await told_of(vault, file_id, EventName.SCAN_DUE) == []
    slow.goes_on.set()
    await working
    assert (await state(vault, file_id)).version.scan.status is ScanStatus.CLEAN


async def test_the_beat_of_work_that_is_over_changes_nothing(
    vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "BEAT_SECONDS", 0.01)
    file_id = await stored(vault, alice)
    before = await state(vault, file_id)
    finished = replace(before, due_at=None)
    told = process.worker_event(vault, "test", EventName.VERSION_SCAN_BEGUN, "r")
    await process.advance(vault, file_id, 1, lambda _: finished, told)
    async with process.beating(vault, before):
        await asyncio.sleep(0.1)
    assert await state(vault, file_id) == finished
