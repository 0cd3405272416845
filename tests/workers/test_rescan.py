"""New rules judge what old ones have judged: the old verdict stands until then, and a worse one is told of."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.actions.test_quarantine import scanned, state, told_of
from tests.adapters.clamd_server import FOUND, MARK, ClamdServer, running
from tests.adapters.test_scanner_archives import encrypted_zip
from tests.clocks import Ahead, moved
from vaultstream.actions import download, quarantine
from vaultstream.actor import Actor
from vaultstream.adapters.scanner import Scanner
from vaultstream.adapters.vault import Vault
from vaultstream.errors import VaultError
from vaultstream.events import Event, EventName
from vaultstream.ids import FileId
from vaultstream.verdict import ScannerUnavailable
from vaultstream.versions import ScanStatus
from vaultstream.workers import rescan, sweep


@pytest.fixture
async def clamd(tmp_path: Path) -> AsyncIterator[ClamdServer]:
    async with running(ClamdServer()) as server:
        yield server


async def asked(vault: Vault, file_id: FileId) -> int:
    return len(await told_of(vault, file_id, EventName.VERSION_RESCAN_DUE))


async def rescanned(vault: Vault, file_id: FileId) -> None:
    await rescan.handle(vault, Event(vault.unique(), EventName.VERSION_RESCAN_DUE, vault.now(), "t", "r", file_id, 1))


async def begun(vault: Vault, clamd: ClamdServer, ahead: Ahead) -> Vault:
    """A vault whose scanners' rules are known, and which has a clamd a minute later."""
    await rescan.sweep(vault)
    return replace(moved(vault, ahead), scanner=Scanner(clamd.url))


async def test_unchanged_rules_ask_for_nothing(vault: Vault, alice: Actor) -> None:
    file_id = await scanned(vault, alice, MARK)
    before = await state(vault, file_id)
    for _ in range(2):
        await sweep.handle(moved(vault, hours=2))
    assert await state(vault, file_id) == before
    assert await asked(vault, file_id) == 0


async def test_what_new_rules_find_is_closed_and_its_readers_are_counted(
    vault: Vault, alice: Actor, clamd: ClamdServer
) -> None:
    file_id = await scanned(vault, alice, MARK)
    ahead = Ahead()
    later = await begun(vault, clamd, ahead)
    content = await download.open(vault, alice, file_id)
    await content.record(0, 5)
    await vault.audit_log.append(await told_of(vault, file_id, EventName.DOWNLOAD_BEGUN))
    ahead.move(seconds=61)
    for _ in range(2):
        await sweep.handle(later)
    assert await asked(vault, file_id) == 1
    waiting = (await state(vault, file_id)).version.scan
    assert waiting.status is ScanStatus.CLEAN, "the old verdict stands"
    for _ in range(2):
        await rescanned(later, file_id)
    scan = (await state(vault, file_id)).version.scan
    assert (scan.status, scan.signature) == (ScanStatus.INFECTED, FOUND)
    assert "ClamAV" in (scan.engine or "")
    _, event = await told_of(vault, file_id, EventName.VERSION_SCANNED)
    assert (event.details["before"], event.details["readers"]) == ("CLEAN", 1)
    with pytest.raises(VaultError):
        await download.link(vault, alice, file_id)
    ahead.move(hours=2)
    await sweep.handle(later)
    assert await asked(vault, file_id) == 1, "the newest rules have judged it"


async def test_while_a_scanner_is_down_the_old_verdict_stands_and_it_is_asked_again(
    vault: Vault, alice: Actor, clamd: ClamdServer
) -> None:
    file_id = await scanned(vault, alice, b"harmless")
    ahead = Ahead()
    later = await begun(vault, clamd, ahead)
    ahead.move(seconds=61)
    await sweep.handle(later)
    clamd.silent = True
    broken = replace(later, scanner=Scanner(clamd.url, clamd_timeout_seconds=0.1))
    with pytest.raises(ScannerUnavailable):
        await rescanned(broken, file_id)
    assert (await state(vault, file_id)).version.scan.status is ScanStatus.CLEAN
    clamd.silent = False
    ahead.move(hours=1, seconds=1)
    await sweep.handle(later)
    assert await asked(vault, file_id) == 2
    await rescanned(later, file_id)
    stored = await state(vault, file_id)
    assert (stored.version.scan.status, stored.due_at, stored.rescanning) == (ScanStatus.CLEAN, None, False)
    assert "ClamAV" in (stored.version.scan.engine or "")


async def test_a_release_outlives_another_look_that_sees_no_more(
    vault: Vault, alice: Actor, clamd: ClamdServer
) -> None:
    file_id = await scanned(vault, alice, encrypted_zip())
    freed = await quarantine.release(vault, alice, file_id, None, "ours")
    ahead = Ahead()
    later = await begun(vault, clamd, ahead)
    ahead.move(seconds=61)
    await sweep.handle(later)
    await rescanned(later, file_id)
    scan = (await state(vault, file_id)).version.scan
    assert (scan.status, scan.release) == (ScanStatus.UNSCANNABLE, freed.current.scan.release)
    assert scan.lets_out


async def test_content_that_was_damaged_since_is_found_and_closed(
    vault: Vault, alice: Actor, clamd: ClamdServer
) -> None:
    file_id = await scanned(vault, alice, b"harmless")
    ahead = Ahead()
    later = await begun(vault, clamd, ahead)
    ahead.move(seconds=61)
    await sweep.handle(later)
    body = (await state(vault, file_id)).body
    await vault.blobs.put(body.object_key, b"\0" * len(await vault.blobs.whole(body.object_key)))
    await rescanned(later, file_id)
    assert (await state(vault, file_id)).version.scan.status is ScanStatus.FAILED


async def test_who_was_not_asked_for_is_left_alone(vault: Vault, alice: Actor, clamd: ClamdServer) -> None:
    file_id = await scanned(vault, alice, MARK)
    before = await state(vault, file_id)
    await rescanned(replace(vault, scanner=Scanner(clamd.url)), file_id)
    assert await state(vault, file_id) == before
    assert clamd.received == []


async def test_what_is_archived_is_put_off_and_nobody_waits_for_it(
    vault: Vault, alice: Actor, clamd: ClamdServer
) -> None:
    file_id, ahead = await scanned(vault, alice, b"harmless"), Ahead()
    later = await begun(vault, clamd, ahead)
    ahead.move(seconds=61)
    await sweep.handle(later)
    body = (await state(vault, file_id)).body
    sealed = await vault.blobs.whole(body.object_key)
    client, bucket = vault.blobs._client, vault.settings.bucket
    await client.put_object(Bucket=bucket, Key=body.object_key, Body=sealed, StorageClass="DEEP_ARCHIVE")
    await rescanned(later, file_id)
    stored = await state(vault, file_id)
    assert (stored.version.scan.status, stored.rescanning) == (ScanStatus.CLEAN, True)
    ahead.move(days=29)
    await sweep.handle(later)
    assert await asked(vault, file_id) == 1
    await client.put_object(Bucket=bucket, Key=body.object_key, Body=sealed)
    ahead.move(days=2)
    await sweep.handle(later)
    assert await asked(vault, file_id) == 2
    await rescanned(later, file_id)
    assert "ClamAV" in ((await state(vault, file_id)).version.scan.engine or "")
