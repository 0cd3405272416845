"""Older versions by the actions themselves: restored as new ones, labelled, deleted for ever, thinned."""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from doors import CLEAN, judged, told

from vaultstream import table
from vaultstream.actions import process, trash, upload, versions
from vaultstream.actor import Actor
from vaultstream.adapters.records import changes, trash_changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.ids import FileId
from vaultstream.versions import ScanStatus
from vaultstream.workers import purge as sweeper

sys.path.insert(0, str(Path(__file__).parent))  # the tests here share `trash_world`

from trash_world import Person  # found by the line above


@pytest.fixture
def ann(vault: Vault, alice: Actor) -> Person:
    return Person(vault, alice)


async def refused(awaitable: object) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable  # type: ignore[misc]  # any deed at all
    return caught.value.code


async def with_two(ann: Person) -> FileId:
    """A file of five bytes, scanned, and then of three."""
    file = await ann.file("a.txt", b"first")
    await judged(ann.vault, file.id, *CLEAN)
    await ann.version(file.id, b"two")
    return file.id


async def numbers(ann: Person, file_id: FileId) -> list[int]:
    return [each.version.number for each in await versions.all_of(ann.vault, file_id)]


async def age(vault: Vault, file_id: FileId, number: int, by: timedelta) -> None:
    """Make a version as old as this."""
    found = await process.load(vault, file_id, number)
    assert found is not None
    file, stored = found
    older = replace(stored, version=replace(stored.version, created_at=vault.now() - by))
    observed = file.observing(older.version)
    await vault.commit([changes.replace(observed), changes.replace_version(older)])


class TestRestoring:
    async def test_an_older_version_becomes_a_new_one_with_its_own_key_and_object(self, ann: Person) -> None:
        file_id = await with_two(ann)
        file = await versions.restore(ann.vault, ann.actor, file_id, 1)
        assert file.current.number == 3
        assert file.current.scan.status is ScanStatus.PENDING
        assert await ann.contents(file_id) == [b"first", b"two", b"first"]
        assert len(set(await ann.objects(file_id))) == 3
        assert len({each.body.header for each in await versions.all_of(ann.vault, file_id)}) == 3
        assert await ann.kinds() == (5, 8, 0, 0)
        (event,) = await told(ann.vault, file_id, EventName.VERSION_RESTORED)
        assert (event.version_number, event.details) == (3, {"restored_number": 1})

    async def test_what_was_restored_from_can_be_deleted_and_the_new_one_still_opens(self, ann: Person) -> None:
        file_id = await with_two(ann)
        await versions.restore(ann.vault, ann.actor, file_id, 1)
        await versions.delete(ann.vault, ann.actor, file_id, 1)
        assert await ann.contents(file_id) == [b"two", b"first"]

    async def test_only_what_was_found_clean_is_restored(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"first")
        await ann.version(file.id, b"two")
        assert await refused(versions.restore(ann.vault, ann.actor, file.id, 1)) is Code.NOT_SCANNED
        assert await refused(versions.restore(ann.vault, ann.actor, file.id, 2)) is Code.CONFLICT
        assert await refused(versions.restore(ann.vault, ann.actor, file.id, 7)) is Code.NOT_FOUND
        assert await ann.kinds() == (3, 5, 0, 0)

    async def test_once_for_one_key(self, ann: Person) -> None:
        file_id = await with_two(ann)
        for _ in range(2):
            file = await versions.restore(ann.vault, ann.actor, file_id, 1, idempotency_key="mine")
            assert file.current.number == 3

    async def test_a_restore_that_was_cut_gives_back_what_it_had_set_aside(self, ann: Person) -> None:
        file_id = await with_two(ann)

        class Unreachable:
            def __getattr__(self, _name: str) -> object:
                raise VaultError(Code.UNAVAILABLE, "the store is away")

        object.__setattr__(ann.vault, "blobs", (kept := ann.vault.blobs) and Unreachable())
        try:
            assert await refused(versions.restore(ann.vault, ann.actor, file_id, 1)) is Code.UNAVAILABLE
        finally:
            object.__setattr__(ann.vault, "blobs", kept)
        assert await ann.kinds() == (3, 5, 0, 0)
        assert await numbers(ann, file_id) == [1, 2]

    async def test_versions_survive_the_trash_with_their_labels(self, ann: Person) -> None:
        file_id = await with_two(ann)
        await versions.label(ann.vault, ann.actor, file_id, 1, "sent to the printer")
        await trash.throw_away(ann.vault, ann.actor, file_id)
        assert await refused(versions.restore(ann.vault, ann.actor, file_id, 1)) is Code.FORBIDDEN
        assert await refused(versions.label(ann.vault, ann.actor, file_id, 1, None)) is Code.FORBIDDEN
        await trash.restore(ann.vault, ann.actor, file_id)
        first, second = await versions.all_of(ann.vault, file_id)
        assert (first.version.label, second.version.label) == ("sent to the printer", None)
        assert await ann.contents(file_id) == [b"first", b"two"]


class TestDeleting:
    async def test_frees_its_bytes_and_shreds_its_key(self, ann: Person) -> None:
        file_id = await with_two(ann)
        first, _ = await ann.objects(file_id)
        file = await versions.delete(ann.vault, ann.actor, file_id, 1, if_version=2)
        assert (file.revision, await numbers(ann, file_id)) == (3, [2])
        assert await ann.vault.blobs.size(first) is None
        assert await ann.kinds() == (3, 0, 0, 0)
        assert await refused(versions.delete(ann.vault, ann.actor, file_id, 1)) is Code.NOT_FOUND
        assert await refused(versions.delete(ann.vault, ann.actor, file_id, 2)) is Code.CONFLICT

    async def test_works_in_the_trash_too(self, ann: Person) -> None:
        file_id = await with_two(ann)
        await trash.throw_away(ann.vault, ann.actor, file_id)
        await versions.delete(ann.vault, ann.actor, file_id, 1)
        assert await ann.kinds() == (0, 0, 3, 0)

    async def test_twice_at_once_frees_once(self, ann: Person) -> None:
        file_id = await with_two(ann)
        both = (versions.delete(ann.vault, ann.actor, file_id, 1) for _ in range(2))
        done = await asyncio.gather(*both, return_exceptions=True)
        assert sum(isinstance(each, VaultError) for each in done) == 1
        assert await ann.kinds() == (3, 0, 0, 0)


class TestLabels:
    async def test_are_put_on_changed_and_taken_off(self, ann: Person) -> None:
        file_id = await with_two(ann)
        for text in ("draft", "final", None):
            file = await versions.label(ann.vault, ann.actor, file_id, 2, text)
            assert file.current.label == text
        assert file.revision == 5

    @pytest.mark.parametrize("text", ["", " ", "a\nb", "x" * 101])
    async def test_are_short_and_printable(self, ann: Person, text: str) -> None:
        file = await ann.file("a.txt", b"1")
        assert await refused(versions.label(ann.vault, ann.actor, file.id, 1, text)) is Code.INVALID


class TestThinning:
    async def test_the_sweeper_deletes_what_the_policy_does_not_keep(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"1")
        for size in range(2, 6):
            await ann.version(file.id, b"x" * size)
        await versions.label(ann.vault, ann.actor, file.id, 1, "the first")
        for number, days in ((1, 800), (2, 700), (3, 500), (4, 3)):
            await age(ann.vault, file.id, number, timedelta(days=days))
        await ann.vault.commit([trash_changes.thin_again(file.id, ann.vault.now())])
        await sweeper.handle(ann.vault)
        assert await numbers(ann, file.id) == [1, 4, 5]
        assert await ann.kinds() == (5, 5, 0, 0)
        (event,) = await told(ann.vault, file.id, EventName.VERSION_THINNED)
        assert event.details == {"numbers": [2, 3]}
        item = await ann.vault.records.item(table.thinning(file.id))
        assert item is not None
        assert item[table.GSI3.sk] > f"{(ann.vault.now() + timedelta(hours=23)).isoformat()}"

    async def test_nothing_is_thinned_in_the_trash(self, ann: Person) -> None:
        folder = await ann.folder("f")
        file = await ann.file("a.txt", b"1", folder.id)
        await ann.version(file.id, b"22")
        await age(ann.vault, file.id, 1, timedelta(days=500))
        await trash.throw_away(ann.vault, ann.actor, folder.id)
        await versions.thin(ann.vault, file.id)
        assert await numbers(ann, file.id) == [1, 2]
        await trash.restore(ann.vault, ann.actor, folder.id)
        await versions.thin(ann.vault, file.id)
        assert await numbers(ann, file.id) == [2]
        assert await ann.vault.records.item(table.thinning(file.id)) is None

    async def test_a_new_version_says_when_to_look(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"1")
        assert await ann.vault.records.item(table.thinning(file.id)) is None
        await ann.version(file.id, b"2")
        first = await ann.vault.records.item(table.thinning(file.id))
        await ann.version(file.id, b"3")
        assert await ann.vault.records.item(table.thinning(file.id)) == first
        assert first is not None

    async def test_of_many_all_go_in_rounds(self, ann: Person) -> None:
        file = await ann.file("a.txt", b"")
        for _ in range(44):
            begun = await upload.begin(ann.vault, ann.actor, upload.Wanted(file_id=file.id, size_bytes=0))
            assert begun.version_number is not None
        for number in range(1, 45):
            await age(ann.vault, file.id, number, timedelta(days=400))
        for _ in range(2):
            await versions.thin(ann.vault, file.id)
        assert await numbers(ann, file.id) == [45]
