"""After a purge nothing of what was purged is anywhere: not in the table, not in S3, not in the search index."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from clocks import moved
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from tests.actions.growing import scanned, stored, stream
from tests.actions.sharing_world import give, make_link, refusal
from vaultstream import table
from vaultstream.actions import account, comment, indexing, link, organize, purge, reconcile, trash, upload, visit
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code
from vaultstream.ids import FileId, FolderId, ItemId
from vaultstream.trash import Purge
from vaultstream.users import Storage
from vaultstream.versions import ScanStatus
from vaultstream.workers import sweep

TRIED = tried(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
# What lasts as long as it says itself, whatever becomes of its item: what an upload came to, what a key has answered.
# Neither has a key that opens anything.
PASSING = ("UPLOAD#", "ONCE#")
Items = dict[tuple[str, str], dict[str, Any]]  # Any: DynamoDB's own shapes


async def items_of(vault: Vault) -> Items:
    """Every item of the table but what waits in the outbox, which is on its way to the audit log."""
    client, found = vault.records._client, {}  # no action reads all of the table
    async for page in client.get_paginator("scan").paginate(TableName=vault.settings.table, ConsistentRead=True):
        for item in page["Items"]:
            key = (item[table.PK]["S"], item[table.SK]["S"])
            if not key[0].startswith(table.OUTBOX):
                found[key] = item
    return found


async def objects_of(vault: Vault) -> set[str]:
    """The key of every object of the bucket."""
    client = vault.blobs._client  # as above
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=vault.settings.bucket)
    return {each["Key"] async for page in pages for each in page.get("Contents", [])}


def mentioning(items: Items, words: set[str]) -> Iterator[tuple[str, str]]:
    """The keys of the items in which one of these words is, anywhere."""
    for key, item in items.items():
        text = f"{key} {item}"
        if any(word in text for word in words):
            yield key


@dataclass
class Grown:
    """What was made, and every word by which it could still be found."""

    root: FolderId
    top: ItemId
    words: set[str] = field(default_factory=set)
    files: list[FileId] = field(default_factory=list)
    folders: list[FolderId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What hangs below a folder that is purged."""

    levels: int
    files: int
    versions: int
    comments: int
    shared: bool
    thrown_away_before: int  # so many of the files were thrown away by themselves, before the folder was


PLANS = st.builds(
    Plan,
    levels=st.integers(1, 4),
    files=st.integers(0, 3),
    versions=st.integers(0, 2),
    comments=st.integers(0, 3),
    shared=st.booleans(),
    thrown_away_before=st.integers(0, 2),
)


async def grow(vault: Vault, owner: Actor, other: Actor, plan: Plan) -> Grown:
    """Folders one in another, in the deepest the files, with all that a file or folder can have beside it."""
    root = (await account.viewer(vault, owner.user_id)).root_folder_id
    above, made = root, Grown(root, root)
    for level in range(plan.levels):
        folder = await organize.create_folder(vault, owner, above, f"level {level}", idempotency_key=f"{root} {level}")
        above = folder.id
        made.folders.append(above)
    made.top = made.folders[0]
    for number in range(plan.files):
        made.files.append(await grow_file(vault, owner, above, f"file {number}", plan))
    for item_id in (*made.folders, *made.files) if plan.shared else ():
        await share_out(vault, owner, other, item_id, made.words)
    made.words |= {*made.folders, *made.files}
    await indexing.refresh(vault, [*made.folders, *made.files])
    return made


async def grow_file(vault: Vault, owner: Actor, folder_id: FolderId, name: str, plan: Plan) -> FileId:
    file = await stored(vault, owner, folder_id, name, b"first", scan=ScanStatus.CLEAN)
    for number in range(plan.versions):
        begun = await upload.begin(vault, owner, Wanted(file_id=file.id, size_bytes=10 + number))
        await upload.receive(vault, owner, begun.id, 0, stream(b"x" * (10 + number)))
    if plan.versions:
        await scanned(vault, file.id, ScanStatus.INFECTED, b"x")
    said = None
    for number in range(plan.comments):
        reply_to = said.id if said and number % 2 else None
        said = await comment.add(vault, owner, file.id, f"words {number}", reply_to_id=reply_to)
    return file.id


async def share_out(vault: Vault, owner: Actor, other: Actor, item_id: ItemId, words: set[str]) -> None:
    """A share, a link whose password somebody has guessed at, and one that was revoked."""
    await give(vault, owner, item_id, other)
    made = await make_link(vault, owner, item_id, password="a long password")
    assert (await refusal(visit.visit(vault, owner.origin, made.token or "", "wrong")))[0] is Code.FORBIDDEN
    revoked = await make_link(vault, owner, item_id)
    await link.revoke(vault, owner, revoked.link.id)
    words |= {made.link.token_sha256, revoked.link.token_sha256}


async def gone_for_good(vault: Vault, owner: Actor, item_id: ItemId) -> None:
    """Purged from the trash, to its end."""
    await purge.begin(vault, owner, item_id)
    assert await purge.proceed(vault, Purge(item_id, owner.user_id, "test"), steps=200)


@TRIED
@given(plan=PLANS)
async def test_a_purge_leaves_nothing(vault: Vault, newcomer: Any, plan: Plan) -> None:
    owner, other = await newcomer(), await newcomer()
    objects, quota = await objects_of(vault), await storage_of(vault, owner)
    made = await grow(vault, owner, other, plan)
    assert len(list(mentioning(await items_of(vault), made.words))) >= plan.levels
    apart = made.files[: plan.thrown_away_before]
    for file_id in apart:
        await trash.throw_away(vault, owner, file_id)
    thrown = (await storage_of(vault, owner)).trash_bytes
    assert thrown == sum(5 + 10 * plan.versions + (plan.versions == 2) for _ in apart)
    await trash.throw_away(vault, owner, made.top)
    await gone_for_good(vault, owner, made.top)
    assert (await storage_of(vault, owner)).trash_bytes == thrown  # what was thrown away by itself is still there
    for file_id in apart:
        assert (await trash.page(vault, owner, 10)).items
        await gone_for_good(vault, owner, file_id)
    await indexing.refresh(vault, [*made.folders, *made.files])

    left = dict(await items_of(vault))
    found = list(mentioning(left, made.words))
    assert [key for key in found if not key[0].startswith(PASSING)] == []
    for key in found:
        assert table.TTL in left[key]
        assert not left[key].get("header", {"B": ""})["B"]  # no key to anything
    assert await objects_of(vault) == objects
    assert await vault.search_index.ids("", 100, owner_id=owner.user_id) == []
    assert await storage_of(vault, owner) == quota


async def storage_of(vault: Vault, owner: Actor) -> Storage:
    """What the counters say, and a count of every byte."""
    reckoning = await reconcile.reckon(vault, owner.user_id)
    assert reckoning is not None
    assert reckoning.counted == reckoning.counters
    return reckoning.counters


async def test_what_was_coming_to_a_purged_place_is_gone_once_its_time_is_over(vault: Vault, alice: Actor) -> None:
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    objects, quota = await objects_of(vault), await storage_of(vault, alice)
    folder = await organize.create_folder(vault, alice, root, "expecting")
    file = await stored(vault, alice, folder.id, "file", b"12345", scan=ScanStatus.CLEAN)
    wanted = [
        Wanted(file_id=file.id, size_bytes=9_000_000),
        Wanted(folder_id=folder.id, name="new", size_bytes=200_000),
    ]
    begun = [await upload.begin(vault, alice, each) for each in wanted]
    await upload.receive(vault, alice, begun[0].id, 0, stream(b"x" * 8_500_000))  # a part and a tail
    await upload.receive(vault, alice, begun[1].id, 0, stream(b"x" * 100_000))  # a tail
    await trash.throw_away(vault, alice, folder.id)
    await gone_for_good(vault, alice, folder.id)
    assert (await storage_of(vault, alice)).reserved_bytes == 9_200_000
    await sweep.handle(moved(vault, seconds=vault.settings.upload_ttl_seconds + 60))
    left = await items_of(vault)
    found = [key for key in mentioning(left, {folder.id, file.id}) if not key[0].startswith("UPLOAD#")]
    assert (found, await objects_of(vault), await storage_of(vault, alice)) == ([], objects, quota)
    for each in begun:
        assert left["UPLOAD#" + each.id, "#UPLOAD"]["header"] == {"B": ""}
        assert await vault.records.due(table.due_shard("UPLOAD", each.id), vault.now() + timedelta(days=99), 9) == []
