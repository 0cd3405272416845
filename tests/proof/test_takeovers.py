"""Who goes on with an upload that another request left takes nothing of it for granted, and leaves nothing of it."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from clocks import moved
from faults import Fault, Faults, aws_error, faulty, held_until, lost, refused

from tests.actions.growing import stream
from tests.actions.sharing_world import refusal
from tests.proof.test_leftovers import objects_of
from vaultstream.actions import account, opening, process, upload
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.blobs import Blobs
from vaultstream.adapters.records import Records
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.settings import Settings
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.users import Storage
from vaultstream.workers import sweep

SMALL, LARGE = 100_000, 9_000_000  # in one object at its end, or in parts from the first eight million bytes on
BROKEN = aws_error("InternalServerError", 500)


@pytest.fixture
async def failing(vault: Vault, settings: Settings) -> AsyncIterator[tuple[Faults, Vault]]:
    """The same vault behind a wire that can fail, on which nothing is asked twice."""
    async with faulty(settings, "dynamodb") as (faults, client):
        yield faults, replace(vault, records=Records(client, settings.table))


async def begun_by(vault: Vault, actor: Actor, size_bytes: int) -> tuple[Upload, bytes]:
    begun = await upload.begin(vault, actor, Wanted(name="taken over", size_bytes=size_bytes))
    return begun, os.urandom(size_bytes)


async def holds(vault: Vault, begun: Upload, data: bytes, before: set[str]) -> None:
    """The file has these bytes, in the only object there is."""
    found = await process.load(vault, begun.target.file_id, 1)
    assert found is not None
    assert b"".join([piece async for piece in opening.whole(vault, found[1].version.id, found[1].body)]) == data
    assert await objects_of(vault) - before == {found[1].body.object_key}


@pytest.mark.parametrize("size_bytes", [SMALL, LARGE])
async def test_what_was_put_and_could_not_be_told_of_does_not_stay(
    vault: Vault, failing: tuple[Faults, Vault], alice: Actor, size_bytes: int
) -> None:
    before = await objects_of(vault)
    begun, data = await begun_by(vault, alice, size_bytes)
    faults, broken = failing
    faults.plan("TransactWriteItems", BROKEN, times=1, after=1)  # the lease is taken; that all has come is not written
    receiving = upload.receive(broken, alice, begun.id, 0, stream(data))
    assert (await refusal(receiving))[0] is Code.UNAVAILABLE
    done = await upload.receive(vault, alice, begun.id, 0, stream(data))
    assert done.status is UploadStatus.DONE
    await holds(vault, begun, data, before)


async def test_what_was_told_of_stays_though_nobody_heard_so(
    vault: Vault, failing: tuple[Faults, Vault], alice: Actor
) -> None:
    before = await objects_of(vault)
    begun, data = await begun_by(vault, alice, SMALL)
    faults, broken = failing
    faults.plan("TransactWriteItems", lost, times=1, after=1)
    receiving = upload.receive(broken, alice, begun.id, 0, stream(data))
    assert (await refusal(receiving))[0] is Code.UNAVAILABLE
    assert (await upload.find(vault, alice, begun.id)).status is UploadStatus.DONE
    await holds(vault, begun, data, before)


async def left_in_the_middle(broken: tuple[Faults, Vault], actor: Actor, begun: Upload, data: bytes) -> None:
    """As by a process that died once all was put, before it could tell of it or give the lease back."""
    faults, vault = broken
    death: Fault = refused
    faults.plan("TransactWriteItems", death, after=1)
    faults.plan("GetItem", death, after=1)
    with pytest.raises(VaultError):
        await upload.receive(vault, actor, begun.id, 0, stream(data))


@pytest.mark.parametrize("size_bytes", [SMALL, LARGE])
async def test_who_takes_over_from_the_dead_removes_what_they_left(
    vault: Vault, failing: tuple[Faults, Vault], alice: Actor, size_bytes: int
) -> None:
    before = await objects_of(vault)
    begun, data = await begun_by(vault, alice, size_bytes)
    await left_in_the_middle(failing, alice, begun, data)
    assert (await refusal(upload.receive(vault, alice, begun.id, 0, stream(data))))[0] is Code.UPLOAD_BUSY
    later = moved(vault, seconds=20)
    done = await upload.receive(later, alice, begun.id, 0, stream(data))
    assert done.status is UploadStatus.DONE
    await holds(vault, begun, data, before)


async def test_what_nobody_takes_over_goes_with_its_time(
    vault: Vault, failing: tuple[Faults, Vault], alice: Actor
) -> None:
    before = await objects_of(vault)
    begun, data = await begun_by(vault, alice, SMALL)
    await left_in_the_middle(failing, alice, begun, data)
    assert len(await objects_of(vault) - before) == 1
    await sweep.handle(moved(vault, seconds=vault.settings.upload_ttl_seconds + 60))
    assert await objects_of(vault) == before
    storage = (await account.viewer(vault, alice.user_id)).storage
    assert storage == Storage(vault.settings.default_quota_bytes)


async def test_what_is_put_after_the_upload_was_given_up_does_not_stay(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    before = await objects_of(vault)
    begun, data = await begun_by(vault, alice, SMALL)
    gate = asyncio.Event()
    async with faulty(settings, "s3") as (faults, client):
        faults.plan("PutObject", held_until(gate), times=1)
        slow = replace(vault, blobs=Blobs(client, settings.bucket))
        receiving = asyncio.create_task(upload.receive(slow, alice, begun.id, 0, stream(data)))
        await faults.called("PutObject")
        assert (await upload.abort(vault, alice, begun.id)).status is UploadStatus.ABORTED
        gate.set()
        assert (await refusal(receiving))[0] is Code.UPLOAD_BUSY
    assert await objects_of(vault) == before


@pytest.mark.parametrize("fault", [BROKEN, lost], ids=["not written", "answer lost"])
@pytest.mark.parametrize("passed", [0, 1, 2, 3], ids=["begin", "lease", "bytes", "store"])
async def test_an_upload_of_no_bytes_is_stored_by_who_asks_again(
    vault: Vault, failing: tuple[Faults, Vault], alice: Actor, passed: int, fault: Fault
) -> None:
    """There is no byte to send by which it could go on, so the same key has to do it."""
    wanted = Wanted(name=f"empty {passed} {fault.__name__}", size_bytes=0, idempotency_key="the same")
    faults, broken = failing
    faults.plan("TransactWriteItems", fault, times=1, after=passed)
    assert (await refusal(upload.begin(broken, alice, wanted)))[0] is Code.UNAVAILABLE
    again = await upload.begin(moved(vault, seconds=20), alice, wanted)
    assert again.status is UploadStatus.DONE
    assert (await upload.begin(vault, alice, wanted)).id == again.id
