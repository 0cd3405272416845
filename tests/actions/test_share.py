"""Shares: who may give what to whom, what reaches where, and when it ends."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from tests.actions.growing import stored
from tests.actions.sharing_world import Tree, email_of, give, refusal, run_out, share_of, soon, tree
from vaultstream import table
from vaultstream.access import Deed
from vaultstream.actions import account, browse, download, organize, share, shared, upload, watch
from vaultstream.actions.shared import PageKey
from vaultstream.actions.upload import Wanted
from vaultstream.actor import Actor
from vaultstream.adapters.records import share_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.shares import Role
from vaultstream.workers import sweep


@pytest.fixture
async def carol(newcomer) -> Actor:
    return await newcomer()


@pytest.fixture
async def its(vault: Vault, alice: Actor) -> Tree:
    return await tree(vault, alice)


async def events_of(vault: Vault, item_id: str) -> list[tuple[EventName, str]]:
    found = []
    for shard in table.outbox_shards():
        found += [each for each in await vault.records.undelivered(shard, "9", 1000) if each.item_id == item_id]
    return [(each.name, each.subject) for each in sorted(found, key=lambda each: each.id)]


async def test_a_share_reaches_what_lies_under_it_and_nothing_else(vault, alice, bob, its: Tree):
    other = await tree(vault, alice, "other")
    await give(vault, alice, its.outer.id, bob, Role.EDITOR)
    assert await browse.files(vault, bob, [its.file.id, other.file.id]) == [its.file, None]
    seen = await browse.folders(vault, bob, [its.outer.id, its.inner.id, other.outer.id])
    assert [folder and folder.id for folder in seen] == [its.outer.id, its.inner.id, None]
    begun = await upload.begin(vault, bob, Wanted(folder_id=its.inner.id, name="bobs", size_bytes=0))
    (brought,) = await browse.files(vault, alice, [begun.target.file_id])
    assert brought is not None
    assert brought.owner_id == alice.user_id


async def test_each_deed_leaves_its_event(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.inner.id, bob)
    await share.update(vault, alice, given.id, role=Role.EDITOR, expires_at=None, if_version=1)
    await share.revoke(vault, bob, given.id)
    told = await events_of(vault, its.inner.id)
    assert told[1:] == [
        (EventName.SHARE_GRANTED, alice.user_id),
        (EventName.SHARE_UPDATED, alice.user_id),
        (EventName.SHARE_REVOKED, bob.user_id),
    ]


@pytest.mark.parametrize("email", ["nobody@example.com", "", " ", "\ud800", "\x00", "x" * 400])
async def test_only_people_who_have_been_here_can_be_given_something(vault, alice, its: Tree, email: str):
    wanted = share.Wanted(its.outer.id, email, Role.VIEWER)
    assert await refusal(share.grant(vault, alice, wanted)) == (Code.NOT_FOUND, ("email",))


async def test_the_address_may_be_written_in_any_case(vault, alice, bob, its: Tree):
    email = (await email_of(vault, bob)).upper()
    given = await share.grant(vault, alice, share.Wanted(its.outer.id, f" {email} ", Role.VIEWER))
    assert given.grantee_id == bob.user_id


async def test_a_stranger_who_shares_is_told_nothing_of_who_is_here(vault, alice, bob, carol, its: Tree):
    for email in (await email_of(vault, carol), "nobody@example.com"):
        wanted = share.Wanted(its.outer.id, email, Role.VIEWER)
        assert await refusal(share.grant(vault, bob, wanted)) == (Code.NOT_FOUND, ())


@pytest.mark.parametrize("role", [Role.VIEWER, Role.COMMENTER, Role.EDITOR])
async def test_less_than_a_manager_gives_nothing(vault, alice, bob, carol, its: Tree, role: Role):
    await give(vault, alice, its.outer.id, bob, role)
    assert await refusal(give(vault, bob, its.inner.id, carol)) == (Code.FORBIDDEN, ())
    assert await share_of(vault, its.inner.id, carol.user_id) is None


async def test_a_manager_gives_as_much_as_they_hold_and_for_as_long(vault, alice, bob, carol, its: Tree):
    end = soon()
    await give(vault, alice, its.outer.id, bob, Role.MANAGER, end)
    for until in (None, end + timedelta(seconds=1)):
        assert await refusal(give(vault, bob, its.file.id, carol, Role.VIEWER, until)) == (
            Code.FORBIDDEN,
            ("expiresAt",),
        )
    given = await give(vault, bob, its.file.id, carol, Role.MANAGER, end)
    for role, until in ((Role.VIEWER, None), (Role.MANAGER, end + timedelta(seconds=1))):
        changed = share.update(vault, bob, given.id, role=role, expires_at=until, if_version=None)
        assert (await refusal(changed))[0] is Code.FORBIDDEN
    lower = await share.update(vault, bob, given.id, role=Role.VIEWER, expires_at=soon(60), if_version=None)
    assert lower.role is Role.VIEWER


async def test_the_longest_of_equal_shares_is_what_one_holds(vault, alice, bob, carol, its: Tree):
    await give(vault, alice, its.inner.id, bob, Role.MANAGER, soon())
    await give(vault, alice, its.outer.id, bob, Role.MANAGER)
    assert (await give(vault, bob, its.file.id, carol)).expires_at is None


async def test_a_top_folder_is_not_shared(vault, alice, bob):
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    assert await refusal(give(vault, alice, root, bob)) == (Code.FORBIDDEN, ())


async def test_an_owner_a_past_end_and_oneself_are_refused(vault, alice, bob, its: Tree):
    await give(vault, alice, its.outer.id, bob, Role.MANAGER)
    assert await refusal(give(vault, bob, its.inner.id, alice)) == (Code.INVALID, ("email",))
    assert await refusal(give(vault, bob, its.inner.id, bob)) == (Code.INVALID, ("email",))
    assert await refusal(give(vault, alice, its.inner.id, bob, Role.OWNER)) == (Code.INVALID, ("role",))
    assert await refusal(give(vault, alice, its.inner.id, bob, until=soon(-1))) == (Code.INVALID, ("expiresAt",))


async def test_one_person_has_one_share_on_one_item(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.outer.id, bob)
    assert await refusal(give(vault, alice, its.outer.id, bob, Role.EDITOR)) == (Code.CONFLICT, ("email",))
    await run_out(vault, given)
    assert (await give(vault, alice, its.outer.id, bob, Role.EDITOR)).role is Role.EDITOR


async def test_nobody_changes_their_own_share_but_anybody_gives_it_back(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.outer.id, bob, Role.MANAGER, soon())
    own = share.update(vault, bob, given.id, role=Role.MANAGER, expires_at=None, if_version=None)
    assert (await refusal(own))[0] is Code.FORBIDDEN
    assert await share.revoke(vault, bob, given.id) == given
    assert await browse.folders(vault, bob, [its.outer.id]) == [None]


async def test_of_two_changes_from_one_state_the_second_is_stale(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.outer.id, bob)
    changes = [
        share.update(vault, alice, given.id, role=role, expires_at=None, if_version=given.stamp)
        for role in (Role.COMMENTER, Role.EDITOR, Role.MANAGER)
    ]
    ended = await asyncio.gather(*changes, return_exceptions=True)
    assert len([one for one in ended if not isinstance(one, Exception)]) == 1
    assert {one.code for one in ended if isinstance(one, VaultError)} <= {Code.STALE, Code.CONFLICT}


async def test_what_a_revoked_manager_gave_stays_and_is_the_owners_to_take_back(vault, alice, bob, carol, its: Tree):
    held = await give(vault, alice, its.outer.id, bob, Role.MANAGER)
    passed_on = await give(vault, bob, its.file.id, carol)
    await share.revoke(vault, alice, held.id)
    assert await browse.files(vault, carol, [its.file.id]) == [its.file]
    assert (await refusal(share.revoke(vault, bob, passed_on.id)))[0] is Code.NOT_FOUND
    await share.revoke(vault, alice, passed_on.id)
    assert await browse.files(vault, carol, [its.file.id]) == [None]


async def test_a_grant_that_races_with_the_givers_own_loss_is_not_written_after_it(vault, alice, bob, carol, its: Tree):
    """What was read must still stand in the transaction itself."""
    held = await give(vault, alice, its.outer.id, bob, Role.MANAGER)
    read = await share.held(vault, bob, its.file.id)
    await share.revoke(vault, alice, held.id)
    assert await refusal(vault.commit(read.still())) == (Code.CONFLICT, ())


async def test_a_grant_is_not_written_where_the_item_was_moved_away_meanwhile(vault, alice, bob, its: Tree):
    await give(vault, alice, its.outer.id, bob, Role.MANAGER)
    read = await share.held(vault, bob, its.file.id)
    root = (await account.viewer(vault, alice.user_id)).root_folder_id
    await organize.move_folder(vault, alice, its.inner.id, root)
    assert await refusal(vault.commit(read.still())) == (Code.CONFLICT, ())


async def test_a_share_that_ran_out_counts_for_nothing_and_is_swept_away(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.outer.id, bob, Role.MANAGER, soon())
    url = (await download.link(vault, bob, its.file.id)).url
    await run_out(vault, given)
    assert await browse.folders(vault, bob, [its.outer.id]) == [None]
    assert (await refusal(download.link(vault, bob, its.file.id)))[0] is Code.NOT_FOUND
    assert (await refusal(download.open(vault, bob, its.file.id, 1)))[0] is Code.NOT_FOUND
    assert url
    assert (await refusal(share.revoke(vault, alice, given.id)))[0] is Code.NOT_FOUND
    assert (await shared.with_me(vault, bob, 10, None)).shares == ()
    await sweep._shares(vault)
    assert await share_of(vault, its.outer.id, bob.user_id) is None
    assert (await events_of(vault, its.outer.id))[-1] == (EventName.SHARE_EXPIRED, "worker:sweep")


async def test_what_was_prolonged_meanwhile_is_not_swept_away(vault, alice, bob, its: Tree):
    late = await run_out(vault, await give(vault, alice, its.outer.id, bob, until=soon()))
    again = await give(vault, alice, its.outer.id, bob)
    assert await refusal(share.expire(vault, late)) == (Code.CONFLICT, ())
    assert await share_of(vault, its.outer.id, bob.user_id) == again


async def test_the_same_key_gives_once(vault, alice, bob, carol, its: Tree):
    wanted = share.Wanted(its.outer.id, await email_of(vault, bob), Role.VIEWER, idempotency_key="k")
    assert await share.grant(vault, alice, wanted) == await share.grant(vault, alice, wanted)
    other = share.Wanted(its.outer.id, await email_of(vault, carol), Role.VIEWER, idempotency_key="k")
    assert await refusal(share.grant(vault, alice, other)) == (Code.CONFLICT, ("idempotencyKey",))


async def test_who_may_share_sees_all_shares_and_others_their_own(vault, alice, bob, carol, its: Tree):
    own = await give(vault, alice, its.file.id, carol)
    above = await give(vault, alice, its.outer.id, bob, Role.MANAGER)
    key = PageKey(its.file.id, 10)
    for person, expected in ((alice, (own, above)), (bob, (own, above)), (carol, (own,))):
        (page,) = await shared.share_pages(vault, person, [key])
        assert page is not None
        assert page.shares == expected
        first, after = [], None
        while True:
            (one,) = await shared.share_pages(vault, person, [PageKey(its.file.id, 1, after)])
            first += one.shares
            if not one.has_next:
                break
            after = one.cursors[-1]
        assert tuple(first) == expected


async def test_a_stranger_sees_no_share(vault, alice, bob, carol, its: Tree):
    given = await give(vault, alice, its.outer.id, bob)
    assert await shared.share_pages(vault, carol, [PageKey(its.outer.id, 10)]) == [None]
    assert (await refusal(share.find(vault, carol, given.id)))[0] is Code.NOT_FOUND
    await give(vault, alice, its.outer.id, carol)
    assert (await refusal(share.find(vault, carol, given.id)))[0] is Code.NOT_FOUND


async def test_what_was_shared_with_me_comes_newest_first_in_pages(vault, alice, bob, carol):
    trees = [await tree(vault, alice, f"tree {number}") for number in range(5)]
    given = [await give(vault, alice, one.outer.id, bob) for one in trees]
    seen, after = [], None
    while True:
        page = await shared.with_me(vault, bob, 2, after)
        seen += page.shares
        if not page.has_next:
            break
        after = page.cursors[-1]
    assert seen == given[::-1]
    await share.revoke(vault, alice, given[4].id)
    await share.revoke(vault, bob, given[0].id)
    assert (await shared.with_me(vault, bob, 10, None)).shares == tuple(given[3:0:-1])
    assert (await shared.with_me(vault, carol, 10, None)).shares == ()


async def test_an_explanation_says_by_which_share_and_is_for_managers(vault, alice, bob, carol, its: Tree):
    above = await give(vault, alice, its.outer.id, bob, Role.EDITOR)
    told = await shared.explain(vault, alice, its.file.id, bob.user_id)
    assert told.reading.via == above
    assert {deed for deed, decision in told.decisions.items() if decision.allowed} == {
        Deed.READ,
        Deed.DOWNLOAD,
        Deed.COMMENT,
        Deed.EDIT,
        Deed.DELETE,
    }
    assert (await refusal(shared.explain(vault, bob, its.file.id, alice.user_id)))[0] is Code.FORBIDDEN
    assert (await refusal(shared.explain(vault, carol, its.file.id, alice.user_id)))[0] is Code.NOT_FOUND
    stranger = await shared.explain(vault, alice, its.file.id, carol.user_id)
    assert (stranger.reading.role, stranger.reading.allowed) == (None, False)


async def test_a_subscription_ends_when_the_share_on_a_folder_above_is_taken_back(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.outer.id, bob)
    async with aclosing(watch.file_status(vault, bob, file_id=its.file.id)) as states:
        assert (await anext(states)).file == its.file
        waiting = asyncio.ensure_future(anext(states))
        await asyncio.sleep(0)
        await share.revoke(vault, alice, given.id)
        async with asyncio.timeout(10):  # less than the time after which a watcher looks by itself
            assert (await refusal(waiting))[0] is Code.NOT_FOUND


async def test_a_share_survives_its_way_through_the_table(vault, alice, bob, its: Tree):
    given = await give(vault, alice, its.outer.id, bob, Role.MANAGER, soon())
    assert share_items.share_from(share_items.share_item(given)) == given
    assert await share_of(vault, its.outer.id, bob.user_id) == given
    assert await stored(vault, alice, its.outer.id, "unrelated") is not None
