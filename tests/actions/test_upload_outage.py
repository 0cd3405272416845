"""Uploads while the table fails: what was promised stays, and no byte of the quota is lost."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from faults import Faults, aws_error, faulty, lost, s3_error

from vaultstream import table
from vaultstream.actions import account, opening, process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.blobs import Blobs
from vaultstream.adapters.records import Records, changes, upload_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.settings import Settings
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.users import Storage


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@pytest.fixture
async def faulty_vault(vault: Vault, settings: Settings) -> AsyncIterator[tuple[Faults, Vault]]:
    async with faulty(settings, "dynamodb") as (faults, client):
        yield faults, replace(vault, records=Records(client, settings.table))


async def to_its_end(vault: Vault, actor: Actor, begun: Upload, data: bytes) -> None:
    """As a client goes on: ask for the offset, send the rest, and find all of it stored and paid for."""
    now = await upload.find(vault, actor, begun.id)
    if now.status is UploadStatus.RECEIVING:
        at = now.progress.offset_bytes
        now = await upload.receive(vault, actor, begun.id, at, stream(data[at:]), length_bytes=len(data))
    assert now.status is UploadStatus.DONE
    found = await process.load(vault, begun.target.file_id, 1)
    assert found is not None
    pieces = [piece async for piece in opening.whole(vault, found[1].version.id, found[1].body)]
    assert b"".join(pieces) == data
    storage = (await account.viewer(vault, actor.user_id)).storage
    assert storage == Storage(vault.settings.default_quota_bytes, live_bytes=len(data))


@pytest.mark.parametrize("passed", [0, 1, 2], ids=["lease", "bytes", "store"])
@pytest.mark.parametrize("told", [True, False], ids=["known length", "length told late"])
@pytest.mark.parametrize("fault", [lost, aws_error("InternalServerError", 500)], ids=["answer lost", "not written"])
async def test_an_upload_goes_on_after_any_of_its_writes_failed(
    faulty_vault: tuple[Faults, Vault], vault: Vault, alice: Actor, passed: int, told: bool, fault: object
) -> None:
    """Each write may be done, though we are told that it failed."""
    faults, failing = faulty_vault
    data = os.urandom(70_000)
    begun = await upload.begin(vault, alice, Wanted(name="goes on", size_bytes=len(data) if told else None))
    faults.plan("TransactWriteItems", fault, times=1, after=passed)
    try:
        await upload.receive(failing, alice, begun.id, 0, stream(data if told else data[:40_000]))
    except VaultError as error:
        assert error.code is Code.UNAVAILABLE
    await _free(vault, begun)
    await to_its_end(vault, alice, begun, data)


async def _free(vault: Vault, begun: Upload) -> None:
    """As after the time of a lease that nobody gave back."""
    item = await vault.records.item(table.upload(begun.id))
    assert item is not None
    now = upload_items.upload_from(item)
    if now.status is UploadStatus.RECEIVING and now.lease_until is not None:
        await vault.commit([changes.replace_upload(replace(now, lease_until=None))])


async def test_a_sender_whose_parts_are_dropped_meanwhile_is_told(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    """What S3 says of parts that were given up is no mistake of ours."""
    data = os.urandom(9 * 2**20)
    begun = await upload.begin(vault, alice, Wanted(name="given up", size_bytes=len(data)))
    async with faulty(settings, "s3") as (faults, client):
        faults.plan("UploadPart", s3_error("NoSuchUpload", 404))
        failing = replace(vault, blobs=Blobs(client, settings.bucket))
        with pytest.raises(VaultError) as caught:
            await upload.receive(failing, alice, begun.id, 0, stream(data))
    assert caught.value.code is Code.UPLOAD_GONE


async def test_an_upload_goes_on_after_the_store_failed(vault: Vault, settings: Settings, alice: Actor) -> None:
    data = os.urandom(9 * 2**20)
    begun = await upload.begin(vault, alice, Wanted(name="store fails", size_bytes=len(data)))
    async with faulty(settings, "s3") as (faults, client):
        failing = replace(vault, blobs=Blobs(client, settings.bucket))
        for operation in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"):
            faults.plan(operation, s3_error("SlowDown", 503), times=1)
            at = (await upload.find(vault, alice, begun.id)).progress.offset_bytes
            with pytest.raises(VaultError) as caught:
                await upload.receive(failing, alice, begun.id, at, stream(data[at:]))
            assert caught.value.code is Code.UNAVAILABLE
    # All the bytes are there now: whoever asks next stores them.
    await to_its_end(vault, alice, begun, data)
