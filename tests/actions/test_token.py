"""Access tokens in the vault: made, listed and ended by persons alone, and let in by their secrets."""

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.actions.sharing_world import refusal, tree
from tests.actions.token_world import END, make, program, wanted
from vaultstream import table, tokens
from vaultstream.actions import admit, token
from vaultstream.actor import Actor
from vaultstream.adapters.records import token_changes, token_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import Event, EventName
from vaultstream.ids import TokenId
from vaultstream.tokens import AccessToken, Grant, Roll, Scope


async def told(vault: Vault, actor: Actor, *names: EventName) -> list[Event]:
    found = [each for shard in table.outbox_shards() for each in await vault.records.undelivered(shard, "9", 1000)]
    return [each for each in found if each.subject == actor.user_id and each.name in names]


async def kept(vault: Vault, made: AccessToken) -> AccessToken:
    found = await token.load(vault, made.user_id, made.id)
    assert found is not None
    return found


async def refused(vault: Vault, secret: str) -> tuple[Code, str]:
    with pytest.raises(VaultError) as caught:
        await admit.by_secret(vault, secret)
    return caught.value.code, caught.value.message


async def test_a_secret_is_shown_once_and_kept_nowhere(vault: Vault, alice: Actor) -> None:
    its = await tree(vault, alice)
    made = await make(vault, alice, Scope.WRITE, folder_id=its.outer.id)
    assert made.secret is not None
    assert await admit.by_secret(vault, made.secret) == made.token == await token.find(vault, alice, made.token.id)
    assert made.token.grant.scopes == {Scope.READ, Scope.WRITE}
    assert made.secret not in repr(made)
    things = await vault.records.collection(table.user(alice.user_id).pk, limit=100)
    (event,) = await told(vault, alice, EventName.TOKEN_CREATED)
    random = made.secret.removeprefix(tokens.PREFIX)[:16]
    assert random not in f"{things}{event.to_json()}{made}"
    assert event.item_id == its.outer.id
    assert event.details == {"token_id": made.token.id, "scopes": ["READ", "WRITE"], "expires_at": END.isoformat()}


async def test_what_opens_nothing_has_one_answer(vault: Vault, alice: Actor) -> None:
    revoked, ended = await make(vault, alice), tokens.secret_of(secrets.token_bytes(32))
    await token.revoke(vault, alice, revoked.token.id)
    grant = Grant(TokenId(vault.new_id("token")), frozenset({Scope.READ}))
    past = vault.now() - timedelta(seconds=1)
    over = AccessToken(alice.user_id, grant, "over", tokens.digest(ended), past - timedelta(days=1), past)
    await vault.commit(token_changes.add_token(over))
    unknown = tokens.secret_of(secrets.token_bytes(32))
    given = [
        revoked.secret or "",
        ended,
        unknown,
        unknown[:-1],
        tokens.PREFIX,
        tokens.PREFIX + "x" * 9000,
        "vst_\udcff",
    ]
    answers = {await refused(vault, each) for each in given}
    assert {code for code, _ in answers} == {Code.UNAUTHENTICATED}
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": ()}, "scopes"),
        ({"expires_at": datetime.now(UTC)}, "expiresAt"),
        ({"expires_at": datetime.now(UTC) + timedelta(days=367)}, "expiresAt"),
    ],
)
async def test_a_token_has_a_name_a_scope_and_an_end(vault: Vault, alice: Actor, terms: dict, path: str) -> None:
    assert await refusal(token.create(vault, alice, replace(wanted(), **terms))) == (Code.INVALID, (path,))
    assert (await token.page(vault, alice, 10)).tokens == ()


async def test_a_token_is_bound_to_nothing_that_its_person_may_not_see(vault: Vault, alice: Actor, bob: Actor) -> None:
    its = await tree(vault, alice)
    assert await refusal(make(vault, bob, folder_id=its.outer.id)) == (Code.NOT_FOUND, ())


async def test_a_program_makes_sees_and_ends_no_tokens(vault: Vault, alice: Actor) -> None:
    bearer = await program(vault, alice)
    assert bearer.grant is not None
    for deed in (
        token.create(vault, bearer, wanted()),
        token.page(vault, bearer, 10),
        token.find(vault, bearer, bearer.grant.token_id),
        token.revoke(vault, bearer, bearer.grant.token_id),
    ):
        assert (await refusal(deed))[0] is Code.FORBIDDEN
    assert len((await token.page(vault, alice, 10)).tokens) == 1


async def test_anothers_token_is_not_there(vault: Vault, alice: Actor, bob: Actor) -> None:
    made = await make(vault, alice)
    for deed in (token.find(vault, bob, made.token.id), token.revoke(vault, bob, made.token.id)):
        assert (await refusal(deed))[0] is Code.NOT_FOUND
    assert await admit.by_secret(vault, made.secret or "") == made.token


async def test_the_same_key_makes_one_token_and_repeats_no_secret(vault: Vault, alice: Actor) -> None:
    made = await asyncio.gather(*(token.create(vault, alice, wanted(key="k")) for _ in range(4)))
    assert len({each.token.id for each in made}) == 1
    assert sum(each.secret is not None for each in made) == 1
    assert len((await token.page(vault, alice, 10)).tokens) == 1
    assert await refusal(token.create(vault, alice, wanted(Scope.READ, key="k"))) == (
        Code.CONFLICT,
        ("idempotencyKey",),
    )


async def test_nobody_has_more_tokens_than_there_may_be_however_many_ask_at_once(vault: Vault, alice: Actor) -> None:
    others = {TokenId(f"token_{number}"): END for number in range(tokens.TOKENS_MAX - 3)}
    others[TokenId("token_over")] = vault.now()
    await vault.commit([token_changes.keep_roll(alice.user_id, Roll(others, 1))])
    asked = await asyncio.gather(*(make(vault, alice) for _ in range(5)), return_exceptions=True)
    made = [each for each in asked if isinstance(each, token.Made)]
    assert len(made) == 3
    assert {each.code for each in asked if isinstance(each, VaultError)} == {Code.QUOTA_EXCEEDED}
    await token.revoke(vault, alice, made[0].token.id)
    assert (await make(vault, alice)).secret is not None
    assert (await refusal(make(vault, alice)))[0] is Code.QUOTA_EXCEEDED


async def test_a_revoked_token_is_over_at_once_and_stays_in_the_list(vault: Vault, alice: Actor) -> None:
    made = [await make(vault, alice) for _ in range(3)]
    gone = await token.revoke(vault, alice, made[1].token.id)
    assert gone.revoked_at is not None
    again = await asyncio.gather(*(token.revoke(vault, alice, gone.id) for _ in range(3)))
    assert {each.revoked_at for each in again} == {gone.revoked_at}
    (event,) = await told(vault, alice, EventName.TOKEN_REVOKED)
    assert (event.topics, event.details) == ((gone.id,), {"token_id": gone.id})
    first = await token.page(vault, alice, 2)
    second = await token.page(vault, alice, 2, first.cursors[-1])
    assert [each.id for each in (*first.tokens, *second.tokens)] == [each.token.id for each in reversed(made)]
    assert [each.revoked_at for each in first.tokens] == [None, gone.revoked_at]
    assert (first.has_next, second.has_next) == (True, False)


async def test_two_who_revoke_at_once_leave_one_record(vault: Vault, alice: Actor) -> None:
    made = await make(vault, alice)
    ended = await asyncio.gather(*(token.revoke(vault, alice, made.token.id) for _ in range(4)))
    assert all(each.revoked_at is not None for each in ended)
    assert len(await told(vault, alice, EventName.TOKEN_REVOKED)) == 1


async def test_the_last_use_is_noted_once_a_minute(vault: Vault, alice: Actor) -> None:
    made = await make(vault, alice)
    await asyncio.gather(*(admit.note_use(vault, made.token) for _ in range(3)))
    first = (await kept(vault, made.token)).last_used_at
    assert first is not None
    assert (await admit.by_secret(vault, made.secret or "")).last_used_at == first
    await admit.note_use(vault, await kept(vault, made.token))  # within the minute
    await admit.note_use(vault, made.token)  # by one who has not heard of it
    assert (await kept(vault, made.token)).last_used_at == first
    long_ago = first - admit.NOTED_FOR
    await vault.commit(token_changes.note_use(made.token, long_ago, first))
    await admit.note_use(vault, await kept(vault, made.token))
    assert ((await kept(vault, made.token)).last_used_at or long_ago) > first


async def test_a_use_that_is_noted_late_brings_no_revoked_token_back(vault: Vault, alice: Actor) -> None:
    made = await make(vault, alice)
    await token.revoke(vault, alice, made.token.id)
    await admit.note_use(vault, made.token)
    assert await vault.records.item(table.access_token(made.token.secret_sha256)) is None
    assert (await kept(vault, made.token)).last_used_at is None


async def test_an_address_holds_no_longer_than_the_token_it_was_made_for(vault: Vault, alice: Actor) -> None:
    made = await make(vault, alice)
    bearer = await admit.holder(vault, alice.origin, alice.user_id, made.token.id)
    assert bearer.grant == made.token.grant
    assert (await admit.holder(vault, alice.origin, alice.user_id, None)).grant is None
    await token.revoke(vault, alice, made.token.id)
    assert (await refusal(admit.holder(vault, alice.origin, alice.user_id, made.token.id)))[0] is Code.NOT_FOUND
    assert (await refusal(admit.require_still(vault, bearer)))[0] is Code.UNAUTHENTICATED
    await admit.require_still(vault, alice)


async def test_what_the_table_keeps_goes_by_itself(vault: Vault, alice: Actor) -> None:
    made = await make(vault, alice)
    ends = int(made.token.expires_at.timestamp())
    found = await vault.records.items(
        [token_items.key_of(alice.user_id, made.token.id), table.access_token(made.token.secret_sha256)]
    )
    assert [item and item[table.TTL] for item in found] == [ends + 30 * 24 * 3600, ends]
