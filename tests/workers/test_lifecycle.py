"""What is known of a version's storage is what S3 does with it, whichever of its events come, how often and when."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

import aiohttp
import parts as world
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from clocks import moved
from doors import told
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.local.conftest import serving
from vaultstream import tiers
from vaultstream.actions import account, browse, download, process, tier, upload
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records.looks import Look
from vaultstream.adapters.vault import Vault, opened
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName, storage_event
from vaultstream.files import File
from vaultstream.ids import FileId
from vaultstream.local.provision import provision
from vaultstream.local.s3.app import create_app
from vaultstream.local.s3.bridge import envelope
from vaultstream.local.s3.events import ObjectEvent
from vaultstream.local.s3.signature import Credentials
from vaultstream.settings import Settings
from vaultstream.tiers import MIB, StorageTier
from vaultstream.versions import Kept, RestoreStatus, ScanStatus, StoredVersion, Tiering
from vaultstream.workers import lifecycle

_T = TypeVar("_T")
SMALL, LARGE = 200_000, 2 * MIB + 1
KEY = Credentials(world.ACCESS_KEY.id, world.ACCESS_KEY.secret.reveal())
STEPS = settings(
    max_examples=8,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Cold:
    """An S3 server whose events come only when a test hands them on."""

    url: str
    bucket: str
    heard: list[ObjectEvent]

    async def advance(self, days: int) -> None:
        """So many days go by."""
        address = f"{self.url}/{self.bucket}?advance={days}"
        request = AWSRequest("POST", address, {"Host": self.url.removeprefix("http://")}, b"")
        S3SigV4Auth(BotoCredentials(KEY.access_key_id, KEY.secret_access_key), "s3", world.REGION).add_auth(request)
        async with aiohttp.ClientSession() as http, http.post(address, headers=dict(request.headers)) as answer:
            assert answer.status == 204

    def news(self) -> list[Event]:
        """What a rule would have delivered by now, in its order; told once."""
        told, self.heard[:] = list(self.heard), []
        envelopes = (envelope(event, world.REGION) for event in told)
        return [storage_event(each) for each in envelopes if each is not None]


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Cold]:
    heard: list[ObjectEvent] = []
    app = create_app(tmp_path_factory.mktemp("cold"), KEY, on_event=heard.append, restore_delay=timedelta(hours=12))
    with serving(app) as url:
        yield Cold(url, settings.bucket, heard)


@pytest.fixture(scope="module")
async def vault(settings: Settings, cold: Cold) -> AsyncIterator[Vault]:
    """The module's vault, with a bucket on that server."""
    own = replace(settings, endpoint_s3=cold.url)
    await provision(own)
    async with opened(own) as vault:
        yield vault


async def stored(vault: Vault, actor: Actor, size: int = LARGE, file_id: FileId | None = None) -> File:
    """A new file, or a new version of one, that was scanned."""
    wanted = Wanted(file_id=file_id, name=None if file_id else vault.unique(), size_bytes=size)
    begun = await upload.begin(vault, actor, wanted)

    async def data() -> AsyncIterator[bytes]:
        yield bytes(size)

    await upload.receive(vault, actor, begun.id, 0, data())

    def clean(each: StoredVersion) -> StoredVersion:
        for status in (ScanStatus.SCANNING, ScanStatus.CLEAN):
            each = process.with_scan(vault, each, status)
        return replace(each, due_at=None)

    done = process.worker_event(vault, "test", EventName.VERSION_SCANNED, "request-1")
    await process.advance(vault, begun.target.file_id, None, clean, done)
    found = await process.load(vault, begun.target.file_id, None)
    assert found is not None
    return found[0]


async def state(vault: Vault, file: File, number: int = 1) -> StoredVersion:
    found = await process.load(vault, file.id, number)
    assert found is not None
    if found[0].current.number == number:
        assert found[0].current == found[1].version
    return found[1]


async def hear_all(vault: Vault, events: list[Event]) -> None:
    for event in events:
        await lifecycle.handle(vault, event)


async def asked(vault: Vault, file: File) -> list[Event]:
    """The wishes that are on their way to the worker."""
    return await told(vault, file.id, EventName.STORAGE_RESTORE_ASKED)


async def archived(vault: Vault, cold: Cold, actor: Actor) -> File:
    file = await stored(vault, actor)
    await cold.advance(180)
    await hear_all(vault, cold.news())
    return file


async def refused(deed: Coroutine[Any, Any, object], code: Code) -> None:
    with pytest.raises(VaultError) as caught:
        await deed
    assert caught.value.code is code


async def test_a_move_is_written_down_where_a_listing_shows_it(vault: Vault, cold: Cold, alice: Actor) -> None:
    file = await stored(vault, alice)
    await cold.advance(30)
    (event,) = cold.news()
    await lifecycle.handle(vault, event)
    after = await state(vault, file)
    assert after.version.tiering == Tiering(StorageTier.STANDARD_IA, event.at)
    top = (await account.viewer(vault, alice.user_id)).root_folder_id
    (page,) = await browse.folder_pages(vault, alice, [FolderPageKey(top, 100)])
    assert page is not None
    (child,) = page.children
    assert isinstance(child, File)
    assert child.current == after.version
    (changed,) = await told(vault, file.id, EventName.STORAGE_CHANGED)
    assert changed.details == {"tier": "STANDARD_IA", "restore": "NOT_NEEDED"}
    assert set(changed.topics) == {file.id, file.parent_id}
    await lifecycle.handle(vault, event)
    assert await state(vault, file) == after
    assert len(await told(vault, file.id, EventName.STORAGE_CHANGED)) == 1


async def test_what_is_archived_says_so_before_it_is_read(vault: Vault, cold: Cold, alice: Actor, bob: Actor) -> None:
    file = await archived(vault, cold, alice)
    await refused(download.link(vault, alice, file.id), Code.ARCHIVED)
    await refused(download.open(vault, alice, file.id), Code.ARCHIVED)
    refusals = await told(vault, file.id, EventName.DOWNLOAD_REFUSED)
    assert [event.reason for event in refusals] == ["storage DEEP_ARCHIVE"] * 2
    await refused(download.link(vault, bob, file.id), Code.NOT_FOUND)


async def test_what_s3_archived_unheard_is_not_taken_for_damaged(vault: Vault, cold: Cold, alice: Actor) -> None:
    file = await stored(vault, alice)
    await cold.advance(180)
    content = await download.open(vault, alice, file.id)
    await refused(anext(content.read(0, 10)), Code.ARCHIVED)
    assert len(cold.news()) == 3


async def test_a_restore_is_told_step_by_step_and_ends(vault: Vault, cold: Cold, alice: Actor) -> None:
    file = await archived(vault, cold, alice)
    before = vault.now()
    shown = (await tier.restore(vault, alice, file.id, None, 3)).tiering
    assert (shown.restore, shown.asked_days) == (RestoreStatus.IN_PROGRESS, 3)
    assert shown.expected_at is not None
    assert timedelta(hours=12) <= shown.expected_at - before < timedelta(hours=12, minutes=1)
    await tier.restore(vault, alice, file.id, None, 5)
    (wish,) = await asked(vault, file)
    assert (wish.subject, wish.details["days"]) == (alice.user_id, 3)
    await hear_all(vault, [wish, wish])
    assert (await state(vault, file)).version.tiering == replace(shown, asked_days=None)
    await refused(download.link(vault, alice, file.id), Code.ARCHIVED)
    await cold.advance(1)
    await hear_all(vault, cold.news())
    restored = (await state(vault, file)).version.tiering
    assert restored.restore is RestoreStatus.RESTORED
    content = await download.open(vault, alice, file.id)
    assert await anext(content.read(0, 10)) == bytes(10)
    await cold.advance(3)
    await hear_all(vault, cold.news())
    ended = (await state(vault, file)).version.tiering
    assert ended == Tiering(StorageTier.DEEP_ARCHIVE, restored.changed_at, RestoreStatus.NEEDED)


async def test_a_copy_that_is_there_is_kept_for_longer(vault: Vault, cold: Cold, alice: Actor) -> None:
    file = await archived(vault, cold, alice)
    await tier.restore(vault, alice, file.id, None, 2)
    await hear_all(vault, await asked(vault, file))
    await cold.advance(1)
    await hear_all(vault, cold.news())
    first = (await state(vault, file)).version.tiering
    assert (await tier.restore(vault, alice, file.id, None, 1)).tiering == first
    longer = (await tier.restore(vault, alice, file.id, None, 9)).tiering
    assert longer == replace(first, asked_days=9)
    assert longer.is_readable(vault.now())
    await hear_all(vault, (await asked(vault, file))[-1:])
    after = (await state(vault, file)).version.tiering
    assert after.restored_until is not None
    assert first.restored_until is not None
    assert after.restored_until > first.restored_until + timedelta(days=6)


async def test_who_may_ask_and_for_what(vault: Vault, cold: Cold, alice: Actor, bob: Actor) -> None:
    file = await archived(vault, cold, alice)
    await refused(tier.restore(vault, bob, file.id, None, 3), Code.NOT_FOUND)
    await refused(tier.restore(vault, alice, file.id, 2, 3), Code.NOT_FOUND)
    for days in (0, -1, tiers.RESTORE_DAYS_MAX + 1):
        await refused(tier.restore(vault, alice, file.id, None, days), Code.INVALID)
    warm = await stored(vault, alice)
    await refused(tier.restore(vault, alice, warm.id, None, 3), Code.CONFLICT)
    await upload.begin(vault, alice, Wanted(name="unscanned", size_bytes=0))
    assert await asked(vault, file) == []


async def test_an_older_version_is_restored_by_its_number(vault: Vault, cold: Cold, alice: Actor) -> None:
    file = await archived(vault, cold, alice)
    await stored(vault, alice, SMALL, file.id)
    assert (await tier.restore(vault, alice, file.id, 1, 3)).number == 1
    await hear_all(vault, await asked(vault, file))
    assert (await state(vault, file, 1)).version.tiering.restore is RestoreStatus.IN_PROGRESS
    assert (await state(vault, file, 2)).version.tiering == Tiering()


async def test_news_of_what_is_gone_or_no_version_change_nothing(vault: Vault, cold: Cold, alice: Actor) -> None:
    at = datetime.now(UTC)
    keys = ["thumbnails/a/b/c", "files/file_X/version_Y/1", "x", "files/a/b/c/d"]
    for key in keys:
        event = ObjectEvent("LifecycleTransition", "b", key, 1, "", "", "1", at, "GLACIER_IR", None)
        await lifecycle.handle(vault, storage_event(envelope(event, "r") or {}))
    file = await stored(vault, alice)
    before = await state(vault, file)
    await vault.blobs.delete(before.body.object_key)
    await cold.advance(1)
    await tier.look(vault, Look(before.version.id, 1))
    assert await state(vault, file) == before


def test_of_a_copy_that_ended_nobody_need_tell() -> None:
    until = datetime(2026, 6, 1, tzinfo=UTC)
    tiering = Tiering(StorageTier.DEEP_ARCHIVE, until, RestoreStatus.RESTORED, until)
    assert tiering.is_readable(until - timedelta(seconds=1))
    assert not tiering.is_readable(until)
    assert tiering.at(until).restore is RestoreStatus.NEEDED


@pytest.mark.parametrize("asked_days", [None, 4])
def test_only_s3_itself_ends_a_restore_that_it_was_told_of(asked_days: int | None) -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    waiting = Tiering(StorageTier.DEEP_ARCHIVE, at, RestoreStatus.IN_PROGRESS, None, at, asked_days)
    seen = waiting.seen(Kept(StorageTier.DEEP_ARCHIVE), at)
    assert seen == (waiting if asked_days else Tiering(StorageTier.DEEP_ARCHIVE, at, RestoreStatus.NEEDED))


@dataclass
class Model:
    """What must come of it, by the rules and the wishes alone."""

    sizes: dict[FileId, int] = field(default_factory=dict)
    days: dict[FileId, int] = field(default_factory=dict)
    wishes: dict[FileId, int] = field(default_factory=dict)


class Storage(RuleBasedStateMachine):
    """Time, wishes, and events that come late, twice, in any order or never, to workers that may die."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    vault: ClassVar[Vault]
    cold: ClassVar[Cold]
    actor: ClassVar[Actor]

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[FileId, File] = {}
        self.model = Model()
        self.under_way: list[Event] = []
        self.restores: dict[str, int] = {}

    def run(self, deed: Coroutine[Any, Any, _T]) -> _T:  # Any: as asyncio spells it
        return asyncio.run_coroutine_threadsafe(deed, self.loop).result(60)

    def _collect(self) -> None:
        for event in self.cold.heard:
            if event.name == "ObjectRestore:Post":
                self.restores[event.key] = self.restores.get(event.key, 0) + 1
        self.under_way += self.cold.news()

    @initialize()
    def nothing_is_heard_of_others(self) -> None:
        self.cold.heard.clear()

    @rule(size=st.sampled_from([1000, SMALL, LARGE]))
    def store(self, size: int) -> None:
        file = self.run(stored(self.vault, self.actor, size))
        self.files[file.id] = file
        self.model.sizes[file.id], self.model.days[file.id] = size, 0

    @precondition(lambda self: self.files)
    @rule(days=st.sampled_from([1, 7, 29, 30, 61, 90]))
    def time_goes_by(self, days: int) -> None:
        self.run(self.cold.advance(days))
        self._collect()
        for file_id in self.files:
            self.model.days[file_id] += days

    @precondition(lambda self: self.files)
    @rule(data=st.data(), days=st.integers(1, 9))
    def wish(self, data: st.DataObject, days: int) -> None:
        file_id = data.draw(st.sampled_from(sorted(self.files)))
        before = self.run(state(self.vault, self.files[file_id])).version.tiering
        try:
            self.run(tier.restore(self.vault, self.actor, file_id, 1, days))
        except VaultError as error:
            assert error.code is Code.CONFLICT
            assert not before.tier.is_archive
            return
        if before.at(self.vault.now()).restore is RestoreStatus.NEEDED:
            self.model.wishes[file_id] = self.model.wishes.get(file_id, 0) + 1
        self.under_way += self.run(asked(self.vault, self.files[file_id]))[-1:]

    @precondition(lambda self: self.under_way)
    @rule(random_state=st.randoms(use_true_random=False), repeat=st.booleans())
    def an_event_comes(self, random_state: random.Random, repeat: bool) -> None:
        at = random_state.randrange(len(self.under_way))
        event = self.under_way[at] if repeat else self.under_way.pop(at)
        self.run(lifecycle.handle(self.vault, event))
        self._collect()

    @precondition(lambda self: self.under_way)
    @rule(random_state=st.randoms(use_true_random=False))
    def an_event_is_lost(self, random_state: random.Random) -> None:
        self.under_way.pop(random_state.randrange(len(self.under_way)))

    @precondition(lambda self: self.under_way)
    @rule(milliseconds=st.integers(0, 30))
    def a_worker_dies(self, milliseconds: int) -> None:
        async def cut() -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(milliseconds / 1000):
                    await lifecycle.handle(self.vault, self.under_way[0])

        self.run(cut())
        self._collect()

    @precondition(lambda self: self.files)
    @rule(days=st.sampled_from([0, 1, 40]))
    def the_sweeper_looks(self, days: int) -> None:
        self.run(lifecycle.sweep(moved(self.vault, days=days)))
        self._collect()

    def teardown(self) -> None:
        """The sweeper alone brings it about that all is as S3 has it, and S3 has done all that was asked."""
        for _ in range(3):
            self.run(lifecycle.sweep(moved(self.vault, days=500)))
        self._collect()
        for file_id, file in self.files.items():
            after = self.run(state(self.vault, file))
            kept = self.run(self.vault.blobs.kept(after.body.object_key))
            assert kept is not None
            tiering = after.version.tiering
            assert tiering.tier is kept.tier is self._tier(file_id)
            assert tiering.restore is _restore(kept)
            assert tiering.restored_until == kept.restored_until
            assert tiering.asked_days is None
            assert self.restores.get(after.body.object_key, 0) >= self.model.wishes.get(file_id, 0)

    def _tier(self, file_id: FileId) -> StorageTier:
        rule = tiers.rule_for(tiers.FILES_PREFIX, self.model.sizes[file_id])
        return rule.tier_after(self.model.days[file_id]) if rule else StorageTier.STANDARD


def _restore(kept: Kept) -> RestoreStatus:
    if not kept.tier.is_archive:
        return RestoreStatus.NOT_NEEDED
    if kept.restored_until is not None:
        return RestoreStatus.RESTORED
    return RestoreStatus.IN_PROGRESS if kept.is_restoring else RestoreStatus.NEEDED


async def test_whatever_becomes_of_the_events_the_end_is_the_models(vault: Vault, cold: Cold, alice: Actor) -> None:
    Storage.loop, Storage.vault, Storage.cold, Storage.actor = asyncio.get_running_loop(), vault, cold, alice
    await asyncio.to_thread(run_state_machine_as_test, Storage, settings=STEPS)
