"""Uploads by the actions themselves: what is stored, what is set aside, what is refused."""

import asyncio
import hashlib
import os
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from vaultstream import sealed, table
from vaultstream.actions import account, browse, opening, process, upload
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.checksums import Algorithm, Checksum
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.uploads import Upload, UploadStatus
from vaultstream.users import Storage

PART_BYTES = sealed.PART_FRAMES * sealed.FRAME_BYTES


async def stream(data: bytes, chunk: int = 60_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), chunk):
        yield data[at : at + chunk]


async def cut_after(data: bytes, count: int) -> AsyncIterator[bytes]:
    yield data[:count]


async def store(vault: Vault, actor: Actor, data: bytes, name: str = "a.bin") -> Upload:
    begun = await upload.begin(vault, actor, Wanted(name=name, size_bytes=len(data)))
    return await upload.receive(vault, actor, begun.id, 0, stream(data)) if data else begun


async def read(vault: Vault, actor: Actor, done: Upload) -> bytes:
    found = await process.load(vault, done.target.file_id, done.version_number)
    assert found is not None
    _, stored = found
    pieces = [piece async for piece in opening.whole(vault, stored.version.id, stored.body)]
    return b"".join(pieces)


async def storage(vault: Vault, actor: Actor) -> Storage:
    return (await account.viewer(vault, actor.user_id)).storage


async def refusal(awaitable: object) -> Code:
    with pytest.raises(VaultError) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value.code


@pytest.mark.parametrize(
    "size",
    [
        0,
        1,
        sealed.FRAME_BYTES - 1,
        sealed.FRAME_BYTES,
        3 * sealed.FRAME_BYTES,
        200_001,
        PART_BYTES,
        PART_BYTES + 1,
    ],
)
async def test_what_was_sent_comes_back(vault: Vault, alice: Actor, size: int) -> None:
    data = os.urandom(size)
    done = await store(vault, alice, data)
    assert done.status is UploadStatus.DONE
    assert await read(vault, alice, done) == data
    assert (await storage(vault, alice)).live_bytes == size
    assert (await storage(vault, alice)).reserved_bytes == 0


async def test_bytes_in_many_requests_make_one_version(vault: Vault, alice: Actor) -> None:
    data, rng = os.urandom(2 * PART_BYTES + 12_345), random.Random(1)
    now = await upload.begin(vault, alice, Wanted(name="b.bin", size_bytes=len(data)))
    while now.status is UploadStatus.RECEIVING:
        at = now.progress.offset_bytes
        now = await upload.receive(vault, alice, now.id, at, stream(data[at : at + rng.randint(1, 9_000_000)]))
    assert now.status is UploadStatus.DONE
    assert now.epoch > 0
    assert await read(vault, alice, now) == data


async def test_a_request_that_ends_with_a_part_leaves_no_tail(vault: Vault, alice: Actor) -> None:
    data = os.urandom(3 * PART_BYTES)
    now = await upload.begin(vault, alice, Wanted(name="parts.bin", size_bytes=len(data)))
    tails = []
    for stop in (PART_BYTES, PART_BYTES + 70_000, 2 * PART_BYTES, 2 * PART_BYTES, 3 * PART_BYTES):
        at = now.progress.offset_bytes
        now = await upload.receive(vault, alice, now.id, at, stream(data[at:stop]))
        tails.append(now.progress.tail_epoch)
    assert tails == [None, 1, None, None, None]
    assert now.status is UploadStatus.DONE
    assert await vault.blobs.size(f"tails/{now.id}/1") is None
    assert await read(vault, alice, now) == data


async def test_nothing_that_was_sent_is_in_the_store_in_clear(vault: Vault, alice: Actor) -> None:
    data = b"a secret that nobody may see" * 5_000
    begun = await upload.begin(vault, alice, Wanted(name="c.bin", size_bytes=len(data)))
    half = await upload.receive(vault, alice, begun.id, 0, cut_after(data, 70_000))
    tail = await vault.blobs.whole(f"tails/{half.id}/0")
    done = await upload.receive(vault, alice, begun.id, 70_000, stream(data[70_000:]))
    body = await vault.blobs.whole(done.progress.object_key or "")
    assert b"secret" not in tail + body
    assert await read(vault, alice, done) == data


async def test_a_length_can_be_told_later(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="d.bin"))
    some = await upload.receive(vault, alice, begun.id, 0, stream(b"x" * 100_000))
    assert (await storage(vault, alice)).reserved_bytes == 100_000
    done = await upload.receive(vault, alice, some.id, 100_000, stream(b"y"), length_bytes=100_001)
    assert done.status is UploadStatus.DONE
    assert await storage(vault, alice) == Storage((await storage(vault, alice)).quota_bytes, live_bytes=100_001)


async def test_a_wrong_offset_changes_nothing(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="e.bin", size_bytes=10))
    assert await refusal(upload.receive(vault, alice, begun.id, 3, stream(b"abc"))) is Code.OFFSET_MISMATCH
    assert (await upload.find(vault, alice, begun.id)).progress.offset_bytes == 0


async def test_more_than_was_told_is_refused_and_the_rest_still_fits(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="f.bin", size_bytes=10))
    assert await refusal(upload.receive(vault, alice, begun.id, 0, stream(b"x" * 11))) is Code.TOO_LARGE
    done = await upload.receive(vault, alice, begun.id, 0, stream(b"x" * 10))
    assert done.status is UploadStatus.DONE


async def test_a_checksum_that_does_not_match_keeps_nothing(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="g.bin", size_bytes=5))
    wrong = Checksum(Algorithm.SHA256, hashlib.sha256(b"other").digest())
    sent = upload.receive(vault, alice, begun.id, 0, stream(b"right"), checksum=wrong)
    assert await refusal(sent) is Code.CHECKSUM_MISMATCH
    right = Checksum(Algorithm.SHA256, hashlib.sha256(b"right").digest())
    done = await upload.receive(vault, alice, begun.id, 0, stream(b"right"), checksum=right)
    assert await read(vault, alice, done) == b"right"


async def test_a_declared_digest_that_does_not_match_stores_nothing(vault: Vault, alice: Actor) -> None:
    digest = hashlib.sha256(b"other").hexdigest()
    begun = await upload.begin(vault, alice, Wanted(name="h.bin", size_bytes=5, sha256=digest))
    assert await refusal(upload.receive(vault, alice, begun.id, 0, stream(b"right"))) is Code.CHECKSUM_MISMATCH


async def test_a_name_is_kept_from_the_moment_the_upload_begins(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="Report.PDF", size_bytes=5))
    again = upload.begin(vault, alice, Wanted(name="report.pdf", size_bytes=5))
    assert await refusal(again) is Code.NAME_TAKEN
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    (page,) = await browse.folder_pages(vault, alice, [FolderPageKey(root, 10)])
    assert page is not None
    assert page.children == ()
    await upload.abort(vault, alice, begun.id)
    assert (await upload.begin(vault, alice, Wanted(name="report.pdf", size_bytes=5))).id != begun.id


async def test_an_aborted_upload_gives_its_quota_back_and_takes_no_more(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="i.bin", size_bytes=500))
    assert (await storage(vault, alice)).reserved_bytes == 500
    await upload.receive(vault, alice, begun.id, 0, stream(b"x" * 100))
    await upload.abort(vault, alice, begun.id)
    await upload.abort(vault, alice, begun.id)
    assert (await storage(vault, alice)).reserved_bytes == 0
    assert await vault.blobs.size(f"tails/{begun.id}/0") is None
    assert await refusal(upload.receive(vault, alice, begun.id, 100, stream(b"x"))) is Code.UPLOAD_GONE


async def test_what_the_quota_cannot_hold_is_refused_before_a_byte_comes(vault: Vault, alice: Actor) -> None:
    left = (await storage(vault, alice)).left_bytes
    sizes = Wanted(name="j.bin", size_bytes=vault.settings.upload_bytes_max)
    begun = await upload.begin(vault, alice, sizes)
    assert left - vault.settings.upload_bytes_max == (await storage(vault, alice)).left_bytes
    await upload.begin(vault, alice, Wanted(name="k.bin", size_bytes=vault.settings.upload_bytes_max))
    third = upload.begin(vault, alice, Wanted(name="l.bin", size_bytes=1))
    assert await refusal(third) is Code.QUOTA_EXCEEDED
    assert await refusal(upload.find(vault, alice, "upload_01KA0000000000000000000000")) is Code.NOT_FOUND  # type: ignore[arg-type]
    assert begun.status is UploadStatus.RECEIVING


async def test_a_stranger_finds_no_upload(vault: Vault, alice: Actor, bob: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="m.bin", size_bytes=5))
    assert await refusal(upload.find(vault, bob, begun.id)) is Code.NOT_FOUND
    assert await refusal(upload.receive(vault, bob, begun.id, 0, stream(b"x"))) is Code.NOT_FOUND
    assert await refusal(upload.abort(vault, bob, begun.id)) is Code.NOT_FOUND
    done = await store(vault, alice, b"mine", name="n.bin")
    assert await refusal(upload.begin(vault, bob, Wanted(file_id=done.target.file_id, size_bytes=1))) is Code.NOT_FOUND


async def test_a_new_version_replaces_the_shown_one_and_keeps_the_old(vault: Vault, alice: Actor) -> None:
    first = await store(vault, alice, b"one", name="o.txt")
    begun = await upload.begin(vault, alice, Wanted(file_id=first.target.file_id, size_bytes=5))
    second = await upload.receive(vault, alice, begun.id, 0, stream(b"three"))
    assert (first.version_number, second.version_number) == (1, 2)
    assert await read(vault, alice, first) == b"one"
    assert await read(vault, alice, second) == b"three"
    usage = await storage(vault, alice)
    assert (usage.live_bytes, usage.version_bytes) == (5, 3)
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    (page,) = await browse.folder_pages(vault, alice, [FolderPageKey(root, 10)])
    assert page is not None
    assert [child.current.number for child in page.children if isinstance(child, File)] == [2]


async def test_the_same_idempotency_key_begins_one_upload(vault: Vault, alice: Actor) -> None:
    wanted = Wanted(name="p.bin", size_bytes=5, idempotency_key="key-1")
    first = await upload.begin(vault, alice, wanted)
    assert (await upload.begin(vault, alice, wanted)).id == first.id
    other = Wanted(name="q.bin", size_bytes=5, idempotency_key="key-1")
    assert await refusal(upload.begin(vault, alice, other)) is Code.CONFLICT


async def test_a_repeated_begin_has_its_answer_when_the_file_is_long_stored(vault: Vault, alice: Actor) -> None:
    wanted = Wanted(name="empty.bin", size_bytes=0, idempotency_key="key-2")
    first = await upload.begin(vault, alice, wanted)
    assert first.status is UploadStatus.DONE
    assert (await upload.begin(vault, alice, wanted)).id == first.id


async def test_two_who_send_at_once_never_both_count(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="r.bin", size_bytes=200_000))
    sends = [upload.receive(vault, alice, begun.id, 0, stream(bytes([n]) * 200_000)) for n in range(5)]
    results = await asyncio.gather(*sends, return_exceptions=True)
    done = [each for each in results if isinstance(each, Upload)]
    assert len(done) == 1
    assert all(isinstance(each, (Upload, VaultError)) for each in results)
    assert len(set(await read(vault, alice, done[0]))) == 1


async def test_an_upload_that_fell_due_is_given_up_or_stored(vault: Vault, alice: Actor) -> None:
    begun = await upload.begin(vault, alice, Wanted(name="s.bin", size_bytes=5))
    gone = await upload.expire(vault, begun)
    assert gone.status is UploadStatus.ABORTED
    assert await storage(vault, alice) == Storage((await storage(vault, alice)).quota_bytes)


async def test_a_version_is_due_for_a_scan_until_it_has_one(vault: Vault, alice: Actor) -> None:
    done = await store(vault, alice, b"x", name="t.bin")
    found = await process.load(vault, done.target.file_id, 1)
    assert found is not None
    version = found[1].version
    later = vault.now() + timedelta(minutes=5)
    due = [item for shard in table.due_shards("VERSION") for item in await vault.records.due(shard, later, 50)]
    assert version.id in {item["shown"]["id"] for item in due}
