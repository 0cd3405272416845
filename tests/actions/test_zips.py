"""Zips of what may be had: each file at its turn, each refusal told, each download recorded, and no more in memory."""

import io
import zipfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from faults import faulty, refused

from tests.actions.growing import stored
from tests.actions.sharing_world import Tree, give, make_link, refusal, tree
from vaultstream import table
from vaultstream.actions import account, link, organize, packing, process, reach, share, token, trash, visit, zips
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.blobs import READ_BYTES, Blobs
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code
from vaultstream.events import Event, EventName
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId, LinkId, TokenId, UserId
from vaultstream.tokens import Scope
from vaultstream.versions import ScanStatus

HERE = Origin("request", "127.0.0.1", "tests")
CLEAN = ScanStatus.CLEAN
SIZE = 2 * READ_BYTES + 99  # more than one piece


@pytest.fixture
async def its(vault: Vault, alice: Actor) -> Tree:
    return await tree(vault, alice)


async def pieces_of(vault: Vault, url: str) -> AsyncGenerator[bytes, None]:
    """What the address gives, by the way that the door takes."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    wanted: list[ItemId] = list(asked["items"].split(","))  # type: ignore[arg-type]  # ids, as they were signed
    if "link" in asked:
        opened = await visit.opened_zip(vault, LinkId(asked["link"]), HERE, wanted, asked["name"])
    else:
        token_id = TokenId(asked["token"]) if "token" in asked else None
        opened = await zips.open(vault, HERE, UserId(asked["for"]), token_id, wanted, asked["name"])
    return opened.read()


async def taken(vault: Vault, url: str) -> dict[str, bytes]:
    """Every file of the zip, and every folder with its slash."""
    return read([piece async for piece in await pieces_of(vault, url)])


def read(pieces: list[bytes]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as found:
        assert found.testzip() is None
        return {info.filename: found.read(info) for info in found.infolist()}


async def told(vault: Vault, *names: EventName) -> list[Event]:
    shards = [await vault.records.undelivered(shard, "9", 1000) for shard in table.outbox_shards()]
    return sorted((one for shard in shards for one in shard if one.name in names), key=lambda one: one.id)


async def begun(vault: Vault, *files: File) -> int:
    """How many downloads of these files were recorded."""
    ids = {file.id for file in files}
    return len([one for one in await told(vault, EventName.DOWNLOAD_BEGUN) if one.item_id in ids])


async def damage(vault: Vault, file: File, at: int) -> None:
    """One bit of the stored object turns over."""
    found = await process.load(vault, file.id, None)
    assert found is not None
    key = found[1].body.object_key
    kept = bytearray(await vault.blobs.whole(key))
    kept[at] ^= 1
    await vault.blobs.put(key, bytes(kept))


async def test_a_tree_comes_with_all_that_it_holds_under_names_that_unpack_anywhere(vault, alice, its: Tree):
    await organize.create_folder(vault, alice, its.inner.id, "empty")
    for name in ("日本.txt", "a?b", "a*b", "CON.txt", "nothing"):
        await stored(vault, alice, its.inner.id, name, name.encode() * (name != "nothing"), scan=CLEAN)
    made = await zips.link(vault, alice, [its.outer.id])
    assert await taken(vault, made.url) == {
        "outer/": b"",
        "outer/inner/": b"",
        "outer/inner/_CON.txt": b"CON.txt",
        "outer/inner/a_b": b"a*b",
        "outer/inner/a_b (2)": b"a?b",
        "outer/inner/empty/": b"",
        "outer/inner/note.txt": b"hello",
        "outer/inner/nothing": b"",
        "outer/inner/日本.txt": "日本.txt".encode(),
    }


async def test_a_choice_lies_side_by_side_and_the_same_name_twice_is_numbered(vault, alice, its: Tree):
    other = await tree(vault, alice, "other")
    skipped = await stored(vault, alice, its.outer.id, "SKIPPED.txt", b"mine", scan=CLEAN)
    chosen = [its.file.id, other.file.id, skipped.id, other.inner.id, its.file.id]
    assert await taken(vault, (await zips.link(vault, alice, chosen)).url) == {
        "note.txt": b"hello",
        "note (2).txt": b"hello",
        "SKIPPED (2).txt": b"mine",
        "inner/": b"",
        "inner/note.txt": b"hello",
    }


async def test_a_top_folder_has_no_name_and_comes_as_what_it_holds(vault, alice, its: Tree):
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    found = await taken(vault, (await zips.link(vault, alice, [root])).url)
    assert list(found) == ["outer/", "outer/inner/", "outer/inner/note.txt"]


async def test_times_are_those_of_the_vault(vault, alice, its: Tree):
    pieces = [piece async for piece in await pieces_of(vault, (await zips.link(vault, alice, [its.file.id])).url)]
    (info,) = zipfile.ZipFile(io.BytesIO(b"".join(pieces))).infolist()
    at = its.file.updated_at
    assert info.date_time == (at.year, at.month, at.day, at.hour, at.minute, at.second // 2 * 2)


async def test_what_cannot_be_had_is_named_with_its_reason(vault, alice, its: Tree):
    bad = await stored(vault, alice, its.inner.id, "bad", b"x", scan=ScanStatus.INFECTED)
    await stored(vault, alice, its.inner.id, "new", b"x")
    broken = await stored(vault, alice, its.inner.id, "broken", b"broken", scan=CLEAN)
    gone = await stored(vault, alice, its.outer.id, "gone", b"x", scan=CLEAN)
    await damage(vault, broken, -1)
    made = await zips.link(vault, alice, [gone.id, its.outer.id])
    await trash.throw_away(vault, alice, gone.id)
    found = await taken(vault, made.url)
    assert list(found) == ["outer/", "outer/inner/", "outer/inner/note.txt", "SKIPPED.txt"]
    lines = found["SKIPPED.txt"].decode().splitlines()
    assert [line.partition(":")[0] for line in lines[2:]] == [
        gone.id,
        "outer/inner/bad",
        "outer/inner/broken",
        "outer/inner/new",
    ]
    assert ["trash" in lines[2], "infected" in lines[3], "damaged" in lines[4], "scanned" in lines[5]] == [True] * 4
    assert await begun(vault, its.file) == 1
    assert await begun(vault, bad, broken, gone) == 0


async def test_damage_behind_the_first_piece_ends_the_zip_so_that_nothing_short_looks_whole(vault, alice, its: Tree):
    large = await stored(vault, alice, its.inner.id, "large", bytes(SIZE), scan=CLEAN)
    await damage(vault, large, -1)
    came: list[bytes] = []

    async def taking() -> None:
        nonlocal came
        made = await zips.link(vault, alice, [its.outer.id])
        async for piece in await pieces_of(vault, made.url):
            came += [piece]

    assert (await refusal(taking()))[0] is Code.UNREADABLE
    assert sum(map(len, came)) > READ_BYTES // 2
    with pytest.raises(zipfile.BadZipFile):
        read(came)


async def test_a_store_that_cannot_be_reached_ends_the_zip_too(vault, settings, alice, its: Tree):
    made = await zips.link(vault, alice, [its.outer.id])
    async with faulty(settings, "s3") as (faults, client):
        faults.plan("GetObject", refused)
        pieces = await pieces_of(replace(vault, blobs=Blobs(client, settings.bucket)), made.url)
        assert (await refusal(_all(pieces)))[0] is Code.UNAVAILABLE


async def _all(pieces: AsyncGenerator[bytes, None]) -> list[bytes]:
    return [piece async for piece in pieces]


async def test_a_stranger_gets_no_address_and_nobody_gets_more_than_they_may(vault, alice, bob, its: Tree):
    for chosen in ([its.file.id], [its.outer.id]):
        assert await refusal(zips.link(vault, bob, chosen)) == (Code.NOT_FOUND, ("itemIds",))
    await give(vault, alice, its.inner.id, bob)
    for chosen in ([its.inner.id, its.outer.id], [its.outer.id]):
        assert await refusal(zips.link(vault, bob, chosen)) == (Code.NOT_FOUND, ("itemIds",))
    found = await taken(vault, (await zips.link(vault, bob, [its.inner.id])).url)
    assert found == {"inner/": b"", "inner/note.txt": b"hello"}
    await trash.throw_away(vault, alice, its.inner.id)
    assert (await refusal(zips.link(vault, alice, [its.inner.id])))[0] is Code.FORBIDDEN


async def test_who_has_lost_all_of_it_gets_no_zip(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.outer.id, bob)
    made = await zips.link(vault, bob, [its.inner.id, its.file.id])
    await share.revoke(vault, alice, given.id)
    assert (await refusal(pieces_of(vault, made.url)))[0] is Code.NOT_FOUND


async def test_a_share_that_is_taken_back_ends_what_it_gave_before_the_next_file(vault, alice, bob, its: Tree):
    last = await stored(vault, alice, its.inner.id, "z", b"secret by now", scan=CLEAN)
    await organize.create_folder(vault, alice, its.outer.id, "later")
    given = await give(vault, alice, its.outer.id, bob)
    pieces = await pieces_of(vault, (await zips.link(vault, bob, [its.outer.id])).url)
    came = []
    async for piece in pieces:
        came.append(piece)
        if b"hello" in b"".join(came):
            break
    await share.revoke(vault, alice, given.id)
    found = read([*came, *[piece async for piece in pieces]])
    assert list(found) == ["outer/", "outer/inner/", "outer/inner/note.txt", "outer/later/", "SKIPPED.txt"]
    lines = found["SKIPPED.txt"].decode().splitlines()[2:]
    assert [line.partition(":")[0] for line in lines] == ["outer/inner/z", "outer/later/"]
    assert await begun(vault, last) == 0


async def test_each_file_is_recorded_before_its_first_byte_and_none_before_its_turn(vault, alice, its: Tree):
    files = [its.file, *[await stored(vault, alice, its.inner.id, f"z{n}", b"z", scan=CLEAN) for n in range(3)]]
    made = await zips.link(vault, alice, [its.outer.id])
    linked = [one for one in await told(vault, EventName.DOWNLOAD_LINKED) if one.item_id == its.outer.id]
    assert [(one.subject, one.details) for one in linked] == [(alice.user_id, {"zipped": True})]
    counts = [[await begun(vault, file) for file in files] async for _ in await pieces_of(vault, made.url)]
    assert counts[:2] == [[0] * 4] * 2  # the folders
    assert counts[2] == [1, 0, 0, 0]
    assert counts[-1] == [1] * 4
    assert all(row == sorted(row, reverse=True) for row in counts)


async def test_nothing_is_read_ahead_of_its_reader(vault, alice, its: Tree):
    """What was asked of the vault grows with what was taken, in a tree of any size."""
    asked: list[str] = []
    page = packing.FolderPage(its.inner, (its.file,) * 100, ("c",) * 100, has_next=True)

    async def pages(folder_id: FolderId, after: str | None) -> packing.FolderPage:
        asked.append("page")
        return page

    async def content(_: object) -> packing.Content:
        async def reading(start: int, stop: int) -> AsyncGenerator[bytes, None]:
            for _ in range(4):
                asked.append("piece")
                yield bytes(100_000)

        async def record(start: int, stop: int) -> None:
            pass

        return packing.Content("x", "text/plain", 400_000, "", its.file.updated_at, reading, record)

    async def item(_: ItemId) -> object:
        return its.inner

    source = packing.Source(item, pages, content)  # type: ignore[arg-type]  # the folder, whatever is asked for
    async with aclosing(packing.packed(source, [its.inner.id], vault.now())) as zipped:
        for taken_pieces in range(1, 700):
            assert len(await anext(zipped)) < 300_000
            assert asked.count("piece") <= taken_pieces
            assert asked.count("page") <= 1 + taken_pieces // 400
    assert asked.count("piece") > 500


async def test_a_zip_that_is_full_says_so(vault, alice, its: Tree, monkeypatch):
    monkeypatch.setattr(packing, "ENTRIES_MAX", 4)
    for name in "abc":
        await stored(vault, alice, its.inner.id, name, name.encode(), scan=CLEAN)
    found = await taken(vault, (await zips.link(vault, alice, [its.outer.id])).url)
    assert list(found) == ["outer/", "outer/inner/", "outer/inner/a", "outer/inner/b", "SKIPPED.txt"]
    assert b"files and folders at most" in found["SKIPPED.txt"]


async def test_a_path_that_not_every_system_has_room_for_is_left_out(vault, alice, its: Tree):
    folder = its.inner.id
    for _ in range(4):
        folder = (await organize.create_folder(vault, alice, folder, "x" * 240)).id
    await stored(vault, alice, folder, "y" * 60, b"deep", scan=CLEAN)
    found = await taken(vault, (await zips.link(vault, alice, [its.outer.id])).url)
    assert max(len(path) for path in found) < 1024
    assert b"y: Its path would be longer" in found["SKIPPED.txt"]


@pytest.mark.parametrize(
    ("count", "name", "path"),
    [(0, None, "itemIds"), (101, None, "itemIds"), (1, "a/b", "name"), (1, "", "name"), (1, "x" * 256, "name")],
)
async def test_an_unlawful_choice_is_refused(vault, alice, its: Tree, count: int, name, path: str):
    chosen = [FolderId(vault.new_id("folder")) for _ in range(count - 1)] + [its.outer.id] * (count > 0)
    assert await refusal(zips.link(vault, alice, chosen, name)) == (Code.INVALID, (path,))


async def test_the_longest_address_is_one_that_cloudfront_takes(vault, alice, its: Tree):
    chosen = [(await organize.create_folder(vault, alice, its.inner.id, f"{n}")).id for n in range(100)]
    made = await zips.link(vault, alice, chosen, "😀" * 245)
    assert len(made.url) <= 8192
    assert len([name for name in await taken(vault, made.url) if name.endswith("/")]) == 100


async def test_a_link_to_a_folder_gives_a_zip_that_counts_as_one_download(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.outer.id, max_downloads=1)
    assert made.token is not None
    url = await visit.ticket(vault, HERE, made.token, None, its.inner.id)
    for _ in range(2):
        assert await taken(vault, url) == {"inner/": b"", "inner/note.txt": b"hello"}
    assert (await link.find(vault, alice, made.link.id)).downloads == 1
    assert (await refusal(visit.ticket(vault, HERE, made.token, None, None)))[0] is Code.EXPIRED
    ours = [one for one in await told(vault, *EventName) if one.subject == made.link.id]
    assert [(one.name, one.item_id) for one in ours] == [
        (EventName.DOWNLOAD_LINKED, its.inner.id),
        (EventName.DOWNLOAD_BEGUN, its.file.id),
        (EventName.DOWNLOAD_BEGUN, its.file.id),
    ]


async def test_a_link_for_viewing_or_one_that_is_over_gives_no_zip(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.outer.id, view_only=True)
    assert (await refusal(visit.ticket(vault, HERE, made.token or "", None, None)))[0] is Code.FORBIDDEN
    made = await make_link(vault, alice, its.outer.id)
    url = await visit.ticket(vault, HERE, made.token or "", None, None)
    pieces = await pieces_of(vault, url)
    came = [await anext(pieces), await anext(pieces)]
    await link.revoke(vault, alice, made.link.id)
    found = read([*came, *[piece async for piece in pieces]])
    assert list(found) == ["outer/", "outer/inner/", "SKIPPED.txt"]
    assert (await refusal(pieces_of(vault, url)))[0] is Code.NOT_FOUND


async def test_a_link_leads_to_nothing_beside_it(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.inner.id)
    opened = visit.opened_zip(vault, made.link.id, HERE, [its.outer.id], "x.zip")
    assert (await refusal(opened))[0] is Code.NOT_FOUND


async def test_a_token_takes_no_more_into_a_zip_than_it_reaches_and_only_until_it_is_over(vault, alice, its: Tree):
    wanted = token.Wanted("builds", [Scope.READ], vault.now() + timedelta(days=1), its.inner.id)
    made = (await token.create(vault, alice, wanted)).token
    program = replace(alice, grant=made.grant)
    assert await refusal(zips.link(vault, program, [its.outer.id])) == (Code.NOT_FOUND, ("itemIds",))
    url = (await zips.link(vault, program, [its.inner.id])).url
    assert await taken(vault, url) == {"inner/": b"", "inner/note.txt": b"hello"}
    pieces = await pieces_of(vault, url)
    came = [await anext(pieces)]
    await token.revoke(vault, alice, made.id)
    assert list(read([*came, *[piece async for piece in pieces]])) == ["inner/", "SKIPPED.txt"]
    assert (await refusal(pieces_of(vault, url)))[0] is Code.NOT_FOUND


async def test_the_deepest_tree_there_can_be_is_walked_to_its_end(vault, alice, its: Tree):
    depth = reach.DEPTH_MAX
    chain = [replace(its.inner, id=FolderId(f"{n}"), name="d") for n in range(depth)]

    async def item(_: ItemId) -> Folder:
        return chain[0]

    async def page(folder_id: FolderId, after: str | None) -> packing.FolderPage:
        below = chain[int(folder_id) + 1 :][:1]
        return packing.FolderPage(chain[int(folder_id)], (*below,), ("c",) * len(below), has_next=False)

    source = packing.Source(item, page, None)  # type: ignore[arg-type]  # there are no files
    found = read([piece async for piece in packing.packed(source, [chain[0].id], vault.now())])
    assert list(found) == ["d/" * (n + 1) for n in range(depth)]
