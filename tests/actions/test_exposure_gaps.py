"""What the exposure report cannot know, it says: where the log begins, ends, or has lost a month."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from clocks import Ahead

from tests.actions.exposure_world import new_world, recorded, told_at
from vaultstream import table
from vaultstream.actions import deeds, exposure
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.events import EventName
from vaultstream.shares import Role

Newcomer = Callable[[], Awaitable[Actor]]


async def test_what_is_not_in_the_log_is_told_by_the_table_and_the_report_says_since_when_it_is_complete(
    vault: Vault, newcomer: Newcomer
) -> None:
    """As where a vault is older than its log: what was given and taken back before is lost."""
    people = {name: await newcomer() for name in ("alice", "bob", "carol")}
    world = await new_world(vault, people, Ahead())

    async def report_of_days(days: int) -> exposure.Report:
        since = world.vault.now() - timedelta(days=days)
        return await exposure.report(world.vault, world.alice, world.items["file"], since, None)

    for deed in (
        ("give", "a", "bob", Role.VIEWER, None),
        ("give", "b", "carol", Role.MANAGER, None),
        ("link", "b", "x", Role.VIEWER, 9),
    ):
        await world.do(*deed)
    await world.do("take", "b", "carol", Role.VIEWER, None)
    waiting = [await world.vault.records.undelivered(shard, "~", 1000) for shard in table.outbox_shards()]
    await world.vault.records.delivered([event.id for shard in waiting for event in shard])
    begun = world.vault.now()
    empty = await report_of_days(60)
    assert (empty.complete_since, empty.complete_until) == (empty.until, empty.until)
    assert told_at(empty.could_read, world.seen[-1].at) == world.seen[-1].access
    await recorded(world.vault)
    later = f"{begun + timedelta(days=40):%Y-%m}"  # as if it were now
    dropped = deeds.by_operator(world.vault, EventName.AUDIT_MONTH_DROPPED, month=later)
    told = await report_of_days(60)
    assert told_at(told.could_read, world.seen[-1].at) == world.seen[-1].access
    bob = next(span for span in told.could_read if span.given.holder == world.people["bob"].user_id)
    assert begun - timedelta(hours=1) < bob.since < begun
    assert (told.complete_since, told.complete_until) == (await world.vault.audit_log.begun_at(), told.until)
    await world.vault.commit([], [dropped])
    late = await report_of_days(1)
    assert late.complete_until == dropped.at
    await recorded(world.vault)
    nothing = await report_of_days(1)
    assert nothing.complete_since == nothing.until
