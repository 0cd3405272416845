"""A link on other terms: it is the same link, with the same address and the same count."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from tests.actions.sharing_world import Tree, give, make_link, refusal, soon, tree
from vaultstream import table
from vaultstream.actions import amend, link, share, visit
from vaultstream.actions.amend import NewPassword, NewTerms
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records.attributes import to_attributes
from vaultstream.adapters.records.changes import Change
from vaultstream.adapters.records.link_items import link_key
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.ids import LinkId
from vaultstream.links import ShareLink, Terms
from vaultstream.shares import Role

HERE = Origin("request", "127.0.0.1", "tests")
SAME = NewPassword()


@pytest.fixture
async def its(vault: Vault, alice: Actor) -> Tree:
    return await tree(vault, alice)


async def change(
    vault: Vault, actor: Actor, made: link.Made, password: NewPassword = SAME, **terms: object
) -> ShareLink:
    return await amend.link(vault, actor, made.link.id, NewTerms(**terms), password)  # type: ignore[typeddict-item]


async def updates(vault: Vault, its: Tree) -> list[Event]:
    found: list[Event] = []
    for shard in table.outbox_shards():
        found += [one for one in await vault.records.undelivered(shard, "9", 1000) if one.item_id == its.file.id]
    return sorted((one for one in found if one.name is EventName.LINK_UPDATED), key=lambda one: one.id)


async def persistently(vault: Vault, actor: Actor, wanted: LinkId, terms: NewTerms) -> None:
    """The change, asked for again where others came between: nothing was done then."""
    while True:
        try:
            await amend.link(vault, actor, wanted, terms, SAME)
        except VaultError as error:
            if error.code not in {Code.CONFLICT, Code.STALE}:
                raise
            continue
        return


ENDS = st.none() | st.integers(60, 7200).map(soon)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "starts_at": st.none() | st.integers(1, 50).map(soon),
        "expires_at": ENDS,
        "max_downloads": st.none() | st.integers(1, 1000),
        "view_only": st.booleans(),
    },
)


@tried(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=CHANGES, then=CHANGES)
async def test_what_is_given_is_changed_and_nothing_else(vault, alice, its: Tree, first, then):
    made = await make_link(vault, alice, its.file.id)
    terms = Terms()
    for number, given_terms in enumerate((first, then), 2):
        changed = await change(vault, alice, made, **given_terms)
        terms = Terms(**({name: getattr(terms, name) for name in Terms.__slots__} | given_terms))
        assert changed.terms == terms
        assert changed.stamp == number
        assert changed.token_sha256 == made.link.token_sha256
        assert await link.find(vault, alice, made.link.id) == changed
        pointer = await vault.records.item(table.link_token(changed.token_sha256))
        item = await vault.records.item(link_key(changed))
        assert pointer is not None
        assert item is not None
        assert pointer["link_id"] == changed.id
        assert pointer.get(table.TTL) == item.get(table.TTL)
        assert (pointer.get(table.TTL) is None) == (terms.expires_at is None)


async def test_new_terms_hold_at_once_also_for_what_was_given_out(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id)
    assert made.token is not None
    await visit.ticket(vault, HERE, made.token, None, None)
    await change(vault, alice, made, view_only=True)
    assert (await refusal(visit.content(vault, made.link.id, HERE, its.file.id, 1)))[0] is Code.FORBIDDEN
    await change(vault, alice, made, starts_at=soon())
    assert (await refusal(visit.visit(vault, HERE, made.token)))[0] is Code.NOT_FOUND
    await change(vault, alice, made, starts_at=None, view_only=False)
    assert (await visit.content(vault, made.link.id, HERE, its.file.id, 1)).size_bytes == 5


async def test_more_downloads_open_a_link_that_was_used_up_and_fewer_close_it(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, max_downloads=1)
    assert made.token is not None
    await visit.ticket(vault, HERE, made.token, None, None)
    assert (await refusal(visit.ticket(vault, HERE, made.token, None, None)))[0] is Code.EXPIRED
    assert (await change(vault, alice, made, max_downloads=2)).downloads == 1
    await visit.ticket(vault, HERE, made.token, None, None)
    await change(vault, alice, made, max_downloads=1)
    assert (await refusal(visit.ticket(vault, HERE, made.token, None, None)))[0] is Code.EXPIRED
    assert (await change(vault, alice, made, max_downloads=None)).downloads == 2
    await visit.ticket(vault, HERE, made.token, None, None)


async def test_no_download_is_lost_however_often_the_terms_change_meanwhile(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, max_downloads=500)
    token = made.token or ""

    async def take() -> None:
        while True:
            try:
                await visit.ticket(vault, HERE, token, None, None)
            except VaultError as error:
                if error.code is not Code.CONFLICT:
                    raise
                continue
            return

    limits = [persistently(vault, alice, made.link.id, NewTerms(max_downloads=501 + number)) for number in range(12)]
    await asyncio.gather(*(take() for _ in range(30)), *limits)
    after = await link.find(vault, alice, made.link.id)
    assert after.downloads == 30
    assert after.stamp == 13


async def test_of_two_who_saw_the_same_link_the_later_one_is_told(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id)
    await amend.link(vault, alice, made.link.id, NewTerms(view_only=True), SAME, if_version=1)
    late = amend.link(vault, alice, made.link.id, NewTerms(view_only=False), SAME, if_version=1)
    assert await refusal(late) == (Code.STALE, ("ifVersion",))
    assert (await link.find(vault, alice, made.link.id)).terms.view_only


async def test_a_revoked_link_stays_over(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id)
    await link.revoke(vault, alice, made.link.id)
    assert (await refusal(change(vault, alice, made, expires_at=soon())))[0] is Code.CONFLICT
    assert await vault.records.item(table.link_token(made.link.token_sha256)) is None


async def test_revoking_and_changing_at_once_never_leave_a_way_to_a_revoked_link(vault, alice, its: Tree):
    for _ in range(8):
        made = await make_link(vault, alice, its.file.id)
        both = change(vault, alice, made, view_only=True), link.revoke(vault, alice, made.link.id)
        ended = await asyncio.gather(*both, return_exceptions=True)
        codes = {one.code for one in ended if isinstance(one, VaultError)}
        assert codes <= {Code.CONFLICT, Code.STALE}
        after = await link.find(vault, alice, made.link.id)
        way = await vault.records.item(table.link_token(made.link.token_sha256))
        assert (after.revoked_at is None) == (way is not None)


async def test_a_new_password_is_asked_for_at_once_and_forgets_what_was_guessed(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, password="correct horse")
    assert made.token is not None
    for _ in range(visit.GUESSES_MAX):
        await refusal(visit.visit(vault, HERE, made.token, "wrong"))
    assert (await refusal(visit.visit(vault, HERE, made.token, "correct horse")))[0] is Code.LIMITED
    await change(vault, alice, made, view_only=True)
    assert (await refusal(visit.visit(vault, HERE, made.token, "correct horse")))[0] is Code.LIMITED
    await change(vault, alice, made, NewPassword(password="battery staple"))
    assert (await refusal(visit.visit(vault, HERE, made.token, "correct horse")))[0] is Code.FORBIDDEN
    assert (await visit.visit(vault, HERE, made.token, "battery staple")).item == its.file
    without = await change(vault, alice, made, NewPassword(password=None))
    assert without.password_hash is None
    assert (await visit.visit(vault, HERE, made.token)).item == its.file


@pytest.mark.parametrize(
    ("terms", "password", "path"),
    [
        ({"expires_at": soon(-1)}, SAME, "expiresAt"),
        ({"starts_at": soon(20), "expires_at": soon(10)}, SAME, "expiresAt"),
        ({"max_downloads": 0}, SAME, "maxDownloads"),
        ({}, NewPassword(password="short"), "password"),
    ],
)
async def test_unlawful_terms_are_refused_and_change_nothing(vault, alice, its: Tree, terms, password, path: str):
    made = await make_link(vault, alice, its.file.id)
    assert await refusal(change(vault, alice, made, password, **terms)) == (Code.INVALID, (path,))
    assert await link.find(vault, alice, made.link.id) == made.link
    assert await updates(vault, its) == []


async def test_a_link_is_changed_by_those_who_may_share_and_never_past_what_they_hold(vault, alice, bob, newcomer, its):
    made, carol = await make_link(vault, alice, its.file.id), await newcomer()
    assert (await refusal(change(vault, carol, made, view_only=True)))[0] is Code.NOT_FOUND
    end = soon()
    given_share = await give(vault, alice, its.outer.id, bob, Role.EDITOR)
    assert (await refusal(change(vault, bob, made, view_only=True)))[0] is Code.NOT_FOUND
    await share.update(vault, alice, given_share.id, role=Role.MANAGER, expires_at=end, if_version=None)
    for terms in ({}, {"expires_at": None}, {"expires_at": end + timedelta(seconds=1)}):
        assert await refusal(change(vault, bob, made, **terms)) == (Code.FORBIDDEN, ("expiresAt",))
    assert (await change(vault, bob, made, expires_at=end)).terms.expires_at == end


async def test_what_was_changed_is_recorded_without_the_password(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id)
    await change(vault, alice, made, NewPassword(password="correct horse"), max_downloads=3)
    (event,) = await updates(vault, its)
    assert (event.subject, event.topics) == (alice.user_id, (its.file.id,))
    assert event.details == {
        "link_id": made.link.id,
        "has_password": True,
        "is_password_new": True,
        "starts_at": None,
        "expires_at": None,
        "max_downloads": 3,
        "view_only": False,
    }
    assert "horse" not in event.to_json()


async def test_a_link_from_before_its_changes_were_counted_can_be_changed(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id)
    key = to_attributes(link_key(made.link).attributes())
    older = Change("Update", {"Key": key, "UpdateExpression": "REMOVE stamp"}, VaultError(Code.CONFLICT, "never"))
    await vault.commit([older])
    assert await link.find(vault, alice, made.link.id) == made.link
    assert (await change(vault, alice, made, view_only=True)).stamp == 2
