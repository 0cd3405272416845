"""Access: a stranger learns nothing, a role may do all that a lower one may, and answers agree with enforcement."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import access
from vaultstream.access import NEEDS, Deed, Role
from vaultstream.errors import Code, VaultError
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, UserId

PEOPLE = st.sampled_from([UserId("user_a"), UserId("user_b"), UserId("user_c")])
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def folder(owner: UserId, *, root: bool) -> Folder:
    parent = None if root else FolderId("folder_p")
    return Folder(FolderId("folder_x"), owner, parent, "x", NOW, NOW)


@given(PEOPLE, PEOPLE, st.sampled_from(Deed), st.booleans())
def test_the_answer_is_what_is_enforced(person: UserId, owner: UserId, deed: Deed, root: bool) -> None:
    item = folder(owner, root=root)
    decision = access.decide(person, deed, item)
    assert access.capabilities(person, item)[deed] == decision.allowed
    if decision.allowed:
        assert access.require(person, deed, item) is decision.role
        return
    with pytest.raises(VaultError) as caught:
        access.require(person, deed, item)
    assert caught.value.code is (Code.NOT_FOUND if person != owner else Code.FORBIDDEN)


@given(PEOPLE, PEOPLE, st.sampled_from(Deed))
def test_a_stranger_cannot_tell_not_yours_from_not_there(person: UserId, owner: UserId, deed: Deed) -> None:
    answers = []
    for item in (None, folder(UserId("user_z"), root=False)):
        with pytest.raises(VaultError) as caught:
            access.require(person, deed, item)
        answers.append((caught.value.code, caught.value.message, caught.value.path))
    assert answers[0] == answers[1]


@given(st.sampled_from(Role), st.sampled_from(Role), st.sampled_from(Deed))
def test_a_higher_role_may_do_all_that_a_lower_one_may(one: Role, other: Role, deed: Deed) -> None:
    lower, higher = sorted((one, other))
    assert not (lower >= NEEDS[deed] and higher < NEEDS[deed])
