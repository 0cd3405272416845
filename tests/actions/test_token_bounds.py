"""What programs may do by their tokens, on every way in: what their persons may, within scopes and bounds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, aclosing

import pytest

from tests.actions.growing import stored, stream
from tests.actions.sharing_world import Tree, email_of, give, make_link, refusal, tree
from tests.actions.token_world import let_in, make, program
from vaultstream import table
from vaultstream.access import SCOPES, Deed
from vaultstream.actions import (
    account,
    arrange,
    browse,
    comment,
    download,
    duplicate,
    indexing,
    link,
    organize,
    purge,
    reach,
    recent,
    share,
    shared,
    token,
    trash,
    upload,
    versions,
    watch,
)
from vaultstream.actions import search as searching
from vaultstream.actor import Actor
from vaultstream.adapters import live as live_module
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.search import sought
from vaultstream.shares import Role
from vaultstream.tokens import Scope
from vaultstream.users import Acquaintance, User

Way = Callable[[Vault, Actor, Tree, str], Awaitable[object]]


async def upload_to(vault: Vault, actor: Actor, its: Tree, _: str) -> object:
    return await upload.begin(vault, actor, upload.Wanted(folder_id=its.inner.id, name="new", size_bytes=0))


async def copied(vault: Vault, actor: Actor, its: Tree, _: str) -> object:
    return await duplicate.copy_file(vault, actor, its.file.id, its.inner.id, name="a copy")


async def shared_with(vault: Vault, actor: Actor, its: Tree, email: str) -> object:
    return await share.grant(vault, actor, share.Wanted(its.file.id, email, Role.VIEWER))


WAYS: dict[str, tuple[Deed, Way]] = {
    "read": (Deed.READ, lambda vault, actor, its, _: reach.file(vault, actor, its.file.id, Deed.READ)),
    "link to the contents": (Deed.DOWNLOAD, lambda vault, actor, its, _: download.link(vault, actor, its.file.id)),
    "open the contents": (Deed.DOWNLOAD, lambda vault, actor, its, _: download.open(vault, actor, its.file.id, 1)),
    "comment": (Deed.COMMENT, lambda vault, actor, its, _: comment.add(vault, actor, its.file.id, "hello")),
    "rename a file": (Deed.EDIT, lambda vault, actor, its, _: arrange.rename_file(vault, actor, its.file.id, "b")),
    "tag": (Deed.EDIT, lambda vault, actor, its, _: arrange.tag_file(vault, actor, its.file.id, ["red"])),
    "make a folder": (Deed.EDIT, lambda vault, actor, its, _: organize.create_folder(vault, actor, its.inner.id, "n")),
    "rename a folder": (
        Deed.EDIT,
        lambda vault, actor, its, _: organize.rename_folder(vault, actor, its.inner.id, "b"),
    ),
    "upload": (Deed.EDIT, upload_to),
    "copy": (Deed.EDIT, copied),
    "label": (Deed.EDIT, lambda vault, actor, its, _: versions.label(vault, actor, its.file.id, 1, "kept")),
    "share": (Deed.SHARE, shared_with),
    "make a link": (Deed.SHARE, lambda vault, actor, its, _: make_link(vault, actor, its.file.id)),
    "throw away": (Deed.DELETE, lambda vault, actor, its, _: trash.throw_away(vault, actor, its.file.id)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scope", Scope)
async def test_a_program_does_what_its_scope_is_for(
    vault: Vault, alice: Actor, bob: Actor, way: str, scope: Scope
) -> None:
    deed, do = WAYS[way]
    its, email = await tree(vault, alice), await email_of(vault, bob)
    elsewhere = await program(vault, alice, folder_id=(await tree(vault, alice, "elsewhere")).outer.id)
    assert (await refusal(do(vault, elsewhere, its, email)))[0] is Code.NOT_FOUND
    bearer = await program(vault, alice, scope, folder_id=its.outer.id)
    if SCOPES[deed] in {Scope.READ, scope}:
        await do(vault, bearer, its, email)
        return
    with pytest.raises(VaultError, match=f"needs the scope {SCOPES[deed]}") as caught:
        await do(vault, bearer, its, email)
    assert caught.value.code is Code.FORBIDDEN
    await do(vault, alice, its, email)  # nothing of it was done


async def test_no_program_purges_whatever_its_scopes(vault: Vault, alice: Actor) -> None:
    its, bearer = await tree(vault, alice), await program(vault, alice)
    begun = await upload.begin(vault, bearer, upload.Wanted(file_id=its.file.id, size_bytes=1))
    await upload.receive(vault, bearer, begun.id, 0, stream(b"x"))
    assert (await refusal(versions.delete(vault, bearer, its.file.id, 1)))[0] is Code.FORBIDDEN
    await trash.throw_away(vault, bearer, its.file.id)
    assert (await refusal(purge.begin(vault, bearer, its.file.id)))[0] is Code.FORBIDDEN
    assert (await trash.restore(vault, bearer, its.file.id)).place is trash.Place.ORIGINAL


async def test_a_program_is_let_do_no_more_than_its_person(vault: Vault, alice: Actor, bob: Actor) -> None:
    its = await tree(vault, alice)
    await give(vault, alice, its.inner.id, bob)
    bearer = await program(vault, bob, folder_id=its.inner.id)
    assert (await reach.file(vault, bearer, its.file.id, Deed.READ)).id == its.file.id
    assert (await refusal(arrange.rename_file(vault, bearer, its.file.id, "b")))[0] is Code.FORBIDDEN
    own = await share.find(vault, bob, (await shared.with_me(vault, bob, 1, None)).shares[0].id)
    reader = await program(vault, bob, Scope.WRITE)
    assert (await refusal(share.revoke(vault, reader, own.id)))[0] is Code.FORBIDDEN
    await share.revoke(vault, bearer, own.id)
    assert (await refusal(reach.file(vault, bearer, its.file.id, Deed.READ)))[0] is Code.NOT_FOUND


async def test_nothing_moves_across_the_bounds(vault: Vault, alice: Actor) -> None:
    its = await tree(vault, alice)
    bearer = await program(vault, alice, folder_id=its.inner.id)
    assert (await refusal(arrange.move_file(vault, bearer, its.file.id, its.outer.id)))[0] is Code.NOT_FOUND
    top = (await account.viewer(vault, alice.user_id)).root_folder_id
    assert (await refusal(organize.move_folder(vault, bearer, its.inner.id, top)))[0] is Code.NOT_FOUND
    deeper = await organize.create_folder(vault, bearer, its.inner.id, "deeper")
    assert (await refusal(organize.move_folder(vault, bearer, its.inner.id, deeper.id)))[0] is Code.FORBIDDEN
    assert (await arrange.move_file(vault, bearer, its.file.id, deeper.id)).parent_id == deeper.id


async def test_bounds_follow_the_folder_and_not_its_path(vault: Vault, alice: Actor) -> None:
    its, other = await tree(vault, alice), await tree(vault, alice, "other")
    bearer = await program(vault, alice, folder_id=other.outer.id)
    assert await browse.files(vault, bearer, [its.file.id]) == [None]
    await organize.rename_folder(vault, alice, its.inner.id, "moved")
    await organize.move_folder(vault, alice, its.inner.id, other.outer.id)
    assert await browse.files(vault, bearer, [its.file.id]) != [None]
    await organize.move_folder(vault, alice, other.outer.id, its.outer.id)
    assert await browse.files(vault, bearer, [its.file.id]) != [None]


async def test_every_list_ends_at_the_bounds(vault: Vault, alice: Actor, bob: Actor) -> None:
    its, other = await tree(vault, alice), await tree(vault, alice, "other")
    lent = await tree(vault, bob, "lent")
    await give(vault, bob, lent.outer.id, alice)
    gone = [await stored(vault, alice, folder.id, "gone") for folder in (other.inner, its.inner, other.outer)]
    for file in gone:
        await trash.throw_away(vault, alice, file.id)
    await indexing.refresh(vault, [its.inner.id, other.inner.id, lent.inner.id])
    bearer = await program(vault, alice, Scope.READ, folder_id=its.inner.id)
    assert [file.id for file in (await recent.recent_files(vault, bearer, 10)).files] == [its.file.id]
    found = await searching.search(vault, bearer, sought("inner"), 10)
    assert [it.id for it in found.items] == [its.inner.id]
    assert (await shared.with_me(vault, bearer, 10, None)).shares == ()
    assert await browse.ancestors(vault, bearer, [its.inner.id]) == [
        ((await browse.folders(vault, bearer, [its.inner.id]))[0],)
    ]
    assert await browse.folders(vault, bearer, [its.outer.id, lent.outer.id]) == [None, None]
    newest = await trash.page(vault, bearer, 1)
    assert (newest.items, newest.has_next) == ((), True)
    then = await trash.page(vault, bearer, 1, newest.end)
    assert [it.id for it in then.items] == [gone[1].id]
    everything = await program(vault, alice, Scope.READ)
    assert len((await trash.page(vault, everything, 10)).items) == 3
    assert len((await shared.with_me(vault, everything, 10, None)).shares) == 1


async def test_a_bound_program_sees_of_its_person_what_others_see(vault: Vault, alice: Actor) -> None:
    its = await tree(vault, alice)
    bound, free = await program(vault, alice, folder_id=its.outer.id), await program(vault, alice, Scope.READ)
    seen, email = await browse.viewer(vault, bound), await email_of(vault, alice)
    assert isinstance(seen, Acquaintance)
    assert seen.email == email
    me = await account.viewer(vault, alice.user_id)
    assert browse.known_as(bound, me, shares=False) == seen
    assert isinstance(await browse.viewer(vault, free), User)


async def test_who_else_may_see_an_item_is_told_to_who_may_share_it(vault: Vault, alice: Actor, bob: Actor) -> None:
    its = await tree(vault, alice)
    await give(vault, alice, its.outer.id, bob)
    made = await make_link(vault, alice, its.outer.id)
    key = shared.PageKey(its.outer.id, 10)
    for scopes, shown in (((Scope.READ, Scope.WRITE), 0), ((Scope.SHARE,), 1)):
        bearer = await program(vault, alice, *scopes)
        (shares,), (links,) = (
            await shared.share_pages(vault, bearer, [key]),
            await shared.link_pages(vault, bearer, [key]),
        )
        assert shares is not None
        assert links is not None
        assert (len(shares.shares), len(links.links)) == (shown, shown)
        asked = [shared.explain(vault, bearer, its.outer.id, bob.user_id), link.revoke(vault, bearer, made.link.id)]
        for question, code in zip(asked, (Code.FORBIDDEN, Code.NOT_FOUND), strict=True):
            if shown:
                await question
            else:
                assert (await refusal(question))[0] is code


async def test_an_upload_is_for_programs_that_may_write_to_its_place(vault: Vault, alice: Actor) -> None:
    its, other = await tree(vault, alice), await tree(vault, alice, "other")
    writer = await program(vault, alice, Scope.WRITE, folder_id=its.inner.id)
    begun = await upload.begin(vault, writer, upload.Wanted(name="in its folder", size_bytes=3))
    assert begun.target.parent_id == its.inner.id
    reader = await program(vault, alice, Scope.READ, folder_id=its.outer.id)
    assert (await upload.find(vault, reader, begun.id)).id == begun.id
    stranger = await program(vault, alice, folder_id=other.outer.id)
    for bearer, code in ((reader, Code.FORBIDDEN), (stranger, Code.NOT_FOUND)):
        assert (await refusal(upload.receive(vault, bearer, begun.id, 0, stream(b"abc"))))[0] is code
        assert (await refusal(upload.abort(vault, bearer, begun.id)))[0] is code
    assert (await refusal(upload.find(vault, stranger, begun.id)))[0] is Code.NOT_FOUND
    done = await upload.receive(vault, writer, begun.id, 0, stream(b"abc"))
    file_id = done.target.file_id
    newer = await upload.begin(vault, writer, upload.Wanted(file_id=file_id, size_bytes=3))
    assert (await refusal(upload.find(vault, stranger, newer.id)))[0] is Code.NOT_FOUND
    assert (await upload.abort(vault, writer, newer.id)).id == newer.id


async def test_what_has_lost_its_place_is_not_restored_out_of_bounds(vault: Vault, alice: Actor) -> None:
    its = await tree(vault, alice)
    bearer = await program(vault, alice, folder_id=its.outer.id)
    await trash.throw_away(vault, bearer, its.inner.id)
    await trash.throw_away(vault, alice, its.outer.id)
    with pytest.raises(VaultError, match="bounds") as caught:
        await trash.restore(vault, bearer, its.inner.id)
    assert caught.value.code is Code.FORBIDDEN
    assert (await trash.restore(vault, alice, its.inner.id)).place is trash.Place.TOP_FOLDER


async def test_a_key_is_each_programs_own(vault: Vault, alice: Actor) -> None:
    its = await tree(vault, alice)
    askers = [alice, await program(vault, alice), await program(vault, alice)]
    made = [
        await organize.create_folder(vault, asker, its.inner.id, name, idempotency_key="k")
        for asker, name in zip(askers, "abc", strict=True)
    ]
    again = await organize.create_folder(vault, askers[1], its.inner.id, "b", idempotency_key="k")
    assert (len({folder.id for folder in made}), again.id) == (3, made[1].id)


async def test_what_a_program_does_is_recorded_under_its_token(vault: Vault, alice: Actor) -> None:
    its, bearer = await tree(vault, alice), await program(vault, alice)
    assert bearer.grant is not None
    await arrange.rename_file(vault, bearer, its.file.id, "renamed")
    content = await download.open(vault, bearer, its.file.id, 1)
    await content.record(0, 1)
    await arrange.rename_file(vault, alice, its.file.id, "renamed again")
    found = [each for shard in table.outbox_shards() for each in await vault.records.undelivered(shard, "9", 1000)]
    named = {EventName.FILE_RENAMED, EventName.DOWNLOAD_BEGUN}
    events = sorted((each for each in found if each.item_id == its.file.id and each.name in named), key=lambda e: e.at)
    assert [each.details.get("token_id") for each in events] == [bearer.grant.token_id] * 2 + [None]
    assert {each.subject for each in events} == {alice.user_id}


async def listened_for(vault: Vault, topics: Sequence[str], bells: ExitStack) -> None:
    """From here on nothing but a nudge rings for these: Redis has confirmed each of them."""
    hung = [bells.enter_context(vault.live.watching([topic])) for topic in topics]
    for bell in hung:
        await bell.rung()  # the first look, due at once: taken from all before a confirmation can come
    async with asyncio.timeout(60):
        for bell in hung:
            await bell.rung()


async def test_revoking_a_token_ends_its_streams_at_once(
    vault: Vault, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "LOOK_AGAIN_SECONDS", 3600)
    its, made = await tree(vault, alice), await make(vault, alice, Scope.READ)
    bearer = await let_in(vault, alice, made)
    begun = await upload.begin(vault, alice, upload.Wanted(folder_id=its.inner.id, name="slow", size_bytes=9))
    streams = [
        watch.file_status(vault, bearer, file_id=its.file.id),
        watch.folder_changed(vault, bearer, its.inner.id),
        watch.upload_progress(vault, bearer, begun.id),
    ]
    with ExitStack() as bells:
        await listened_for(vault, [its.file.id, its.inner.id, begun.id, *bearer.topics], bells)
        async with asyncio.timeout(60), aclosing(streams[0]), aclosing(streams[1]), aclosing(streams[2]):
            for each in streams:
                await anext(each)
            waiting = [asyncio.ensure_future(anext(each)) for each in streams]
            await asyncio.sleep(0)
            await token.revoke(vault, alice, made.token.id)
            ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each.code for each in ends if isinstance(each, VaultError)] == [Code.UNAUTHENTICATED] * 3
