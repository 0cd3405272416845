"""Access tokens: a program may do what its person may, if its token is for that and the item within its bounds."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.test_access import NOW, PEOPLE, PLACES, lineages
from vaultstream import access, table, tokens
from vaultstream.access import SCOPES, Deed, Lineage
from vaultstream.adapters.records import token_items
from vaultstream.errors import Code, VaultError
from vaultstream.ids import FolderId, TokenId, UserId, ulid
from vaultstream.tokens import AccessToken, Grant, Roll, Scope

SCOPE_SETS = st.frozensets(st.sampled_from(Scope), min_size=1).map(tokens.scopes_of)
BOUNDS = st.sampled_from([None, *PLACES, FolderId("folder_elsewhere")])
GRANTS = st.builds(Grant, st.just(TokenId("token_t")), SCOPE_SETS, BOUNDS)
ENDS = st.integers(-5, 50).map(lambda minutes: NOW + timedelta(minutes=minutes))


def by(grant: Grant | None, lineage: Lineage) -> Lineage:
    """The same item, as the bearer of such a token comes to it."""
    return Lineage(lineage.item, lineage.above, lineage.shares, grant)


def is_inside(grant: Grant, lineage: Lineage) -> bool:
    return grant.folder_id in {None, lineage.item.id, *(folder.id for folder in lineage.above)}


def test_every_deed_has_its_scope_and_only_purging_has_none() -> None:
    assert set(SCOPES) == set(Deed)
    assert {deed for deed, scope in SCOPES.items() if scope is None} == {Deed.PURGE}
    assert set(SCOPES.values()) == {*Scope, None}


@given(PEOPLE, st.sampled_from(Deed), lineages(), GRANTS)
def test_a_token_lets_do_what_its_person_may_within_its_scopes_and_bounds(
    person: UserId, deed: Deed, lineage: Lineage, grant: Grant
) -> None:
    own, theirs = (access.decide(person, deed, by(each, lineage), NOW) for each in (None, grant))
    assert theirs.allowed == (own.allowed and SCOPES[deed] in grant.scopes and is_inside(grant, lineage))
    assert theirs.role == (own.role if is_inside(grant, lineage) else None)
    capabilities = access.capabilities(person, by(grant, lineage), NOW)
    assert capabilities[deed] == theirs.allowed
    assert not capabilities[Deed.PURGE]


@given(PEOPLE, st.sampled_from(Deed), lineages(), GRANTS)
def test_what_is_out_of_bounds_is_not_there_and_what_the_scope_lacks_is_named(
    person: UserId, deed: Deed, lineage: Lineage, grant: Grant
) -> None:
    if not access.decide(person, deed, lineage, NOW).allowed:
        return
    if access.decide(person, deed, by(grant, lineage), NOW).allowed:
        access.require_scope(grant, deed)
        return
    with pytest.raises(VaultError) as caught:
        access.require(person, deed, by(grant, lineage), NOW)
    if not is_inside(grant, lineage):
        with pytest.raises(VaultError) as absent:
            access.require(person, deed, None, NOW)
        assert (caught.value.code, caught.value.message) == (Code.NOT_FOUND, absent.value.message)
        return
    assert caught.value.code is Code.FORBIDDEN
    assert (SCOPES[deed] or "sign in yourself") in caught.value.message
    with pytest.raises(VaultError, match=SCOPES[deed] or "sign in yourself"):
        access.require_scope(grant, deed)


@given(PEOPLE, st.sampled_from(Deed), lineages(), GRANTS, SCOPE_SETS, BOUNDS)
def test_a_token_with_fewer_scopes_or_bounds_never_lets_do_more(
    person: UserId, deed: Deed, lineage: Lineage, grant: Grant, scopes: frozenset[Scope], bound: FolderId | None
) -> None:
    less = Grant(grant.token_id, grant.scopes & scopes, grant.folder_id or bound)
    lesser, full = (access.decide(person, deed, by(each, lineage), NOW).allowed for each in (less, grant))
    assert lesser <= full


def test_scopes_take_in_reading_and_no_scope_is_none() -> None:
    assert tokens.scopes_of([Scope.SHARE]) == {Scope.READ, Scope.SHARE}
    assert tokens.scopes_of([Scope.WRITE]) == {Scope.READ, Scope.WRITE}
    with pytest.raises(VaultError, match="at least one"):
        tokens.scopes_of([])
    with pytest.raises(ValueError, match="READ"):
        Grant(TokenId("token_t"), frozenset({Scope.WRITE}))


@given(st.binary(min_size=32, max_size=32), st.data())
def test_a_secret_with_one_character_changed_is_none(random: bytes, data: st.DataObject) -> None:
    secret = tokens.secret_of(random)
    assert tokens.is_secret(secret)
    at = data.draw(st.integers(0, len(secret) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefXvst_").filter(lambda char: char != secret[at]))
    assert not tokens.is_secret(secret[:at] + other + secret[at + 1 :])
    assert not tokens.is_secret(secret[:-1])
    assert not tokens.is_secret(secret + "\n")


@given(st.binary(max_size=40).filter(lambda random: len(random) != 32))
def test_a_secret_has_256_bits(random: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tokens.secret_of(random)


@given(st.text())
def test_a_name_says_something_and_no_more_than_a_line(text: str) -> None:
    try:
        kept = tokens.lawful_name(text)
    except VaultError as error:
        assert (error.code, error.path) == (Code.INVALID, ("name",))
        return
    assert kept == text.strip()
    assert 0 < len(kept) <= 100
    assert kept.isprintable()


@given(st.timedeltas(timedelta(days=-1000), timedelta(days=1000)))
def test_a_token_ends_within_a_year(life: timedelta) -> None:
    if timedelta(0) < life <= timedelta(days=366):
        assert tokens.lawful_end(NOW + life, NOW) == NOW + life
        return
    with pytest.raises(VaultError) as caught:
        tokens.lawful_end(NOW + life, NOW)
    assert (caught.value.code, caught.value.path) == (Code.INVALID, ("expiresAt",))


def token(unique: object, ends: datetime, grant: Grant | None = None) -> AccessToken:
    grant = grant or Grant(TokenId(f"token_{unique}"), frozenset({Scope.READ}))
    return AccessToken(UserId("user_a"), grant, "a name", "digest", NOW, ends)


@given(st.lists(ENDS, max_size=120), st.integers(0, 60))
def test_a_roll_never_holds_more_than_may_be_good_and_has_room_for_what_ended(ends: list[datetime], later: int) -> None:
    roll, now = Roll({}), NOW
    for number, end in enumerate(ends):
        live = sum(now < each for each in roll.ends.values())
        if live == tokens.TOKENS_MAX:
            with pytest.raises(VaultError) as caught:
                roll.adding(token(number, end), now)
            assert caught.value.code is Code.QUOTA_EXCEEDED
            now += timedelta(minutes=later)
            continue
        before, roll = roll, roll.adding(token(number, end), now)
        assert len(roll.ends) == live + 1
        assert roll.stamp == before.stamp + 1
        assert roll.without(TokenId(f"token_{number}")).ends == {k: v for k, v in before.ends.items() if now < v}


@given(GRANTS, ENDS, ENDS, st.sampled_from([None, NOW]))
def test_a_token_is_good_until_it_ends_or_is_revoked_and_reads_back_from_both_its_items(
    grant: Grant, ends: datetime, moment: datetime, revoked_at: datetime | None
) -> None:
    kept = AccessToken(UserId("user_a"), grant, "a name", "digest", NOW, ends, NOW, revoked_at)
    assert kept.holds(moment) == (revoked_at is None and moment < ends)
    for item in (token_items.token_item(kept), token_items.secret_item(kept)):
        assert token_items.token_from({name: value for name, value in item.items() if value is not None}) == kept
    roll = Roll({kept.id: ends}, 3)
    assert token_items.roll_from(token_items.roll_item(kept.user_id, roll)) == roll
    assert "digest" not in repr(kept)


def test_tokens_share_no_key_with_anything_else() -> None:
    unique = ulid(1, bytes(10))
    keys = [
        table.user(unique),
        table.access_token(unique),
        table.persons_token(unique, unique),
        table.token_roll(unique),
        table.once(f"token_{unique}", "key"),
        table.once(f"user_{unique}", "key"),
    ]
    assert len(set(keys)) == len(keys)
    assert table.TOKEN < table.persons_token(unique, unique).sk < table.TOKEN_END
