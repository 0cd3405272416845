"""Links: what one gives is bounded by its own terms, by what it is to, and never more than looking."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import access, ids
from vaultstream.access import Deed, Lineage
from vaultstream.folders import Folder
from vaultstream.ids import FolderId, UserId
from vaultstream.links import ShareLink, Terms
from vaultstream.shares import Role

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = [FolderId("folder_" + ids.ulid(depth, bytes(10))) for depth in range(5)]
TIMES = st.sampled_from([None, NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)])
OWNER = UserId("user_" + ids.ulid(9, bytes(10)))


@st.composite
def lineages(draw: st.DrawFn) -> Lineage:
    """A folder below others, any of them in the trash."""
    depth, trashed = draw(st.integers(1, 4)), draw(st.sampled_from([None, None, 0, 1, 2]))
    way = [
        Folder(
            PLACES[at], OWNER, PLACES[at - 1] if at else None, "x", NOW, NOW, trashed_at=NOW if trashed == at else None
        )
        for at in range(depth)
    ]
    item, *above = reversed(way)
    return Lineage(item, tuple(above))


TERMS = st.builds(Terms, st.just(Role.VIEWER), TIMES, TIMES, st.sampled_from([None, 1]), st.booleans())
LINKS = st.builds(
    ShareLink,
    st.sampled_from(PLACES).map(lambda place: ids.link_id(place, ids.ulid(1, bytes(10)))),
    st.just("0" * 64),
    st.just(OWNER),
    st.just(NOW),
    TERMS,
    revoked_at=st.sampled_from([None, None, NOW]),
)


@given(LINKS, st.sampled_from(Deed), lineages())
def test_a_link_gives_only_what_it_leads_to_and_only_while_it_is_open(link: ShareLink, deed: Deed, lineage: Lineage):
    decision = access.decide_link(link, deed, lineage, NOW)
    terms = link.terms
    begun = terms.starts_at is None or terms.starts_at <= NOW
    is_open = begun and (terms.expires_at is None or terms.expires_at > NOW) and link.revoked_at is None
    leads = link.item_id in {lineage.item.id, *(folder.id for folder in lineage.above)}
    reaches = is_open and leads and not lineage.in_trash
    assert (decision.role is not None) == reaches
    gives = {Deed.READ} if terms.view_only else {Deed.READ, Deed.DOWNLOAD}
    assert decision.allowed == (reaches and deed in gives)


@given(LINKS, st.sampled_from(Deed), lineages())
def test_a_revoked_link_gives_nothing(link: ShareLink, deed: Deed, lineage: Lineage):
    assert not access.decide_link(replace(link, revoked_at=NOW), deed, lineage, NOW).allowed


@given(LINKS)
def test_neither_secret_shows_in_a_link(link: ShareLink):
    kept = replace(link, token_sha256="the digest", password_hash="the hash")
    assert "the digest" not in repr(kept)
    assert "the hash" not in repr(kept)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.VIEWER])
def test_no_link_gives_more_than_looking(role: Role):
    with pytest.raises(ValueError, match="VIEWER"):
        Terms(role)
