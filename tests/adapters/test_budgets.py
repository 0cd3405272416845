"""Budgets over a real Redis: the script is the model, nobody spends more than they have, and no fault stops anybody."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st
from wires import Wire

from vaultstream.actor import GUEST, Actor, Origin
from vaultstream.adapters import budgets as module
from vaultstream.adapters.budgets import Bill, Budgets
from vaultstream.adapters.meters import Meters
from vaultstream.budgets import MILLI, Allowance, Bucket, RateLimited, Standing, owner
from vaultstream.ids import UserId
from vaultstream.metrics import BUDGET_REFUSALS
from vaultstream.pipelined import Pipelined

SMALL = Allowance(100, 1)


def somebody() -> Actor:
    return Actor(UserId(f"user_{secrets.token_hex(8)}"), Origin("test"), datetime.now(UTC))


def guest(ip: str) -> Actor:
    return Actor(GUEST, Origin("test", ip), datetime.now(UTC))


async def presented(budgets: Budgets, bill: Bill) -> Standing | None:
    """A bill as it is paid by who does not wait."""
    paid: asyncio.Future[Standing | None] = asyncio.get_running_loop().create_future()
    assert budgets.present(bill, paid.set_result)
    return await paid


@asynccontextmanager
async def behind_a_wire(redis_url: str) -> AsyncIterator[tuple[Wire, Budgets]]:
    address, _, _ = redis_url.rpartition("@")[2].partition("/")
    async with (
        Wire("127.0.0.1", int(address.partition(":")[2])) as wire,
        aclosing(
            Pipelined.from_url(redis_url.replace(address, f"127.0.0.1:{wire.port}"), timeout_seconds=0.25)
        ) as pipelined,
    ):
        yield wire, Budgets(pipelined, SMALL, Meters())


@tried(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-150, 150), st.integers(0, 60_000)), max_size=12))
async def test_the_script_does_what_the_model_does(pipelined: Pipelined, steps: list[tuple[int, int]]) -> None:
    name, ahead = secrets.token_hex(8), 0
    model: Bucket | None = None
    budgets = Budgets(pipelined, SMALL, Meters())
    for points, passed_ms in steps:
        if model is not None:
            await pipelined.call("HINCRBY", f"budget:{name}", "at", -passed_ms)  # as if so much time had passed
            ahead += passed_ms
        answer = await budgets._in_redis((f"budget:{name}",), module._arguments(points, SMALL))
        assert answer is not None
        granted, bucket = answer
        now = bucket.at_ms + ahead
        before = model or Bucket(SMALL.size * MILLI, now)
        model_granted, model = before.taken(points, now, SMALL)
        assert (granted, bucket.level_milli) == (model_granted, model.level_milli)
        assert 0 <= bucket.level_milli <= SMALL.size * MILLI


@tried(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    level=st.integers(0, SMALL.size),
    points=st.integers(0, SMALL.size),
    needed=st.integers(0, 2 * SMALL.size),
    held=st.lists(st.sampled_from([b"old", b"new", None]), max_size=4),
    is_awaited=st.booleans(),
)
async def test_points_are_taken_only_where_the_keys_hold_what_they_should_and_all_that_is_needed_is_there(
    pipelined: Pipelined, level: int, points: int, needed: int, held: list[bytes | None], is_awaited: bool
) -> None:
    asker, names = somebody(), [f"v:{secrets.token_hex(8)}" for _ in held]
    budgets = Budgets(pipelined, SMALL, Meters())
    await budgets.take(asker, SMALL.size - level)
    for name, value in zip(names, held, strict=True):
        if value is not None:
            await pipelined.call("SET", name, value)
    bill = budgets.bill(asker, points, needed=needed, keys=names, hold=[b"new"] * len(held))
    is_held, is_there = set(held) <= {b"new"}, max(points, needed) <= level
    try:
        standing = await (budgets.take_where(asker, bill) if is_awaited else presented(budgets, bill))
    except RateLimited:
        assert (is_awaited, is_held, is_there) == (True, True, False)
        standing = None
    else:
        assert (standing is not None) == (is_held and is_there)
        assert not is_awaited or not is_held or is_there
    taken = 0 if standing is None else points
    left = (await budgets.take(asker, 0)).remaining
    assert level - taken <= left <= level - taken + SMALL.per_second * 5  # what a slow machine's seconds gave back


async def test_a_bill_that_redis_does_not_understand_yet_is_not_paid_and_redis_is_asked_on(
    pipelined: Pipelined,
) -> None:
    asker, budgets = somebody(), Budgets(pipelined, SMALL, Meters())
    bill = budgets.bill(asker, 1, needed=1, keys=(), hold=())
    await pipelined.call("SCRIPT", "FLUSH")
    assert await presented(budgets, bill) is None
    assert await budgets.take_where(asker, bill) is not None
    assert await presented(budgets, bill) is not None


async def test_fifty_at_once_spend_no_more_than_there_is(redis_url: str, pipelined: Pipelined) -> None:
    actor = somebody()
    async with aclosing(Pipelined.from_url(redis_url, timeout_seconds=20)) as other:
        budgets = [Budgets(pipelined, SMALL, Meters()), Budgets(other, SMALL, Meters())]
        answers = await asyncio.gather(
            *(each.take_where(actor, each.bill(actor, 60, needed=60, keys=(), hold=())) for each in budgets * 25),
            return_exceptions=True,
        )
    assert sum(isinstance(answer, Standing) for answer in answers) <= 1


async def test_what_is_given_back_can_be_spent_again_and_no_more_than_the_size_is_there(pipelined: Pipelined) -> None:
    actor, meters = somebody(), Meters()
    budgets = Budgets(pipelined, SMALL, meters)
    assert (await budgets.take(actor, 100)).remaining == 0
    with pytest.raises(RateLimited) as refused:
        await budgets.take(actor, 50)
    assert 49 <= refused.value.retry_after_seconds <= 50
    assert meters.numbers(BUDGET_REFUSALS) == {("member",): 1}
    assert (await budgets.give_back(actor, 90)).remaining >= 90
    assert (await budgets.give_back(actor, 90)).remaining == 100


async def test_a_cost_beyond_the_size_is_told_that_waiting_does_not_help(pipelined: Pipelined) -> None:
    with pytest.raises(RateLimited, match="never more than 100"):
        await Budgets(pipelined, SMALL, Meters()).take(somebody(), 101)


@pytest.mark.parametrize("fault", ["refused", "cut before", "cut within the answer", "slow"])
async def test_without_redis_each_process_goes_on_from_what_it_knew(redis_url: str, fault: str) -> None:
    actor = somebody()
    async with behind_a_wire(redis_url) as (wire, budgets):
        assert (await budgets.take(actor, 60)).remaining == 40
        match fault:
            case "refused":
                wire.refuse()
            case "cut before":
                wire.cut_every(up=1)
            case "cut within the answer":
                wire.cut_every(down=2)
            case "slow":
                wire.bytes_per_second = 20
        async with asyncio.timeout(5):
            assert (await budgets.take(actor, 30)).remaining >= 10
            with pytest.raises(RateLimited):
                await budgets.take(actor, 60)


async def test_a_bill_finds_out_that_redis_is_gone_and_the_next_is_not_sent(redis_url: str) -> None:
    async with behind_a_wire(redis_url) as (wire, budgets):
        bill = budgets.bill(somebody(), 1, needed=1, keys=(), hold=())
        wire.refuse()
        assert await presented(budgets, bill) is None
        assert not budgets.present(bill, lambda _: None)


async def test_redis_counts_again_once_it_is_back(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = somebody()
    async with behind_a_wire(redis_url) as (wire, budgets):
        wire.refuse()
        await budgets.take(actor, 60)
        wire.restore()
        monkeypatch.setattr(budgets, "_gone_until", 0.0)
        assert (await budgets.take(actor, 10)).remaining == 90


async def test_no_more_owners_are_known_than_fit(pipelined: Pipelined, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OWNERS_MAX", 3)
    budgets = Budgets(pipelined, SMALL, Meters())
    for _ in range(5):
        await budgets.take(somebody(), 1)
    assert len(budgets._known) == 3


@pytest.mark.parametrize(
    ("ip", "named"),
    [
        ("192.0.2.7", "guest:192.0.2.7"),
        ("::ffff:192.0.2.7", "guest:192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "guest:2001:db8:1:2::/64"),
        ("fe80::1%eth0", "guest:fe80::/64"),
        ("", "guest:unknown"),
    ],
)
def test_guests_of_one_network_share_a_bucket(ip: str, named: str) -> None:
    assert owner(guest(ip)) == named


@pytest.mark.parametrize(("size", "per_second"), [(0, 1), (1, 0)])
def test_a_budget_that_lets_nothing_through_is_no_budget(size: int, per_second: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Allowance(size, per_second)
