"""Access: a stranger learns nothing, a higher role may do all that a lower one may, answers agree with enforcement."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import access
from vaultstream.access import NEEDS, Deed, Lineage, Role
from vaultstream.errors import Code, VaultError
from vaultstream.files import File
from vaultstream.folders import Folder
from vaultstream.ids import FileId, FolderId, TokenId, UserId, version_id
from vaultstream.shares import Share
from vaultstream.tokens import Grant, Scope
from vaultstream.versions import Version

PEOPLE = st.sampled_from([UserId("user_a"), UserId("user_b"), UserId("user_c")])
ROLES = st.sampled_from([role for role in Role if role is not Role.OWNER])
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = st.sampled_from([None, NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)])
PLACES = [FolderId(f"folder_{depth}") for depth in range(5)]
SCOPES = st.sets(st.sampled_from(Scope)).map(lambda scopes: frozenset(scopes | {Scope.READ}))
GRANTS = st.builds(Grant, st.just(TokenId("token_t")), SCOPES, st.sampled_from([None, None, *PLACES[:2]]))
VERSION = Version(version_id(FileId("file_f"), "1"), FileId("file_f"), 1, 7, "text/plain", UserId("user_a"), NOW)


@st.composite
def lineages(draw: st.DrawFn) -> Lineage:
    """A folder below others of one owner, with shares on any of them and on places that are elsewhere."""
    owner, depth = draw(PEOPLE), draw(st.integers(1, 4))
    trashed = draw(st.sampled_from([None, *range(depth)]))
    way = [
        Folder(
            PLACES[level], owner, PLACES[level - 1] if level else None, "x", NOW, NOW, NOW if trashed == level else None
        )
        for level in range(depth)
    ]
    places = st.sampled_from([*PLACES[:depth], FolderId("folder_elsewhere")])
    shares = st.builds(Share, places, PEOPLE, ROLES, st.just(owner), st.just(NOW), TIMES)
    item, *above = reversed(way)
    return Lineage(item, tuple(above), tuple(draw(st.lists(shares, max_size=4))))


@given(PEOPLE, st.sampled_from(Deed), lineages())
def test_the_answer_is_what_is_enforced(person: UserId, deed: Deed, lineage: Lineage) -> None:
    decision = access.decide(person, deed, lineage, NOW)
    assert access.capabilities(person, lineage, NOW)[deed] == decision.allowed
    if decision.allowed:
        assert access.require(person, deed, lineage, NOW) == decision
        return
    with pytest.raises(VaultError) as caught:
        access.require(person, deed, lineage, NOW)
    assert caught.value.code is (Code.NOT_FOUND if decision.role is None else Code.FORBIDDEN)


@st.composite
def pages(draw: st.DrawFn) -> list[Lineage]:
    """A folder, and what is in it: files and folders, with shares on some; all for one person or one program."""
    folder, grant = draw(lineages()), draw(st.none() | GRANTS)
    item, whole = folder.item, (folder.item, *folder.above)
    page = [replace(folder, grant=grant)]
    for number in range(draw(st.integers(2, 6))):
        trashed = draw(st.sampled_from([None, NOW]))
        child = draw(
            st.sampled_from(
                [
                    File(FileId(f"file_{number}"), item.owner_id, item.id, "x", NOW, NOW, VERSION),
                    Folder(FolderId(f"folder_in_{number}"), item.owner_id, item.id, "x", NOW, NOW),
                ]
            )
        )
        on_it = st.builds(Share, st.just(child.id), PEOPLE, ROLES, st.just(item.owner_id), st.just(NOW), TIMES)
        shares = (*folder.shares, *draw(st.lists(on_it, max_size=2)))
        page.append(Lineage(replace(child, trashed_at=trashed), whole, shares, grant))
    return page


@given(PEOPLE, pages())
def test_what_is_alike_is_judged_alike(person: UserId, page: list[Lineage]) -> None:
    """The person's own shares are all that a lineage holds."""
    judged: dict[Hashable, Mapping[Deed, bool]] = {}
    for each in page:
        lineage = replace(each, shares=tuple(share for share in each.shares if share.grantee_id == person))
        able = access.capabilities(person, lineage, NOW)
        assert judged.setdefault(access.alike(person, each.item), able) == able


def test_a_page_of_ones_own_files_is_judged_once() -> None:
    owner, page = (
        UserId("user_a"),
        [File(FileId(f"file_{n}"), UserId("user_a"), PLACES[0], "x", NOW, NOW, VERSION) for n in range(3)],
    )
    assert len({access.alike(owner, it) for it in page}) == 1
    assert len({access.alike(UserId("user_b"), it) for it in page}) == 3


@given(PEOPLE, st.sampled_from(Deed), lineages())
def test_a_stranger_cannot_tell_not_yours_from_not_there(person: UserId, deed: Deed, lineage: Lineage) -> None:
    if access.decide(person, deed, lineage, NOW).role is not None:
        return
    answers = []
    for found in (None, lineage):
        with pytest.raises(VaultError) as caught:
            access.require(person, deed, found, NOW)
        answers.append((caught.value.code, caught.value.message, caught.value.path))
    assert answers[0] == answers[1]


@given(PEOPLE, st.sampled_from(Deed), lineages())
def test_nobody_has_more_than_the_best_share_that_holds_above_them(
    person: UserId, deed: Deed, lineage: Lineage
) -> None:
    decision = access.decide(person, deed, lineage, NOW)
    if person == lineage.item.owner_id:
        assert decision.role is Role.OWNER
        return
    above = {lineage.item.id, *(folder.id for folder in lineage.above)}
    held = [
        share.role
        for share in lineage.shares
        if share.grantee_id == person and share.item_id in above and (not share.expires_at or share.expires_at > NOW)
    ]
    assert decision.role == (None if lineage.in_trash else max(held, default=None))
    assert decision.via is None or decision.via.role is decision.role


@given(PEOPLE, lineages())
def test_what_is_in_the_trash_is_its_owners_to_see_and_nobodys_to_change(person: UserId, lineage: Lineage) -> None:
    if not lineage.in_trash:
        return
    allowed = {deed for deed, may in access.capabilities(person, lineage, NOW).items() if may}
    assert allowed <= ({Deed.READ, Deed.RESTORE, Deed.PURGE} if person == lineage.item.owner_id else set())


@given(st.sampled_from(Role), st.sampled_from(Role), st.sampled_from(Deed))
def test_a_higher_role_may_do_all_that_a_lower_one_may(one: Role, other: Role, deed: Deed) -> None:
    lower, higher = sorted((one, other))
    assert not (lower >= NEEDS[deed] and higher < NEEDS[deed])


@given(st.sampled_from(Deed), lineages(), PEOPLE)
def test_one_more_share_never_takes_anything_away(deed: Deed, lineage: Lineage, person: UserId) -> None:
    more = Share(lineage.item.id, person, Role.VIEWER, lineage.item.owner_id, NOW)
    with_more = Lineage(lineage.item, lineage.above, (*lineage.shares, more))
    assert access.decide(person, deed, lineage, NOW).allowed <= access.decide(person, deed, with_more, NOW).allowed


def test_ownership_cannot_be_shared() -> None:
    with pytest.raises(ValueError, match="owner"):
        Share(PLACES[0], UserId("user_a"), Role.OWNER, UserId("user_b"), NOW)
