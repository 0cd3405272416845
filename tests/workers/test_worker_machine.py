"""Workers as a machine: events are lost, repeated and late, workers die at any request, scanners come and go, rules
change. When all of that is over, every version is in the state that its content calls for.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.actions.test_quarantine import state, stream
from tests.adapters import corpus, kinds
from tests.adapters.clamd_server import MARK, ClamdServer, running
from tests.adapters.test_scanner_archives import encrypted_zip
from tests.clocks import Ahead, moved
from vaultstream import table
from vaultstream.actions import process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.blobs import Blobs
from vaultstream.adapters.records import Records
from vaultstream.adapters.scanner import Scanner
from vaultstream.adapters.vault import Vault
from vaultstream.events import RESCAN, SCAN, THUMBNAIL, Event
from vaultstream.ids import FileId
from vaultstream.verdict import ScannerUnavailable
from vaultstream.versions import ScanStatus, StoredVersion, ThumbnailStatus
from vaultstream.workers import rescan, scan, sweep, thumbnail

HANDLERS = {SCAN: scan.handle, THUMBNAIL: thumbnail.handle, RESCAN: rescan.handle}
NOWHERE = "tcp://127.0.0.1:1"
CONTENTS = {
    "bytes": bytes(500),
    "picture": kinds.png(40, 30),
    "broken picture": kinds.png()[:300],
    "virus": corpus.EICAR,
    "locked": encrypted_zip(),
    "marked": MARK + bytes(9),
}
# What becomes of each; with the rules of tomorrow, of the marked one another thing.
ENDS = {
    "bytes": (ScanStatus.CLEAN, ThumbnailStatus.UNSUPPORTED),
    "picture": (ScanStatus.CLEAN, ThumbnailStatus.READY),
    "broken picture": (ScanStatus.CLEAN, ThumbnailStatus.FAILED),
    "virus": (ScanStatus.INFECTED, ThumbnailStatus.PENDING),
    "locked": (ScanStatus.UNSCANNABLE, ThumbnailStatus.PENDING),
    "marked": (ScanStatus.CLEAN, ThumbnailStatus.UNSUPPORTED),
}
RESCAN_REQUESTS = 12  # halves of them: file and version, the object, both once more, the transaction
EXHAUSTED = "It did not finish after several attempts."


class Died(BaseException):
    """The worker's process is gone: nothing of it catches this."""


class Mortal:
    """A client whose process dies before or after one of its requests."""

    def __init__(self, client: Any, left: list[int]) -> None:  # Any: botocore makes its clients at run time
        self._client = client
        self._left = left

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        async def call(**request: Any) -> Any:
            self._age()
            answer = await getattr(self._client, verb)(**request)
            self._age()
            return answer

        return call

    def _age(self) -> None:
        self._left[0] -= 1
        if self._left[0] < 0:
            raise Died


def mortal(vault: Vault, requests: int) -> Vault:
    """The vault of a worker that lives for so many halves of requests to the table and the store."""
    left = [requests]
    records = Records(Mortal(vault.records._client, left), vault.settings.table)
    return replace(vault, records=records, blobs=Blobs(Mortal(vault.blobs._client, left), vault.settings.bucket))


class World:
    """Some files, their workers, and a clock; every mishap is chosen by `chance`."""

    def __init__(self, vault: Vault, alice: Actor, clamd_url: str, chance: random.Random, seen: set[str]) -> None:
        self.vault, self.alice, self.clamd_url, self.chance, self.seen = vault, alice, clamd_url, chance, seen
        self.files: dict[FileId, str] = {}
        self.ahead = Ahead()
        self.is_tomorrow, self.is_down = False, False

    @property
    def here(self) -> Vault:
        rules = Scanner(self.clamd_url) if self.is_tomorrow else Scanner()
        return replace(moved(self.vault, self.ahead), scanner=Scanner(NOWHERE) if self.is_down else rules)

    async def live(self, steps: int, *, rules_change: bool) -> None:
        """All kinds of files, in any order, among mishaps; then time passes and nothing fails any more."""
        await self._strike_off()
        await rescan.sweep(self.here)
        self.files[await self._store(CONTENTS["locked"])] = "locked"
        await self._deliver(-1, None)  # so that old rules have judged one, whatever else happens
        kinds_left = self.chance.sample(sorted(CONTENTS), len(CONTENTS))
        changed_at = self.chance.randrange(steps) if rules_change else None
        for step in range(steps):
            if step == changed_at:
                await self.change_rules()
            if kinds_left and step % 2 == 0:
                kind = kinds_left.pop()
                self.files[await self._store(CONTENTS[kind])] = kind
            await self.chance.choices(
                [self.deliver_any, self.deliver_newest, self.sweep, self.toggle_scanner], weights=[3, 6, 2, 1]
            )[0]()
        self.is_down = False
        await self._settle()

    async def deliver_any(self) -> None:
        """Any event that ever was, early or late; what is never chosen is lost."""
        await self._deliver(self.chance.randrange(10**6), self._some_requests())

    async def deliver_newest(self) -> None:
        """As a queue does on most days."""
        await self._deliver(-1, self._some_requests())

    async def sweep(self) -> None:
        self.ahead.move(minutes=self.chance.choice([0, 2, 61]))
        await self._swept(self.chance.choice([None, self.chance.randrange(80)]))

    async def toggle_scanner(self) -> None:
        self.is_down = not self.is_down

    async def change_rules(self) -> None:
        """What old rules have judged is asked for again, and the first worker to take it up dies before it is done."""
        self.is_tomorrow, self.is_down = True, False
        self.ahead.move(hours=1, seconds=1)
        await self._swept(None)
        asked = [event for event in await self._events() if event.name in RESCAN.gets]
        await self._handled(asked[-1], self.chance.randrange(RESCAN_REQUESTS))

    def _some_requests(self) -> int | None:
        return self.chance.choice([None, self.chance.randrange(24)])

    async def _deliver(self, which: int, requests: int | None) -> None:
        if events := await self._events():
            await self._handled(events[which % len(events)], requests)

    async def _store(self, data: bytes) -> FileId:
        begun = await upload.begin(self.here, self.alice, Wanted(name=self.vault.unique(), size_bytes=len(data)))
        await upload.receive(self.here, self.alice, begun.id, 0, stream(data))
        return begun.target.file_id

    async def _events(self) -> list[Event]:
        """All that was told of these files and that a worker gets."""
        shards = [await self.vault.records.undelivered(shard, "7", 1000) for shard in table.outbox_shards()]
        mine = [event for shard in shards for event in shard if event.item_id in self.files]
        return sorted((e for e in mine if any(e.name in worker.gets for worker in HANDLERS)), key=lambda e: e.id)

    async def _strike_off(self) -> None:
        for shard in table.outbox_shards():
            await self.vault.records.delivered([e.id for e in await self.vault.records.undelivered(shard, "7", 1000)])

    async def _handled(self, event: Event, requests: int | None) -> None:
        for worker, handle in HANDLERS.items():
            if event.name in worker.gets:
                try:
                    await handle(self.here if requests is None else mortal(self.here, requests), event)
                except Died:
                    self.seen.add(worker.name)
                except ScannerUnavailable:
                    assert self.is_down

    async def _swept(self, requests: int | None) -> None:
        try:
            await sweep.handle(self.here if requests is None else mortal(self.here, requests))
        except Died:
            self.seen.add("sweep")

    async def _settle(self) -> None:
        """Time passes, nothing fails any more; of all events only those of now arrive."""
        for at in range(40):
            self.ahead.move(hours=1, seconds=1)
            known = {event.id for event in await self._events()}
            await self._swept(None)
            while new := [event for event in await self._events() if event.id not in known]:
                known |= {event.id for event in new}
                for event in new:
                    await self._handled(event, None)
            versions = [await state(self.vault, file_id) for file_id in self.files]
            retried = [await self._is_retried(stored) for stored in versions]
            assert at == 0 or not any(retried), "only what had died often enough before may be given up"
            if not any(retried) and not any(map(self._is_unsettled, versions)):
                return
        raise AssertionError("some version never came to its end")

    async def _is_retried(self, stored: StoredVersion) -> bool:
        """What was given up is asked for again by a person."""
        version = stored.version
        if version.scan.reason == EXHAUSTED:
            await process.retry_scan(self.here, self.alice, version.file_id, 1)
        elif version.thumbnail.reason == EXHAUSTED:
            await process.retry_thumbnail(self.here, self.alice, version.file_id, 1)
        return EXHAUSTED in {version.scan.reason, version.thumbnail.reason}

    def _is_unsettled(self, stored: StoredVersion) -> bool:
        scan = stored.version.scan
        is_old = self.is_tomorrow and scan.is_verdict and "ClamAV" not in (scan.engine or "")
        return stored.due_at is not None or (is_old and scan.status is not ScanStatus.INFECTED)


@pytest.mark.timeout(600)  # ten lives, each of some seconds, on a machine that may be busy
async def test_whatever_happens_to_workers_every_version_comes_to_its_own_end(vault: Vault, alice: Actor) -> None:
    died: set[str] = set()
    loop = asyncio.get_running_loop()

    async def live(seed: int, clamd_url: str, *, rules_change: bool) -> None:
        world = World(vault, alice, clamd_url, random.Random(seed), died)
        await world.live(steps=26, rules_change=rules_change)
        for file_id, kind in world.files.items():
            version = (await state(vault, file_id)).version
            if kind == "marked" and rules_change:
                assert version.scan.status is ScanStatus.INFECTED
            else:
                assert (version.scan.status, version.thumbnail.status) == ENDS[kind], kind

    async with running(ClamdServer()) as clamd:

        @settings(max_examples=5, deadline=None, derandomize=True, database=None)
        @given(st.integers(0, 2**32))
        def lives(seed: int) -> None:
            for rules_change in (False, True):
                life = live(seed, clamd.url, rules_change=rules_change)
                asyncio.run_coroutine_threadsafe(life, loop).result(300)

        await asyncio.to_thread(lives)
    assert died == {"scan", "thumbnail", "rescan", "sweep"}, "each of them died at some time"
