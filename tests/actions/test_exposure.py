"""The exposure report: who could read a file is what was enforced at each moment, who did is what was recorded."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from clocks import Ahead
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from tests.actions.exposure_world import DEEDS, World, new_world, recorded, told_at
from tests.actions.sharing_world import email_of, refusal
from vaultstream.actions import deeds, download, exposure, purge, trash
from vaultstream.adapters.vault import Vault
from vaultstream.audit_query import AuditWhere, ReadingKind
from vaultstream.errors import Code
from vaultstream.events import EventName
from vaultstream.exposure_facts import Way
from vaultstream.ids import FileId, TokenId
from vaultstream.shares import Role
from vaultstream.tokens import Grant, Scope

TRIED = tried(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a history is short enough to be read as it is
)
ROLES = (Role.VIEWER, Role.COMMENTER, Role.EDITOR, Role.MANAGER)
HISTORY = st.lists(
    st.tuples(
        st.sampled_from(DEEDS),
        st.sampled_from(("a", "b", "file")),
        st.sampled_from(("alice", "bob", "carol")),
        st.sampled_from(ROLES),
        st.sampled_from((None, 1, 3)),
    ),
    min_size=12,
    max_size=20,
)
Deed = tuple[str, str, str, Role, int | None]
VIEWER, MANAGER = Role.VIEWER, Role.MANAGER


@pytest.fixture(scope="module")
def ahead() -> Ahead:
    """Time goes on from one history to the next."""
    return Ahead()


async def world_of(vault: Vault, newcomer, ahead: Ahead) -> World:
    return await new_world(vault, {name: await newcomer() for name in ("alice", "bob", "carol")}, ahead)


@TRIED
@given(HISTORY, st.floats(0, 1), st.floats(0, 1))
@example(
    [
        ("give", "a", "bob", VIEWER, 3),
        ("token", "b", "bob", VIEWER, None),
        ("move", "b", "bob", VIEWER, None),
        ("move", "b", "carol", VIEWER, None),
        ("read", "file", "bob", VIEWER, None),
        ("sweep", "a", "bob", VIEWER, None),
        ("give", "a", "bob", MANAGER, None),
        ("change", "a", "bob", VIEWER, 1),
        ("link", "b", "bob", VIEWER, None),
        ("throw_away", "a", "bob", VIEWER, None),
        ("restore", "a", "bob", VIEWER, None),
        ("read", "file", "alice", MANAGER, None),
        ("unlink", "a", "bob", VIEWER, None),
    ],
    0.25,
    1.0,
)
async def test_who_could_read_is_what_was_enforced_at_each_moment_and_who_did_is_what_was_done(
    vault: Vault, newcomer, ahead: Ahead, history: list[Deed], one: float, other: float
) -> None:
    world = await world_of(vault, newcomer, ahead)
    begun = world.vault.now()
    for deed in history:
        await world.do(*deed)
    await recorded(world.vault)
    span = world.vault.now() - begun
    since, until = begun + min(one, other) * span, begun + max(one, other) * span + timedelta(microseconds=1)
    told = await exposure.report(
        await audited(world, "carol"), world.people["carol"], world.items["file"], since, until
    )
    within = [seen for seen in world.seen if since <= seen.at < until]
    assert [told_at(told.could_read, seen.at) for seen in within] == [seen.access for seen in within]
    assert Counter({reading.subject: reading.times for reading in told.did_read}) == world.did(since, until)
    assert all(reading.kind is ReadingKind.DOWNLOAD for reading in told.did_read)
    assert (told.complete_since, told.complete_until, told.is_truncated) == (since, until, False)


@pytest.fixture
async def world(vault: Vault, newcomer, ahead: Ahead) -> World:
    return await world_of(vault, newcomer, ahead)


async def audited(world: World, who: str) -> Vault:
    """The vault as it is where that person is an auditor, who is told of what is in the trash, too."""
    email = await email_of(world.vault, world.people[who])
    return replace(world.vault, settings=replace(world.vault.settings, auditors=email))


async def report_of(world: World, who: str = "alice", **span: float) -> exposure.Report:
    """Of the last two hours and more, in the units of timedelta."""
    since = world.vault.now() - timedelta(**span or {"days": 1})
    return await exposure.report(world.vault, world.people[who], world.items["file"], since, None)


async def test_only_who_may_share_it_may_ask_and_a_stranger_learns_nothing(world: World) -> None:
    await world.do("give", "b", "bob", Role.EDITOR, None)
    assert await refusal(report_of(world, "bob")) == (Code.FORBIDDEN, ())
    assert await refusal(report_of(world, "carol")) == (Code.NOT_FOUND, ())
    await world.do("change", "b", "bob", MANAGER, None)
    await recorded(world.vault)
    told = await report_of(world, "bob")
    assert {span.given.holder for span in told.could_read} == {world.alice.user_id, world.people["bob"].user_id}
    now = world.vault.now()
    for until in (None, now - timedelta(hours=1)):
        asked = exposure.report(world.vault, world.alice, world.items["file"], now + timedelta(hours=1), until)
        assert await refusal(asked) == (Code.INVALID, ("since",))


async def test_an_auditor_is_told_of_what_is_gone_and_that_they_asked_is_recorded(world: World) -> None:
    await world.do("give", "a", "bob", VIEWER, None)
    await world.do("read", "file", "bob", VIEWER, None)
    await trash.throw_away(world.vault, world.alice, world.items["file"])
    await purge.begin(world.vault, world.alice, world.items["file"])
    await recorded(world.vault)
    carol, file_id = world.people["carol"], world.items["file"]
    vault = await audited(world, "carol")
    since = vault.now() - timedelta(days=1)
    told = await exposure.report(vault, carol, file_id, since, None)
    ways = {(span.given.holder, span.given.way, span.given.item_id) for span in told.could_read}
    assert ways == {
        (world.alice.user_id, Way.OWNER, file_id),
        (world.people["bob"].user_id, Way.SHARE, world.items["a"]),
    }
    assert all(span.until < told.until for span in told.could_read)
    assert [(one.subject, one.times) for one in told.did_read] == [(world.people["bob"].user_id, 1)]
    nobodys = FileId(f"file_{vault.unique()}")
    assert await refusal(exposure.report(vault, carol, nobodys, since, None)) == (Code.NOT_FOUND, ())
    await recorded(vault)
    looks = await vault.audit_log.find(AuditWhere(subject=carol.user_id, names=[EventName.AUDIT_READ]), None, 10)
    assert [look.event.details for look in looks] == [{"of_item": nobodys}, {"of_item": file_id}]


async def test_every_way_of_reading_is_told_apart(world: World) -> None:
    vault, alice, file_id = world.vault, world.alice, world.items["file"]
    await download.link(vault, alice, file_id)
    made = [{"thumbnail_edge_px": edge, "start": 0, "stop": 5} for edge in (64, 256, None)]
    await vault.commit([], [deeds.by_person(vault, alice, EventName.DOWNLOAD_BEGUN, file_id, **each) for each in made])
    refused = deeds.by_person(vault, alice, EventName.DOWNLOAD_REFUSED, file_id, refused="scan PENDING")
    await vault.commit([], [refused])
    program = replace(alice, grant=Grant(TokenId(vault.new_id("token")), frozenset({Scope.READ})))
    await vault.commit([], [deeds.by_person(vault, program, EventName.DOWNLOAD_BEGUN, file_id, **made[2])])
    await recorded(vault)
    told = [(one.kind, one.token_id, one.times) for one in (await report_of(world)).did_read]
    assert sorted(told, key=str) == sorted(
        [
            (ReadingKind.ADDRESS, None, 1),
            (ReadingKind.PREVIEW, None, 2),
            (ReadingKind.DOWNLOAD, None, 1),
            (ReadingKind.DOWNLOAD, program.grant.token_id, 1),
        ],
        key=str,
    )


async def test_what_is_too_much_is_cut_and_said_or_refused(world: World, monkeypatch) -> None:
    for deed in ("give", "take", "give"):
        await world.do(deed, "a", "bob", VIEWER, None)
    await recorded(world.vault)
    whole = await report_of(world)
    assert (len(whole.could_read), whole.is_truncated) == (3, False)
    monkeypatch.setattr(exposure, "SPANS_MAX", 2)
    cut = await report_of(world)
    assert ([(span.given, span.since) for span in cut.could_read], cut.is_truncated) == (
        [(span.given, span.since) for span in whole.could_read[:2]],
        True,
    )
    monkeypatch.setattr(exposure, "_EVENTS_MAX", 2)
    assert await refusal(report_of(world)) == (Code.INVALID, ("since",))
