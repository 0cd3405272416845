"""Folders and files find their places: renamed, moved, tagged, alone and in races, and refused."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta

import pytest

from tests.actions.growing import now, scanned, stored
from vaultstream import table
from vaultstream.actions import account, arrange, browse, depth, organize, reach
from vaultstream.actions.browse import FolderPageKey
from vaultstream.actor import Actor
from vaultstream.adapters.records import items, sharing_changes
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId
from vaultstream.shares import Role, Share
from vaultstream.versions import ScanStatus

RACERS = 20


async def root(vault: Vault, actor: Actor) -> FolderId:
    return (await account.viewer(vault, actor.user_id)).root_folder_id


async def refusal(awaitable: Awaitable[object]) -> tuple[Code, tuple[str, ...]]:
    with pytest.raises(VaultError) as caught:
        await awaitable
    return caught.value.code, caught.value.path


async def raced(deeds: Sequence[Awaitable[object]]) -> list[object]:
    """What each of the deeds came to, all begun at once: what it made, or the code of its refusal."""
    ended = await asyncio.gather(*deeds, return_exceptions=True)
    for end in ended:
        assert not isinstance(end, BaseException) or isinstance(end, VaultError), end
    return [end.code if isinstance(end, VaultError) else end for end in ended]


async def children(vault: Vault, actor: Actor, folder_id: FolderId) -> list[Folder | File]:
    (page,) = await browse.folder_pages(vault, actor, [FolderPageKey(folder_id, 100)])
    assert page is not None
    return list(page.children)


async def share(
    vault: Vault, item_id: ItemId, owner: Actor, grantee: Actor, role: Role, *, hours: int | None = None
) -> None:
    ends = vault.now() + timedelta(hours=hours) if hours else None
    given = Share(item_id, grantee.user_id, role, owner.user_id, vault.now(), ends)
    await vault.commit([sharing_changes.add_share(given, vault.now())])


async def the_entry_is_the_item(vault: Vault, file: File) -> None:
    entry = await vault.records.item(table.entry(file.parent_id, file.name.casefold()))
    assert entry is not None
    assert items.noun_from(entry) == file == await now(vault, file.id)


class TestAFile:
    async def test_is_renamed_in_its_place(self, vault: Vault, alice: Actor) -> None:
        top = await root(vault, alice)
        file = await stored(vault, alice, top, "Old.txt", b"x")
        renamed = await arrange.rename_file(vault, alice, file.id, "New.txt", if_version=1)
        assert (renamed.name, renamed.revision, renamed.parent_id) == ("New.txt", 2, top)
        assert await children(vault, alice, top) == [renamed]
        await the_entry_is_the_item(vault, renamed)

    async def test_may_change_the_case_of_its_letters(self, vault: Vault, alice: Actor) -> None:
        top = await root(vault, alice)
        file = await stored(vault, alice, top, "straße", b"")
        renamed = await arrange.rename_file(vault, alice, file.id, "STRASSE")
        assert await children(vault, alice, top) == [renamed]

    async def test_keeps_its_name_without_a_change(self, vault: Vault, alice: Actor) -> None:
        file = await stored(vault, alice, await root(vault, alice), "same")
        assert await arrange.rename_file(vault, alice, file.id, "same") == file

    async def test_is_moved_with_what_it_is(self, vault: Vault, alice: Actor) -> None:
        top = await root(vault, alice)
        place = await organize.create_folder(vault, alice, top, "place")
        file = await stored(vault, alice, top, "moved", b"123")
        moved = await arrange.move_file(vault, alice, file.id, place.id, if_version=1)
        assert (moved.parent_id, moved.revision, moved.current) == (place.id, 2, file.current)
        assert await children(vault, alice, place.id) == [moved]
        assert [child.id for child in await children(vault, alice, top)] == [place.id]
        await the_entry_is_the_item(vault, moved)

    async def test_has_its_tags_once_and_folded(self, vault: Vault, alice: Actor) -> None:
        file = await stored(vault, alice, await root(vault, alice), "tagged")
        tagged = await arrange.tag_file(vault, alice, file.id, ["Zoo", " two  words ", "zoo", "É"], if_version=1)
        assert tagged.tags == ("two words", "zoo", "é")
        assert await arrange.tag_file(vault, alice, file.id, ["é", "ZOO", "two words"]) == tagged
        await the_entry_is_the_item(vault, tagged)

    @pytest.mark.parametrize(
        "wanted", [[""], ["  "], ["x" * 51], ["a\u202eb"], ["a\x00b"], [f"tag {number}" for number in range(21)]]
    )
    async def test_takes_no_unlawful_tag(self, vault: Vault, alice: Actor, wanted: list[str]) -> None:
        file = await stored(vault, alice, await root(vault, alice), "plain")
        assert await refusal(arrange.tag_file(vault, alice, file.id, wanted)) == (Code.INVALID, ("tags",))
        assert await now(vault, file.id) == file

    async def test_is_changed_by_nobody_who_saw_an_older_one(self, vault: Vault, alice: Actor) -> None:
        top = await root(vault, alice)
        file = await stored(vault, alice, top, "seen")
        place = await organize.create_folder(vault, alice, top, "later")
        await arrange.tag_file(vault, alice, file.id, ["newer"])
        stale = (Code.STALE, ("ifVersion",))
        assert await refusal(arrange.rename_file(vault, alice, file.id, "x", if_version=1)) == stale
        assert await refusal(arrange.move_file(vault, alice, file.id, place.id, if_version=1)) == stale
        assert await refusal(arrange.tag_file(vault, alice, file.id, [], if_version=1)) == stale

    async def test_is_not_stale_because_a_worker_looked_at_it(self, vault: Vault, alice: Actor) -> None:
        file = await stored(vault, alice, await root(vault, alice), "watched", b"x")
        scan = scanned(vault, file.id, ScanStatus.CLEAN, b"x")
        renames = (arrange.rename_file(vault, alice, file.id, f"name {number}") for number in range(4))
        ended = await raced([scan, *renames])
        assert not [end for end in ended if isinstance(end, Code)]
        after = await now(vault, file.id)
        assert (after.revision, after.current.scan.status) == (5, ScanStatus.CLEAN)
        await the_entry_is_the_item(vault, after)

    async def test_is_nothing_to_a_stranger(self, vault: Vault, alice: Actor, bob: Actor) -> None:
        file = await stored(vault, alice, await root(vault, alice), "hers")
        unseen = (Code.NOT_FOUND, ())
        assert await refusal(arrange.rename_file(vault, bob, file.id, "x")) == unseen
        assert await refusal(arrange.move_file(vault, bob, file.id, await root(vault, bob))) == unseen
        assert await refusal(arrange.tag_file(vault, bob, file.id, [])) == unseen
        mine = await stored(vault, bob, await root(vault, bob), "his")
        assert await refusal(arrange.move_file(vault, bob, mine.id, await root(vault, alice))) == unseen


class TestWhoHasAShare:
    async def test_moves_within_what_they_may_edit(self, vault: Vault, alice: Actor, bob: Actor) -> None:
        shared = await organize.create_folder(vault, alice, await root(vault, alice), "shared")
        inner = await organize.create_folder(vault, alice, shared.id, "inner")
        file = await stored(vault, alice, shared.id, "work")
        await share(vault, shared.id, alice, bob, Role.EDITOR)
        moved = await arrange.move_file(vault, bob, file.id, inner.id)
        assert (moved.parent_id, moved.owner_id) == (inner.id, alice.user_id)
        assert (await organize.create_folder(vault, bob, inner.id, "by bob")).owner_id == alice.user_id

    async def test_cannot_take_away_what_is_shared(self, vault: Vault, alice: Actor, bob: Actor) -> None:
        top = await root(vault, alice)
        one, other = [await organize.create_folder(vault, alice, top, name) for name in ("one", "other")]
        file = await stored(vault, alice, top, "alone")
        for item in (one, other, file):
            await share(vault, item.id, alice, bob, Role.MANAGER)
        assert (await refusal(organize.move_folder(vault, bob, one.id, other.id)))[0] is Code.FORBIDDEN
        assert (await refusal(arrange.move_file(vault, bob, file.id, other.id)))[0] is Code.FORBIDDEN
        inside = await stored(vault, alice, one.id, "inside")
        home = (Code.FORBIDDEN, ("parentId",))
        assert await refusal(arrange.move_file(vault, bob, inside.id, await root(vault, bob))) == home

    @pytest.mark.parametrize(("role", "hours"), [(Role.MANAGER, 1), (Role.EDITOR, 2), (Role.EDITOR, None)])
    async def test_gains_nothing_by_a_move(
        self, vault: Vault, alice: Actor, bob: Actor, role: Role, hours: int | None
    ) -> None:
        top = await root(vault, alice)
        less, more = [await organize.create_folder(vault, alice, top, name) for name in ("less", "more")]
        file = await stored(vault, alice, less.id, "prize")
        await share(vault, less.id, alice, bob, Role.EDITOR, hours=1)
        await share(vault, more.id, alice, bob, role, hours=hours)
        gain = (Code.FORBIDDEN, ("parentId",))
        assert await refusal(arrange.move_file(vault, bob, file.id, more.id)) == gain
        back = await stored(vault, alice, more.id, "lent")
        assert (await arrange.move_file(vault, bob, back.id, less.id)).parent_id == less.id

    async def test_makes_no_circle_with_an_owner_above_them(self, vault: Vault, alice: Actor, bob: Actor) -> None:
        """Bob sees nothing above `shared`; what is above it moves below it all the same time."""
        top = await root(vault, alice)
        for _ in range(3):
            above = await organize.create_folder(vault, alice, top, f"above {vault.unique()}")
            shared = await organize.create_folder(vault, alice, above.id, "shared")
            mover, target = [await organize.create_folder(vault, alice, shared.id, name) for name in "ab"]
            place = await organize.create_folder(vault, alice, top, f"place {vault.unique()}")
            await share(vault, shared.id, alice, bob, Role.EDITOR)
            await raced(
                [
                    organize.move_folder(vault, alice, mover.id, place.id),
                    organize.move_folder(vault, alice, above.id, mover.id),
                    organize.move_folder(vault, bob, mover.id, target.id),
                ]
            )
            await reaches_the_top(vault, alice, [above, shared, mover, target, place])


async def reaches_the_top(vault: Vault, actor: Actor, folders: Sequence[Folder]) -> None:
    top = await root(vault, actor)
    found = await browse.folders(vault, actor, [folder.id for folder in folders])
    known = [folder for folder in found if folder is not None]
    assert len(known) == len(folders)
    for lineage in await reach.lineages(vault, actor, known):
        assert lineage.above[-1].id == top


class TestRacers:
    async def test_take_one_name_once(self, vault: Vault, alice: Actor) -> None:
        place = await organize.create_folder(vault, alice, await root(vault, alice), "one name")
        spellings = ["Straße", "STRASSE", "strasse", "StraSSe"] * (RACERS // 4)
        ended = await raced([organize.create_folder(vault, alice, place.id, name) for name in spellings])
        assert ended.count(Code.NAME_TAKEN) == RACERS - 1
        assert await children(vault, alice, place.id) == [end for end in ended if isinstance(end, Folder)]

    async def test_rename_and_move_to_one_name_once(self, vault: Vault, alice: Actor) -> None:
        place = await organize.create_folder(vault, alice, await root(vault, alice), "goal")
        there = [await stored(vault, alice, place.id, f"{number}") for number in range(RACERS // 2)]
        boxes = [await organize.create_folder(vault, alice, place.id, f"box {n}") for n in range(RACERS // 2)]
        elsewhere = [await stored(vault, alice, box.id, "Prize") for box in boxes]
        renames = [arrange.rename_file(vault, alice, file.id, "PRIZE") for file in there]
        moves = [arrange.move_file(vault, alice, file.id, place.id) for file in elsewhere]
        ended = await raced([*renames, *moves])
        assert ended.count(Code.NAME_TAKEN) == RACERS - 1
        prizes = [child for child in await children(vault, alice, place.id) if child.name.casefold() == "prize"]
        assert prizes == [end for end in ended if isinstance(end, File)]

    async def test_with_one_version_change_it_once(self, vault: Vault, alice: Actor) -> None:
        file = await stored(vault, alice, await root(vault, alice), "contested")
        ended = await raced(
            [arrange.tag_file(vault, alice, file.id, [f"{number}"], if_version=1) for number in range(RACERS)]
        )
        assert ended.count(Code.STALE) == RACERS - 1
        assert [await now(vault, file.id)] == [end for end in ended if isinstance(end, File)]

    async def test_make_no_circle_when_they_cross(self, vault: Vault, alice: Actor) -> None:
        top = await root(vault, alice)
        left, right = [await organize.create_folder(vault, alice, top, name) for name in ("left", "right")]
        crossing = [(left, right), (right, left)] * (RACERS // 2)
        ended = await raced([organize.move_folder(vault, alice, one.id, into.id) for one, into in crossing])
        assert {end for end in ended if isinstance(end, Code)} == {Code.INVALID}
        winners = {end.id for end in ended if isinstance(end, Folder)}
        assert len(winners) == 1
        await reaches_the_top(vault, alice, [left, right])

    async def test_all_find_room_in_a_new_folder(self, vault: Vault, alice: Actor) -> None:
        place = await organize.create_folder(vault, alice, await root(vault, alice), "busy")
        ended = await raced([organize.create_folder(vault, alice, place.id, f"{n}") for n in range(RACERS)])
        assert {type(end) for end in ended} == {Folder}
        assert len(await children(vault, alice, place.id)) == RACERS


class TestDepth:
    async def chain(self, vault: Vault, actor: Actor, parent_id: FolderId, levels: int) -> list[Folder]:
        made: list[Folder] = []
        for number in range(levels):
            made.append(await organize.create_folder(vault, actor, parent_id, f"{number} {vault.unique()}"))
            parent_id = made[-1].id
        return made

    async def test_ends_at_sixty_four(self, vault: Vault, alice: Actor) -> None:
        made = await self.chain(vault, alice, await root(vault, alice), reach.DEPTH_MAX - 1)
        deep = (Code.INVALID, ("parentId",))
        assert await refusal(organize.create_folder(vault, alice, made[-1].id, "more")) == deep
        file = await stored(vault, alice, made[-1].id, "a file may be there")
        (way,) = await browse.ancestors(vault, alice, [file.parent_id])
        assert len(way) == reach.DEPTH_MAX

    async def test_counts_what_a_folder_brings_along(
        self, vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reach, "DEPTH_MAX", 6)
        top = await root(vault, alice)
        tall, low = await self.chain(vault, alice, top, 3), await self.chain(vault, alice, top, 3)
        deep = (Code.INVALID, ("parentId",))
        assert await refusal(organize.move_folder(vault, alice, tall[0].id, low[2].id)) == deep
        await organize.move_folder(vault, alice, tall[0].id, low[1].id)
        assert await refusal(organize.create_folder(vault, alice, tall[2].id, "one too many")) == deep

    async def test_holds_when_a_folder_grows_as_it_is_moved(
        self, vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reach, "DEPTH_MAX", 5)
        top = await root(vault, alice)
        for _ in range(5):
            grown, low = await self.chain(vault, alice, top, 2), await self.chain(vault, alice, top, 2)
            ended = await raced(
                [
                    organize.create_folder(vault, alice, grown[1].id, "deeper"),
                    organize.move_folder(vault, alice, grown[0].id, low[1].id),
                ]
            )
            assert ended.count(Code.INVALID) == 1
            (lowest,) = await browse.folders(vault, alice, [grown[1].id])
            assert lowest is not None
            assert isinstance(ended[0], Folder) == bool(await children(vault, alice, lowest.id))

    async def test_of_a_tall_tree_is_made_in_steps(self, vault: Vault, alice: Actor) -> None:
        """Every folder above must learn of it: more of them than one transaction takes."""
        low = await self.chain(vault, alice, await root(vault, alice), 50)
        way = await depth.room_below(vault, alice, low[-1].id, 13)
        assert [folder.height for folder in way] == list(range(13, 64))
        assert (await browse.folders(vault, alice, [low[0].id]))[0] == way[-2]
