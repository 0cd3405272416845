"""Quota and trash under random deeds: the counters are always the model's, the count always proves them, and nothing
that was stored is ever missing.
"""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from doors import told
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from vaultstream import table
from vaultstream.actions import reconcile, trash, upload, versions
from vaultstream.actions.trash import OnConflict, Place
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, trash_changes
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.files import File
from vaultstream.ids import FileId, FolderId, UploadId
from vaultstream.quota import QuotaChange
from vaultstream.users import Storage
from vaultstream.workers import purge as sweeper

sys.path.insert(0, str(Path(__file__).parent))  # the tests here share `trash_world`

from trash_world import Person, stream  # found by the line above

QUOTA = 500
SIZES = st.integers(0, 150)
STEPS = settings(
    max_examples=8,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_T = TypeVar("_T")


async def limit(person: Person, quota_bytes: int) -> None:
    """Give somebody who has nothing yet this quota."""
    request = {
        "Key": to_attributes(table.user(person.actor.user_id).attributes()),
        "UpdateExpression": "SET quota_bytes = :quota, left_bytes = :quota",
        "ExpressionAttributeValues": to_attributes({":quota": quota_bytes}),
    }
    await person.vault.commit([Change("Update", request, changes.STALE)])


@dataclass
class Kept:
    """A file as the model knows it."""

    name: str
    folder_id: FolderId
    versions: dict[int, bytes]
    trashed: bool = False

    @property
    def current(self) -> int:
        return max(self.versions)

    @property
    def kinds(self) -> tuple[int, int, int]:
        total = sum(map(len, self.versions.values()))
        live = len(self.versions[self.current])
        return (0, 0, total) if self.trashed else (live, total - live, 0)


@dataclass
class Sending:
    """An upload as the model knows it."""

    file_id: FileId
    new_name: str | None
    size: int
    sent: int = 0


@dataclass
class Model:
    """What one person has."""

    files: dict[FileId, Kept] = field(default_factory=dict)
    uploads: dict[UploadId, Sending] = field(default_factory=dict)
    named: int = 0

    def name(self) -> str:
        self.named += 1
        return f"{self.named}.bin"

    @property
    def kinds(self) -> tuple[int, int, int, int]:
        each = [kept.kinds for kept in self.files.values()]
        reserved = sum(sending.size for sending in self.uploads.values())
        return sum(k[0] for k in each), sum(k[1] for k in each), sum(k[2] for k in each), reserved

    @property
    def left(self) -> int:
        return QUOTA - sum(self.kinds)


class Machine(RuleBasedStateMachine):
    """Deeds of one newcomer on the real table; the loop that owns the connections runs beside it."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    newcomer: ClassVar[Any]  # Any: the fixture's own function
    vault: ClassVar[Vault]

    def run(self, deed: Coroutine[Any, Any, _T]) -> _T:  # Any: as asyncio spells it
        return asyncio.run_coroutine_threadsafe(deed, self.loop).result(60)

    def refused(self, deed: Coroutine[Any, Any, object], code: Code) -> None:
        try:
            self.run(deed)
        except VaultError as error:
            assert error.code is code  # the loop is another thread's
        else:
            raise AssertionError(f"it was not refused with {code}")

    @initialize()
    def arrive(self) -> None:
        actor: Actor = self.run(self.newcomer())
        self.ann, self.model = Person(self.vault, actor), Model()
        self.run(limit(self.ann, QUOTA))
        self.top = self.run(self.ann.top())

    def pick(self, data: st.DataObject, *, trashed: bool) -> tuple[FileId, Kept]:
        chosen = [(key, kept) for key, kept in self.model.files.items() if kept.trashed is trashed]
        return data.draw(st.sampled_from(chosen))

    def any_file(self, *, trashed: bool) -> bool:
        return any(kept.trashed is trashed for kept in self.model.files.values())

    def store(self, wanted: Wanted, data: bytes) -> File | None:
        deed = upload.begin(self.vault, self.ann.actor, wanted)
        if len(data) > self.model.left:
            self.refused(deed, Code.QUOTA_EXCEEDED)
            return None
        begun = self.run(deed)
        if data:
            self.run(upload.receive(self.vault, self.ann.actor, begun.id, 0, stream(data)))
        file = self.run(self.ann.look(begun.target.file_id))
        assert isinstance(file, File)
        return file

    @invariant()
    def the_counters_are_the_models(self) -> None:
        if hasattr(self, "model"):
            assert self.run(self.ann.kinds()) == self.model.kinds

    def teardown(self) -> None:
        if hasattr(self, "model"):
            reckoning = self.run(reconcile.reckon(self.vault, self.ann.actor.user_id))
            assert reckoning is not None
            assert reckoning.agrees
            assert self.run(reconcile.reconcile(self.vault, self.ann.actor.user_id)) is False


class QuotaMachine(Machine):
    """Uploads, versions and the trash in any order."""

    @rule(size=SIZES)
    def store_a_file(self, size: int) -> None:
        name = self.model.name()
        if file := self.store(Wanted(name=name, size_bytes=size), b"x" * size):
            self.model.files[file.id] = Kept(name, self.top, {1: b"x" * size})

    @precondition(lambda self: self.any_file(trashed=False))
    @rule(data=st.data(), size=SIZES)
    def store_a_version(self, data: st.DataObject, size: int) -> None:
        file_id, kept = self.pick(data, trashed=False)
        if file := self.store(Wanted(file_id=file_id, size_bytes=size), b"y" * size):
            assert file.current.number == kept.current + 1
            kept.versions[file.current.number] = b"y" * size

    @rule(data=st.data(), size=st.integers(1, 150), of_a_file=st.booleans())
    def begin_an_upload(self, data: st.DataObject, size: int, of_a_file: bool) -> None:
        if of_a_file and self.any_file(trashed=False):
            wanted = Wanted(file_id=self.pick(data, trashed=False)[0], size_bytes=size)
        else:
            wanted = Wanted(name=self.model.name(), size_bytes=size)
        deed = upload.begin(self.vault, self.ann.actor, wanted)
        if size > self.model.left:
            self.refused(deed, Code.QUOTA_EXCEEDED)
            return
        begun = self.run(deed)
        self.model.uploads[begun.id] = Sending(begun.target.file_id, wanted.name, size)

    @precondition(lambda self: self.model.uploads)
    @rule(data=st.data(), whole=st.booleans())
    def send_some_of_it(self, data: st.DataObject, whole: bool) -> None:
        upload_id, sending = data.draw(st.sampled_from(list(self.model.uploads.items())))
        rest = sending.size - sending.sent
        count = rest if whole else data.draw(st.integers(0, rest - 1))
        deed = upload.receive(self.vault, self.ann.actor, upload_id, sending.sent, stream(b"z" * count))
        if whole and sending.new_name is None and sending.file_id not in self.model.files:
            self.refused(deed, Code.CONFLICT)
            self.run(upload.abort(self.vault, self.ann.actor, upload_id))
            del self.model.uploads[upload_id]
            return
        self.run(deed)
        sending.sent += count
        if whole:
            del self.model.uploads[upload_id]
            fresh = Kept(sending.new_name or "", self.top, {})
            kept = self.model.files.setdefault(sending.file_id, fresh)
            kept.versions[max(kept.versions, default=0) + 1] = b"z" * sending.size

    @precondition(lambda self: self.model.uploads)
    @rule(data=st.data())
    def abort_an_upload(self, data: st.DataObject) -> None:
        upload_id = data.draw(st.sampled_from(list(self.model.uploads)))
        self.run(upload.abort(self.vault, self.ann.actor, upload_id))
        del self.model.uploads[upload_id]

    @precondition(lambda self: self.model.files)
    @rule(data=st.data())
    def delete_a_version(self, data: st.DataObject) -> None:
        file_id, kept = data.draw(st.sampled_from(list(self.model.files.items())))
        number = data.draw(st.sampled_from(sorted(kept.versions)))
        deed = versions.delete(self.vault, self.ann.actor, file_id, number)
        if number == kept.current:
            self.refused(deed, Code.CONFLICT)
        else:
            self.run(deed)
            del kept.versions[number]

    @precondition(lambda self: self.any_file(trashed=False))
    @rule(data=st.data())
    def throw_away(self, data: st.DataObject) -> None:
        file_id, kept = self.pick(data, trashed=False)
        self.run(trash.throw_away(self.vault, self.ann.actor, file_id))
        kept.trashed = True

    @precondition(lambda self: self.any_file(trashed=True))
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        file_id, kept = self.pick(data, trashed=True)
        self.run(trash.restore(self.vault, self.ann.actor, file_id))
        kept.trashed = False

    @precondition(lambda self: self.any_file(trashed=True))
    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        file_id, _ = self.pick(data, trashed=True)
        self.run(self.ann.purged(file_id))
        del self.model.files[file_id]


class TrashMachine(Machine):
    """Files with versions in two folders, thrown away and restored alone or with their folder."""

    @initialize()
    def arrive(self) -> None:
        super().arrive()
        self.folders = {self.run(self.ann.folder(name)).id: True for name in ("red", "blue")}  # whether it is in place

    def usable(self) -> list[FileId]:
        return [key for key, kept in self.model.files.items() if not kept.trashed and self.in_place(kept)]

    def in_place(self, kept: Kept) -> bool:
        return kept.folder_id == self.top or self.folders.get(kept.folder_id, False)

    @rule(data=st.data(), name=st.sampled_from(["a", "b.txt"]), content=st.binary(max_size=20))
    def store_a_file(self, data: st.DataObject, name: str, content: bytes) -> None:
        places = [self.top, *(folder_id for folder_id, there in self.folders.items() if there)]
        place = data.draw(st.sampled_from(places))
        taken = any(
            self.model.files[key].name == name and self.model.files[key].folder_id == place for key in self.usable()
        )
        wanted = Wanted(folder_id=place, name=name, size_bytes=len(content))
        if taken:
            self.refused(upload.begin(self.vault, self.ann.actor, wanted), Code.NAME_TAKEN)
        elif file := self.store(wanted, content):
            self.model.files[file.id] = Kept(name, place, {1: content})

    @precondition(lambda self: self.usable())
    @rule(data=st.data(), content=st.binary(max_size=20))
    def store_a_version(self, data: st.DataObject, content: bytes) -> None:
        file_id = data.draw(st.sampled_from(self.usable()))
        if file := self.store(Wanted(file_id=file_id, size_bytes=len(content)), content):
            self.model.files[file_id].versions[file.current.number] = content

    @precondition(lambda self: self.usable())
    @rule(data=st.data())
    def label_a_version(self, data: st.DataObject) -> None:
        file_id = data.draw(st.sampled_from(self.usable()))
        number = data.draw(st.sampled_from(sorted(self.model.files[file_id].versions)))
        self.run(versions.label(self.vault, self.ann.actor, file_id, number, f"label of {number}"))

    @precondition(lambda self: self.usable())
    @rule(data=st.data())
    def throw_a_file_away(self, data: st.DataObject) -> None:
        file_id = data.draw(st.sampled_from(self.usable()))
        self.run(trash.throw_away(self.vault, self.ann.actor, file_id))
        self.model.files[file_id].trashed = True

    @precondition(lambda self: self.any_file(trashed=True))
    @rule(data=st.data(), choice=st.sampled_from(OnConflict))
    def restore_a_file(self, data: st.DataObject, choice: OnConflict) -> None:
        file_id, kept = self.pick(data, trashed=True)
        home = kept.folder_id if self.in_place(kept) else self.top
        there = {self.model.files[key].name: key for key in self.usable() if self.model.files[key].folder_id == home}
        restored = self.run(trash.restore(self.vault, self.ann.actor, file_id, on_conflict=choice))
        if kept.name in there and choice is OnConflict.SKIP:
            assert restored.place is Place.STILL_IN_TRASH
            return
        assert restored.place is (Place.ORIGINAL if home == kept.folder_id else Place.TOP_FOLDER)
        if kept.name in there and choice is OnConflict.REPLACE:
            self.model.files[there[kept.name]].trashed = True
        elif kept.name in there:
            assert restored.item.name not in there
            kept.name = restored.item.name
        kept.trashed, kept.folder_id = False, home

    @precondition(lambda self: any(self.folders.values()))
    @rule(data=st.data())
    def throw_a_folder_away(self, data: st.DataObject) -> None:
        folder_id = data.draw(st.sampled_from([key for key, there in self.folders.items() if there]))
        self.run(trash.throw_away(self.vault, self.ann.actor, folder_id))
        self.folders[folder_id] = False

    @precondition(lambda self: not all(self.folders.values()))
    @rule(data=st.data())
    def restore_a_folder(self, data: st.DataObject) -> None:
        folder_id = data.draw(st.sampled_from([key for key, there in self.folders.items() if not there]))
        restored = self.run(trash.restore(self.vault, self.ann.actor, folder_id))
        assert restored.place is Place.ORIGINAL
        self.folders[folder_id] = True

    @precondition(lambda self: not all(self.folders.values()))
    @rule(data=st.data())
    def purge_a_folder(self, data: st.DataObject) -> None:
        folder_id = data.draw(st.sampled_from([key for key, there in self.folders.items() if not there]))
        self.run(self.ann.purged(folder_id))
        del self.folders[folder_id]
        gone = [key for key, kept in self.model.files.items() if kept.folder_id == folder_id and not kept.trashed]
        for file_id in gone:
            del self.model.files[file_id]
            assert self.run(self.ann.rows(table.file(file_id).pk)) == 0

    @invariant()
    def nothing_is_missing_and_all_is_in_its_place(self) -> None:
        if not hasattr(self, "folders"):
            return
        for place in [self.top, *self.folders]:
            inside = {k.name for k in self.model.files.values() if not k.trashed and k.folder_id == place}
            shown = set(self.run(self.ann.names(place)))
            assert shown - {"red", "blue"} == inside
        roots = {key for key, kept in self.model.files.items() if kept.trashed}
        roots |= {folder_id for folder_id, there in self.folders.items() if not there}
        assert set(self.run(self.ann.thrown_away())) == roots

    def teardown(self) -> None:
        if hasattr(self, "folders"):
            for file_id, kept in self.model.files.items():
                assert self.run(self.ann.contents(file_id)) == [kept.versions[key] for key in sorted(kept.versions)]
        super().teardown()


async def _run(machine: type[Machine], vault: Vault, newcomer: Any) -> None:  # Any: the fixture's own function
    class Here(machine):  # type: ignore[valid-type,misc]  # the machine for this loop
        pass

    Here.loop, Here.vault, Here.newcomer = asyncio.get_running_loop(), vault, staticmethod(newcomer)
    await asyncio.to_thread(run_state_machine_as_test, Here, settings=STEPS)


async def test_whatever_is_done_the_counters_are_right_and_the_count_proves_it(vault: Vault, newcomer: Any) -> None:
    await _run(QuotaMachine, vault, newcomer)


async def test_whatever_is_thrown_away_and_restored_nothing_is_missing(vault: Vault, newcomer: Any) -> None:
    await _run(TrashMachine, vault, newcomer)


async def test_fifty_writers_on_one_quota_overdraw_nothing(vault: Vault, alice: Actor) -> None:
    ann = Person(vault, alice)
    await limit(ann, 1000)

    async def write(number: int) -> UploadId | None:
        """A writer who is told that others were faster tries again; who is told that it is full does not."""
        while True:
            try:
                return (await upload.begin(vault, alice, Wanted(name=f"{number}", size_bytes=70))).id
            except VaultError as error:
                if error.code is Code.QUOTA_EXCEEDED:
                    return None
                if error.code is not Code.CONFLICT:
                    raise

    begun = [each for each in await asyncio.gather(*map(write, range(50))) if each]
    assert len(begun) == 1000 // 70
    assert await ann.kinds() == (0, 0, 0, 14 * 70)
    await asyncio.gather(*(upload.receive(vault, alice, each, 0, stream(b"x" * 70)) for each in begun[:2]))
    for each in begun[2:]:
        await upload.abort(vault, alice, each)
    assert await ann.kinds() == (140, 0, 0, 0)
    reckoning = await reconcile.reckon(vault, alice.user_id)
    assert reckoning is not None
    assert reckoning.agrees


async def test_a_wrong_count_is_mended_and_told(vault: Vault, alice: Actor) -> None:
    ann = Person(vault, alice)
    file = await ann.file("a", b"12345")
    await ann.version(file.id, b"123")
    await trash.throw_away(vault, alice, (await ann.file("b", b"1234567")).id)
    await upload.begin(vault, alice, Wanted(name="c", size_bytes=11))
    right = await ann.storage()
    drift = QuotaChange(left_bytes=-60, live_bytes=10, version_bytes=20, trash_bytes=25, reserved_bytes=5)
    await vault.commit([changes.move_quota(alice.user_id, drift)])
    assert await reconcile.reconcile(vault, alice.user_id) is True
    assert await ann.storage() == right == Storage(right.quota_bytes, 3, 5, 7, 11)
    assert await reconcile.reconcile(vault, alice.user_id) is False


async def test_the_sweeper_counts_everybody_once_a_day(vault: Vault, alice: Actor) -> None:
    ann = Person(vault, alice)
    await ann.file("a", b"12345")
    right = await ann.storage()
    await vault.commit([changes.move_quota(alice.user_id, QuotaChange(left_bytes=-6, live_bytes=6))])
    await sweeper.handle(vault)
    assert await ann.storage() != right
    await vault.commit([trash_changes.count_by(alice.user_id, vault.now())])
    await sweeper.handle(vault)
    assert await ann.storage() == right
    (event,) = await told(vault, alice.user_id, EventName.QUOTA_CORRECTED)
    assert (event.details["before"]["live_bytes"], event.details["after"]["live_bytes"]) == (11, 5)
    due = await vault.records.item(table.user(alice.user_id))
    assert due is not None
    assert due[table.GSI3.sk] > (vault.now() + timedelta(hours=23)).isoformat()


async def test_a_count_that_others_have_overtaken_mends_nothing(vault: Vault, alice: Actor) -> None:
    seen = Storage(100, live_bytes=99)
    stale = trash_changes.set_counters(alice.user_id, seen, Storage(100))
    with pytest.raises(VaultError) as caught:
        await vault.commit([stale])
    assert caught.value.code is Code.CONFLICT
