"""Links: what a token opens, for how long, how often, and how it ends."""

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from clocks import moved

from tests.actions.growing import stored
from tests.actions.sharing_world import Tree, give, make_link, refusal, soon, tree
from vaultstream import table
from vaultstream.actions import link, organize, shared, visit
from vaultstream.actions.shared import PageKey
from vaultstream.actor import Actor, Origin
from vaultstream.adapters.records import link_items
from vaultstream.adapters.vault import Vault
from vaultstream.errors import Code, VaultError
from vaultstream.events import EventName
from vaultstream.ids import LinkId
from vaultstream.shares import Role
from vaultstream.versions import ScanStatus

HERE = Origin("request", "127.0.0.1", "tests")


@pytest.fixture
async def its(vault: Vault, alice: Actor) -> Tree:
    return await tree(vault, alice)


def link_of(url: str) -> LinkId:
    return LinkId(parse_qs(urlsplit(url).query)["link"][0])


async def read(vault: Vault, link_id: LinkId, its: Tree) -> bytes:
    content = await visit.content(vault, link_id, HERE, its.file.id, 1)
    return b"".join([piece async for piece in content.read(0, content.size_bytes)])


async def test_a_link_opens_what_lies_under_it_and_nothing_else(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.inner.id)
    assert made.token is not None
    assert (await visit.visit(vault, HERE, made.token)).item == its.inner
    assert (await visit.visit(vault, HERE, made.token, None, its.file.id)).item == its.file
    for elsewhere in (its.outer.id, (await tree(vault, alice, "other")).file.id):
        assert (await refusal(visit.visit(vault, HERE, made.token, None, elsewhere)))[0] is Code.NOT_FOUND
    page = await visit.page(vault, await visit.visit(vault, HERE, made.token), 10, None)
    assert page is not None
    assert page.children == (its.file,)


async def test_only_the_digest_of_a_token_is_kept(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, password="correct horse")
    assert made.token is not None
    assert len(made.token) == 43
    kept = await vault.records.collection(table.item(its.file.id).pk, limit=100)
    kept.append(await vault.records.item(table.link_token(link.digest(made.token))))
    assert made.token not in str(kept)
    assert "correct horse" not in str(kept)
    assert made.token not in repr(made)
    assert "argon2id" in str(kept)
    assert link_items.link_from(link_items.link_item(made.link)) == made.link


@pytest.mark.parametrize("token", ["", "x", "é" * 43, "\ud800", "A" * 10_000])
async def test_what_is_no_token_opens_nothing(vault, token: str):
    assert await refusal(visit.visit(vault, HERE, token)) == (Code.NOT_FOUND, ())


async def test_links_are_made_listed_and_revoked_by_those_who_may_share(vault, alice, bob, newcomer, its: Tree):
    carol = await newcomer()
    await give(vault, alice, its.outer.id, bob, Role.EDITOR)
    assert (await refusal(make_link(vault, bob, its.file.id)))[0] is Code.FORBIDDEN
    assert (await refusal(make_link(vault, carol, its.file.id)))[0] is Code.NOT_FOUND
    made = await make_link(vault, alice, its.file.id)
    for person in (bob, carol):
        assert (await refusal(link.find(vault, person, made.link.id)))[0] is Code.NOT_FOUND
        assert (await refusal(link.revoke(vault, person, made.link.id)))[0] is Code.NOT_FOUND
    pages = [(await shared.link_pages(vault, one, [PageKey(its.file.id, 10)]))[0] for one in (alice, bob, carol)]
    assert [page and page.links for page in pages] == [(made.link,), (), None]


async def test_a_revoked_link_and_what_it_gave_out_end_at_once(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id)
    assert made.token is not None
    ticket = link_of(await visit.ticket(vault, HERE, made.token, None, None))
    assert await read(vault, ticket, its) == b"hello"
    revoked = await link.revoke(vault, alice, made.link.id)
    assert revoked.revoked_at is not None
    assert revoked.downloads == 1
    assert await link.revoke(vault, alice, made.link.id) == revoked
    assert (await refusal(visit.visit(vault, HERE, made.token)))[0] is Code.NOT_FOUND
    assert (await refusal(read(vault, ticket, its)))[0] is Code.NOT_FOUND


async def test_a_link_that_leads_elsewhere_now_gives_nothing_of_where_it_led(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.outer.id)
    assert made.token is not None
    ticket = link_of(await visit.ticket(vault, HERE, made.token, None, its.file.id))
    root = its.outer.parent_id
    assert root is not None
    await organize.move_folder(vault, alice, its.inner.id, root)
    assert (await refusal(read(vault, ticket, its)))[0] is Code.NOT_FOUND
    assert (await refusal(visit.visit(vault, HERE, made.token, None, its.file.id)))[0] is Code.NOT_FOUND


async def test_a_link_has_a_start_and_an_end(vault, alice, its: Tree):
    later = await make_link(vault, alice, its.file.id, starts_at=soon())
    brief = await make_link(vault, alice, its.file.id, expires_at=soon())
    assert later.token is not None
    assert brief.token is not None
    assert (await refusal(visit.visit(vault, HERE, later.token)))[0] is Code.NOT_FOUND
    ticket = link_of(await visit.ticket(vault, HERE, brief.token, None, None))
    afterwards = moved(vault, days=2)
    assert (await visit.visit(afterwards, HERE, later.token)).item == its.file
    assert (await refusal(visit.visit(afterwards, HERE, brief.token)))[0] is Code.NOT_FOUND
    assert (await refusal(read(afterwards, ticket, its)))[0] is Code.NOT_FOUND


async def test_a_managers_link_lasts_no_longer_than_what_they_hold(vault, alice, bob, its: Tree):
    end = soon()
    await give(vault, alice, its.outer.id, bob, Role.MANAGER, end)
    for until in (None, end + timedelta(seconds=1)):
        assert await refusal(make_link(vault, bob, its.file.id, expires_at=until)) == (Code.FORBIDDEN, ("expiresAt",))
    assert (await make_link(vault, bob, its.file.id, expires_at=end)).link.created_by == bob.user_id


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"role": Role.EDITOR}, "role"),
        ({"expires_at": soon(-1)}, "expiresAt"),
        ({"starts_at": soon(20), "expires_at": soon(10)}, "expiresAt"),
        ({"max_downloads": 0}, "maxDownloads"),
        ({"password": "short"}, "password"),
        ({"password": ""}, "password"),
        ({"password": "x" * 2000}, "password"),
    ],
)
async def test_unlawful_terms_are_refused(vault, alice, its: Tree, terms, path: str):
    assert await refusal(make_link(vault, alice, its.file.id, **terms)) == (Code.INVALID, (path,))


async def test_a_link_for_viewing_gives_no_contents(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, view_only=True)
    assert made.token is not None
    assert not (await visit.visit(vault, HERE, made.token)).can_download
    assert (await refusal(visit.ticket(vault, HERE, made.token, None, None)))[0] is Code.FORBIDDEN
    assert (await refusal(visit.content(vault, made.link.id, HERE, its.file.id, 1)))[0] is Code.FORBIDDEN
    no_thumbnail = visit.content(vault, made.link.id, HERE, its.file.id, 1, thumbnail_edge=256)
    assert (await refusal(no_thumbnail))[0] is Code.NOT_FOUND


async def test_nothing_unscanned_leaves_by_a_link(vault, alice, its: Tree):
    bad = await stored(vault, alice, its.inner.id, "bad", b"x", scan=ScanStatus.INFECTED)
    new = await stored(vault, alice, its.inner.id, "new", b"x")
    made = await make_link(vault, alice, its.inner.id, max_downloads=1)
    assert made.token is not None
    for file, code in ((bad, Code.INFECTED), (new, Code.NOT_SCANNED)):
        assert (await refusal(visit.ticket(vault, HERE, made.token, None, file.id)))[0] is code
        assert (await refusal(visit.content(vault, made.link.id, HERE, file.id, 1)))[0] is code
    assert (await link.find(vault, alice, made.link.id)).downloads == 0


async def test_fifty_at_once_get_exactly_the_ten_downloads_that_there_are(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, max_downloads=10)
    assert made.token is not None
    ended: list[str | VaultError] = []

    async def one() -> None:
        while True:
            try:
                ended.append(await visit.ticket(vault, HERE, made.token or "", None, None))
            except VaultError as error:
                if error.code is Code.CONFLICT:  # reported, and nothing was counted: asking again is the caller's
                    continue
                ended.append(error)
            return

    await asyncio.gather(*(one() for _ in range(50)))
    assert len([one for one in ended if isinstance(one, str)]) == 10
    assert {one.code for one in ended if isinstance(one, VaultError)} == {Code.EXPIRED}
    assert (await link.find(vault, alice, made.link.id)).downloads == 10


async def test_a_password_is_asked_for_each_time(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, password="correct horse")
    assert made.token is not None
    for wrong in (None, "", "correct horsE", "\ud800", "x" * 5000):
        assert await refusal(visit.visit(vault, HERE, made.token, wrong)) == (Code.FORBIDDEN, ("password",))
        assert await refusal(visit.ticket(vault, HERE, made.token, wrong, None)) == (Code.FORBIDDEN, ("password",))
    assert (await visit.visit(vault, HERE, made.token, "correct horse")).item == its.file
    assert (await link.find(vault, alice, made.link.id)).downloads == 0


async def test_guessing_is_throttled_per_link_also_when_all_guess_at_once(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, password="correct horse")
    other = await make_link(vault, alice, its.file.id, password="correct horse")
    assert made.token is not None
    assert other.token is not None
    guesses = [visit.visit(vault, HERE, made.token, f"guess {number}") for number in range(30)]
    ended = await asyncio.gather(*guesses, return_exceptions=True)
    codes = [one.code for one in ended if isinstance(one, VaultError)]
    assert len(codes) == 30
    assert codes.count(Code.FORBIDDEN) <= visit.GUESSES_MAX
    assert set(codes) <= {Code.FORBIDDEN, Code.LIMITED, Code.CONFLICT}
    for _ in range(visit.GUESSES_MAX):
        await refusal(visit.visit(vault, HERE, made.token, "one more"))
    assert (await refusal(visit.visit(vault, HERE, made.token, "correct horse")))[0] is Code.LIMITED
    assert (await visit.visit(vault, HERE, other.token, "correct horse")).item == its.file


async def test_right_passwords_are_no_guesses(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, password="correct horse")
    assert made.token is not None
    for _ in range(visit.GUESSES_MAX + 2):
        assert (await visit.visit(vault, HERE, made.token, "correct horse")).item == its.file


async def test_guessing_may_go_on_after_its_span(vault, alice, its: Tree, monkeypatch):
    monkeypatch.setattr(visit, "GUESSES_SPAN", timedelta(0))
    made = await make_link(vault, alice, its.file.id, password="correct horse")
    assert made.token is not None
    for _ in range(visit.GUESSES_MAX + 2):
        assert (await refusal(visit.visit(vault, HERE, made.token, "wrong")))[0] is Code.FORBIDDEN


async def test_the_link_is_who_is_recorded(vault, alice, its: Tree):
    made = await make_link(vault, alice, its.file.id, password="correct horse")
    assert made.token is not None
    await refusal(visit.visit(vault, HERE, made.token, "wrong"))
    ticket = link_of(await visit.ticket(vault, HERE, made.token, "correct horse", None))
    content = await visit.content(vault, ticket, HERE, its.file.id, 1)
    await content.record(0, 5)
    found = []
    for shard in table.outbox_shards():
        found += [one for one in await vault.records.undelivered(shard, "9", 1000) if one.item_id == its.file.id]
    told = [(one.name, one.subject, one.ip) for one in sorted(found, key=lambda one: one.id)]
    assert told[-4:] == [
        (EventName.LINK_CREATED, alice.user_id, alice.origin.ip),
        (EventName.LINK_REFUSED, made.link.id, "127.0.0.1"),
        (EventName.DOWNLOAD_LINKED, made.link.id, "127.0.0.1"),
        (EventName.DOWNLOAD_BEGUN, made.link.id, "127.0.0.1"),
    ]


async def test_the_same_key_makes_one_link_and_shows_its_token_once(vault, alice, its: Tree):
    wanted = link.Wanted(its.file.id, password="correct horse", idempotency_key="k")
    made, again = await link.create(vault, alice, wanted), await link.create(vault, alice, wanted)
    assert (again.link, again.token) == (made.link, None)
    other = link.Wanted(its.file.id, password="another one", idempotency_key="k")
    assert await refusal(link.create(vault, alice, other)) == (Code.CONFLICT, ("idempotencyKey",))
