"""Search on a real table and a real index: what is shown is what a look at everything would find, and nobody's else."""

import base64
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from wires import Wire

from tests.actions.growing import stored
from tests.actions.sharing_world import give, refusal, run_out, soon
from vaultstream import cursors
from vaultstream.actions import account, arrange, indexing, organize, purge, reach, share, trash
from vaultstream.actions import search as action
from vaultstream.actions.search import SearchPage, search
from vaultstream.actor import Actor
from vaultstream.adapters.search_index import SearchUnavailable
from vaultstream.adapters.vault import Vault, opened
from vaultstream.errors import Code
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, ItemId
from vaultstream.listing import EVERYTHING, ItemKind, ItemOrder, ItemOrderField, ItemWhere
from vaultstream.search import Sought, sought
from vaultstream.settings import Secret, Settings
from vaultstream.shares import Role


async def found(vault: Vault, actor: Actor, wanted: Sought, first: int = 100) -> list[Folder | File]:
    """Every page of a search, one after the other."""
    items: list[Folder | File] = []
    after = None
    while True:
        page = await search(vault, actor, wanted, first, after)
        assert len(page.items) == len(page.cursors) <= first
        items += page.items
        if not page.has_next:
            return items
        after = page.end or page.cursors[-1]


async def named(vault: Vault, actor: Actor, text: str, where: ItemWhere = EVERYTHING) -> list[str]:
    return [it.name for it in await found(vault, actor, sought(text, where))]


async def fed(vault: Vault, *item_ids: ItemId) -> None:
    await indexing.refresh(vault, item_ids)


async def top(vault: Vault, actor: Actor) -> FolderId:
    return (await account.viewer(vault, actor.user_id)).root_folder_id


async def folder(vault: Vault, actor: Actor, name: str, parent: FolderId | None = None) -> Folder:
    return await organize.create_folder(vault, actor, parent or await top(vault, actor), name)


async def file(vault: Vault, actor: Actor, name: str, parent: FolderId | None = None, **how: object) -> File:
    return await stored(vault, actor, parent or await top(vault, actor), name, **how)


async def test_what_was_fed_is_found_by_any_part_of_its_name(vault: Vault, alice: Actor) -> None:
    trip = await folder(vault, alice, "Trip to Århus")
    photo = await file(vault, alice, "ÅRHUS.jpg", trip.id)
    await fed(vault, trip.id, photo.id, await top(vault, alice))

    assert await named(vault, alice, "århus") == ["ÅRHUS.jpg", "Trip to Århus"]
    assert await named(vault, alice, "A\u030aR") == ["ÅRHUS.jpg", "Trip to Århus"]
    assert await named(vault, alice, "j") == ["ÅRHUS.jpg"]
    assert await named(vault, alice, "to ") == ["Trip to Århus"]
    assert await named(vault, alice, "%") == []


async def test_filters_are_those_of_lists_with_owner_and_trash(vault: Vault, alice: Actor, bob: Actor) -> None:
    place = await folder(vault, alice, "pick place")
    note, other = await file(vault, alice, "pick note", place.id), await file(vault, alice, "pick other", place.id)
    note = await arrange.tag_file(vault, alice, note.id, ["Red"])
    lent = await folder(vault, bob, "pick lent")
    await give(vault, bob, lent.id, alice)
    await fed(vault, place.id, note.id, other.id, lent.id)

    everything = ["pick lent", "pick note", "pick other", "pick place"]
    assert await named(vault, alice, "pick") == everything
    assert await named(vault, alice, "", ItemWhere(tags=("red",))) == ["pick note"]
    assert await named(vault, alice, "pick", ItemWhere(kind=ItemKind.FOLDER)) == ["pick lent", "pick place"]
    assert await named(vault, alice, "pick", ItemWhere(owner_id=bob.user_id)) == ["pick lent"]
    assert await named(vault, alice, "pick", ItemWhere(owner_id=alice.user_id)) == everything[1:]
    assert await named(vault, alice, "pick", ItemWhere(name_prefix="PICK O")) == ["pick other"]
    assert await named(vault, alice, "pick", ItemWhere(updated_before=note.updated_at)) == [
        name for name in everything if name not in {"pick note", "pick lent"}
    ]
    assert await named(vault, bob, "pick", ItemWhere(owner_id=alice.user_id)) == []
    assert await named(vault, alice, "pick", ItemWhere(owner_id=bob.user_id, in_trash=True)) == []


async def test_the_trash_is_searched_only_when_asked_and_only_by_its_owner(
    vault: Vault, alice: Actor, bob: Actor
) -> None:
    place = await folder(vault, alice, "heap")
    note = await file(vault, alice, "heap note", place.id)
    await give(vault, alice, place.id, bob)
    await fed(vault, place.id, note.id)
    assert await named(vault, bob, "heap") == ["heap", "heap note"]

    await trash.throw_away(vault, alice, place.id)
    for is_fed in (False, True):
        if is_fed:
            await fed(vault, place.id)
        assert await named(vault, alice, "heap") == []
        assert await named(vault, bob, "heap") == []
    in_trash = ItemWhere(in_trash=True)
    assert await named(vault, alice, "heap", in_trash) == ["heap", "heap note"]
    assert await named(vault, bob, "heap", in_trash) == []

    await trash.restore(vault, alice, place.id)
    await fed(vault, place.id)
    assert await named(vault, alice, "heap", in_trash) == []
    assert await named(vault, bob, "heap") == ["heap", "heap note"]


async def test_a_stale_index_shows_neither_what_is_gone_nor_what_is_no_longer_theirs(
    vault: Vault, alice: Actor, bob: Actor
) -> None:
    kept, lent = await file(vault, alice, "stale kept"), await file(vault, alice, "stale lent")
    gone, renamed = await file(vault, alice, "stale gone"), await file(vault, alice, "stale old name")
    lent_to_bob = await give(vault, alice, lent.id, bob)
    await give(vault, alice, kept.id, bob)
    await fed(vault, kept.id, lent.id, gone.id, renamed.id)
    assert await named(vault, bob, "stale") == ["stale kept", "stale lent"]

    await share.revoke(vault, alice, lent_to_bob.id)
    await trash.throw_away(vault, alice, gone.id)
    await purge.begin(vault, alice, gone.id)
    await arrange.rename_file(vault, alice, renamed.id, "fresh name")

    assert await named(vault, bob, "stale") == ["stale kept"]
    assert await named(vault, alice, "stale") == ["stale kept", "stale lent"]
    assert await named(vault, alice, "fresh") == []
    await fed(vault, renamed.id, gone.id)
    assert await named(vault, alice, "fresh") == ["fresh name"]
    assert gone.id not in await vault.search_index.ids("", 1000, owner_id=alice.user_id)


async def test_what_lies_under_a_share_is_found_wherever_it_is_moved(vault: Vault, alice: Actor, bob: Actor) -> None:
    lent, mine = await folder(vault, alice, "open lent"), await folder(vault, alice, "open mine")
    deep = await folder(vault, alice, "open deep", mine.id)
    note = await file(vault, alice, "open note", deep.id)
    await give(vault, alice, lent.id, bob)
    await fed(vault, lent.id, mine.id, deep.id, note.id)
    assert await named(vault, bob, "open") == ["open lent"]

    await organize.move_folder(vault, alice, deep.id, lent.id)
    await fed(vault, deep.id)
    assert await named(vault, bob, "open") == ["open deep", "open lent", "open note"]

    await organize.move_folder(vault, alice, deep.id, mine.id)
    assert await named(vault, bob, "open") == ["open lent"], "the table says where it is, before the index knows"


async def test_a_share_that_has_run_out_lets_nothing_be_found(vault: Vault, alice: Actor, bob: Actor) -> None:
    note = await file(vault, alice, "ended note")
    given_to_bob = await give(vault, alice, note.id, bob, Role.VIEWER, soon())
    await fed(vault, note.id)
    assert await named(vault, bob, "ended") == ["ended note"]

    await run_out(vault, given_to_bob)
    assert await named(vault, bob, "ended") == []


@pytest.mark.parametrize("order", [None, *(ItemOrder(field, descending=True) for field in ItemOrderField)], ids=str)
async def test_pages_hold_everything_once_though_much_is_examined_in_vain(
    vault: Vault, newcomer, monkeypatch, order: ItemOrder | None
) -> None:
    monkeypatch.setattr(action, "_EXAMINED", (1, 2))
    alice, bob = await newcomer(), await newcomer()
    lent = await folder(vault, alice, "many")
    files = [await file(vault, alice, f"m{number}", lent.id if number % 4 == 3 else None) for number in range(12)]
    await give(vault, alice, lent.id, bob)
    await fed(vault, lent.id, *(each.id for each in files))

    pages: list[SearchPage] = []
    after = None
    while not pages or pages[-1].has_next:
        pages.append(await search(vault, bob, sought("m", order=order), 2, after))
        after = pages[-1].end or (pages[-1].cursors or (None,))[-1]

    seen = [it.name for each in pages for it in each.items]
    assert sorted(seen) == ["m11", "m3", "m7", "many"]
    assert any(len(each.items) < 2 and each.has_next for each in pages)


async def test_no_cursor_tells_the_name_of_what_is_not_shared_or_serves_another(
    vault: Vault, newcomer, monkeypatch
) -> None:
    monkeypatch.setattr(action, "_EXAMINED", (2,))
    alice, bob = await newcomer(), await newcomer()
    lent = await file(vault, alice, "merger a lent")
    secret = [await file(vault, alice, f"merger b secret {number}") for number in range(3)]
    await give(vault, alice, lent.id, bob)
    await fed(vault, lent.id, *(each.id for each in secret))

    page = await search(vault, bob, sought("merger"), 2)
    assert [it.name for it in page.items] == ["merger a lent"]
    assert page.end is not None, "it ends at what bob may not see"
    for cursor in (page.end, *page.cursors):
        covered = cursors.decode(cursor, prefix=sought("merger").cursor_prefix)
        assert b"merger" not in base64.urlsafe_b64decode(covered.rpartition("#")[2] + "===")
    assert await refusal(search(vault, alice, sought("merger"), 2, page.end)) == (Code.INVALID, ("after",))
    assert [it.name for it in await found(vault, bob, sought("merger"), 2)] == ["merger a lent"]


async def test_a_cursor_stays_where_it_was_while_others_come_and_go(vault: Vault, alice: Actor) -> None:
    files = {name: await file(vault, alice, f"row {name}") for name in "bdfh"}
    await fed(vault, *(each.id for each in files.values()))
    first = await search(vault, alice, sought("row"), 2)
    assert [it.name for it in first.items] == ["row b", "row d"]

    await trash.throw_away(vault, alice, files["d"].id)
    added = [await file(vault, alice, f"row {name}") for name in "ae"]
    await fed(vault, files["d"].id, *(each.id for each in added))

    second = await search(vault, alice, sought("row"), 2, first.cursors[-1])
    assert [it.name for it in second.items] == ["row e", "row f"]


async def test_cursors_of_other_lists_and_made_up_ones_are_refused(vault: Vault, alice: Actor) -> None:
    wanted = sought("a")
    prefix = wanted.cursor_prefix
    for text in ("ENTRY#a", "SEARCH#NAME#0#x#y", prefix, f"{prefix}1#file_1#a", f"{prefix}{'9' * 30}#x#a"):
        error = await refusal(search(vault, alice, wanted, 10, cursors.encode(text)))
        assert error == (Code.INVALID, ("after",))
        covered = cursors.encode(prefix + vault.veil.cover(text, prefix + alice.user_id))
        assert await refusal(search(vault, alice, wanted, 10, covered)) == (Code.INVALID, ("after",))
    assert await refusal(search(vault, alice, wanted, 10, "garbage")) == (Code.INVALID, ("after",))


async def test_while_postgresql_is_down_search_says_so_and_all_else_works(
    vault: Vault, settings: Settings, alice: Actor
) -> None:
    place = urlsplit(settings.postgres_dsn.reveal())
    async with Wire("127.0.0.1", place.port) as wire:
        user = place.netloc.rpartition("@")[0]
        through_wire = place._replace(netloc=f"{user}@127.0.0.1:{wire.port}").geturl()
        async with opened(replace(settings, postgres_dsn=Secret(through_wire))) as cut_off:
            wire.refuse()
            made = await folder(cut_off, alice, "made meanwhile")
            with pytest.raises(SearchUnavailable):
                await search(cut_off, alice, sought("made"), 10)
            with pytest.raises(SearchUnavailable):
                await fed(cut_off, made.id)
            assert await reach.load(cut_off, [made.id]) == [made]

            wire.restore()
            await fed(cut_off, made.id)
            assert await named(cut_off, alice, "made") == ["made meanwhile"]
