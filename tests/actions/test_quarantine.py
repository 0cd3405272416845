"""What nobody could look into stays closed until who manages it answers for it, and never when it is infected."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.actions.sharing_world import give
from tests.adapters import corpus
from tests.adapters.test_scanner_archives import encrypted_zip
from tests.conftest import Newcomer
from vaultstream import table
from vaultstream.actions import download, process, quarantine, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.ids import FileId, TokenId
from vaultstream.shares import Role
from vaultstream.tokens import Grant, Scope
from vaultstream.versions import ScanStatus, StoredVersion
from vaultstream.workers import scan, thumbnail


async def stream(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def scanned(vault: Vault, actor: Actor, data: bytes) -> FileId:
    begun = await upload.begin(vault, actor, Wanted(name=vault.unique(), size_bytes=len(data)))
    if data:  # a file of no bytes is stored as soon as it is begun
        await upload.receive(vault, actor, begun.id, 0, stream(data))
    file_id = begun.target.file_id
    stored = Event(vault.unique(), EventName.VERSION_STORED, vault.now(), "t", "r", file_id, 1)
    await scan.handle(vault, stored)
    await thumbnail.handle(vault, replace(stored, name=EventName.VERSION_SCANNED))
    return file_id


async def state(vault: Vault, file_id: FileId) -> StoredVersion:
    found = await process.load(vault, file_id, 1)
    assert found is not None
    assert found[0].current == found[1].version
    return found[1]


async def told_of(vault: Vault, file_id: FileId, name: EventName) -> list[Event]:
    shards = [await vault.records.undelivered(shard, "7", 1000) for shard in table.outbox_shards()]
    found = [event for shard in shards for event in shard if (event.item_id, event.name) == (file_id, name)]
    return sorted(found, key=lambda event: event.id)


async def refusal(vault: Vault, actor: Actor, file_id: FileId, reason: str = "we sent it ourselves") -> VaultError:
    with pytest.raises(VaultError) as caught:
        await quarantine.release(vault, actor, file_id, None, reason)
    return caught.value


async def test_it_is_closed_then_released_with_a_reason_that_is_kept_and_told_once(vault: Vault, alice: Actor) -> None:
    locked = encrypted_zip()  # made at another moment, it is another
    file_id = await scanned(vault, alice, locked)
    assert (await state(vault, file_id)).version.scan.status is ScanStatus.UNSCANNABLE
    with pytest.raises(VaultError) as caught:
        await download.link(vault, alice, file_id)
    assert caught.value.code is Code.NOT_SCANNED
    for reason in (" we sent it ourselves ", "another"):
        file = await quarantine.release(vault, alice, file_id, None, reason)
    release = file.current.scan.release
    assert release is not None
    assert (release.by, release.reason) == (alice.user_id, "we sent it ourselves")
    assert (await state(vault, file_id)).version == file.current
    (event,) = await told_of(vault, file_id, EventName.VERSION_RELEASED)
    assert (event.subject, event.details["why"]) == (alice.user_id, "we sent it ourselves")
    content = await download.open(vault, alice, file_id)
    assert b"".join([piece async for piece in content.read(0, content.size_bytes)]) == locked


@pytest.mark.parametrize(("role", "allowed"), [(Role.EDITOR, False), (Role.MANAGER, True)])
async def test_who_manages_it_may_and_who_edits_it_may_not(
    vault: Vault, alice: Actor, newcomer: Newcomer, role: Role, allowed: bool
) -> None:
    file_id = await scanned(vault, alice, encrypted_zip())
    other = await newcomer()
    assert (await refusal(vault, other, file_id)).code is Code.NOT_FOUND
    await give(vault, alice, file_id, other, role)
    if allowed:
        assert (await quarantine.release(vault, other, file_id, None, "ours")).current.scan.lets_out
    else:
        assert (await refusal(vault, other, file_id)).code is Code.FORBIDDEN
        assert not (await state(vault, file_id)).version.scan.lets_out


async def test_no_program_may(vault: Vault, alice: Actor) -> None:
    file_id = await scanned(vault, alice, encrypted_zip())
    grant = Grant(TokenId("token_x"), frozenset(Scope))
    assert (await refusal(vault, replace(alice, grant=grant), file_id)).code is Code.FORBIDDEN


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "line\nline"])
async def test_a_reason_is_needed(vault: Vault, alice: Actor, reason: str) -> None:
    file_id = await scanned(vault, alice, encrypted_zip())
    assert (await refusal(vault, alice, file_id, reason)).path == ("reason",)


async def test_what_is_infected_or_clean_cannot_be_released(vault: Vault, alice: Actor) -> None:
    for data in (corpus.EICAR, b"harmless"):
        file_id = await scanned(vault, alice, data)
        assert (await refusal(vault, alice, file_id)).code is Code.CONFLICT


async def test_who_downloaded_it_is_told_to_who_manages_it(vault: Vault, alice: Actor, newcomer: Newcomer) -> None:
    file_id = await scanned(vault, alice, b"harmless so far")
    bob, carol = await newcomer(), await newcomer()
    for other in (bob, carol):
        await give(vault, alice, file_id, other, Role.VIEWER)
    for reader in (bob, alice, bob):
        content = await download.open(vault, reader, file_id)
        await content.record(0, 5)
    await vault.audit_log.append(await told_of(vault, file_id, EventName.DOWNLOAD_BEGUN))
    exposure = await quarantine.exposure(vault, alice, file_id, None)
    assert exposure.version == (await state(vault, file_id)).version
    assert [(reader.subject, reader.times) for reader in exposure.readers] == [(bob.user_id, 2), (alice.user_id, 1)]
    assert exposure.readers[0].first_at < exposure.readers[1].first_at < exposure.readers[0].last_at
    with pytest.raises(VaultError) as caught:
        await quarantine.exposure(vault, carol, file_id, None)
    assert caught.value.code is Code.FORBIDDEN
