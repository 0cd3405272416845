"""The cost model adds up, follows the price table, and says where colder storage is not cheaper."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import costs
from vaultstream.costs import MONTH_DAYS, Bill, CostLine, Use
from vaultstream.tiers import GIB, KIB, MIB, PRICES, RULES, LifecycleRule, StorageTier, Transition

SIZES = st.integers(0, 20 * GIB)
DAYS = st.floats(0.5, 4000)
USES = st.builds(Use, st.floats(0, 20), st.floats(0, 20), st.floats(0, 1), st.booleans())
QUIET = Use(0, 0)


@given(SIZES, DAYS)
def test_a_file_is_somewhere_every_day_and_once(size_bytes: int, days: float) -> None:
    found = list(costs.stays(size_bytes, days))
    assert found[0].since_day == 0
    assert found[-1].until_day == days
    assert all(before.until_day == after.since_day for before, after in pairwise(found))
    assert [stay.tier.rank for stay in found] == sorted({stay.tier.rank for stay in found})


@given(SIZES, DAYS, USES)
def test_no_line_is_negative_and_the_total_is_their_sum(size_bytes: int, days: float, use: Use) -> None:
    bill = costs.life(size_bytes, days, use, is_deleted=True)
    assert all(dollars >= 0 for dollars in bill.lines.values())
    assert bill.total_usd == pytest.approx(sum(bill.lines.values()))
    assert sum(bill.storage.values()) == pytest.approx(bill.lines[CostLine.STORAGE])


@given(SIZES, DAYS, st.floats(1, 1000), USES)
def test_longer_and_larger_never_costs_less(size_bytes: int, days: float, more: float, use: Use) -> None:
    bill = costs.life(size_bytes, days, use).total_usd
    assert costs.life(size_bytes, days + more, use).total_usd >= bill
    assert costs.life(size_bytes + int(more), days, use, rules=()).total_usd >= costs.life(
        size_bytes, days, use, rules=()
    ).total_usd * (1 - 1e-9)


@given(SIZES, DAYS, USES)
def test_without_rules_nothing_is_paid_for_moving_or_fetching(size_bytes: int, days: float, use: Use) -> None:
    lines = costs.life(size_bytes, days, use, rules=(), is_deleted=True).lines
    assert lines.get(CostLine.TRANSITIONS, 0) == lines[CostLine.RETRIEVAL] == lines[CostLine.OVERHEAD] == 0
    assert lines[CostLine.MINIMUM_DURATION] == 0


@given(st.integers(0, 200 * MIB), st.floats(0, 30), st.floats(0, 30))
def test_reads_are_shared_out_over_the_days(size_bytes: int, first: float, later: float) -> None:
    use = Use(first, later)
    whole = use.reads(0, 200)
    assert whole == pytest.approx(sum(use.reads(day, day + 1) for day in range(200)))
    assert whole == pytest.approx(first + later * (200 - MONTH_DAYS) / MONTH_DAYS)


def test_bills_add_up() -> None:
    one = costs.keeping(GIB, StorageTier.STANDARD, MONTH_DAYS)
    other = costs.keeping(GIB, StorageTier.GLACIER_IR, MONTH_DAYS)
    assert one.storage == {StorageTier.STANDARD: pytest.approx(0.023)}
    assert (one + other).total_usd == pytest.approx(0.027)
    assert one.times(3).total_usd == pytest.approx(0.069)
    assert (Bill() + one).total_usd == one.total_usd


def test_a_gibibyte_by_hand() -> None:
    """10 GiB for 210 days: 30 + 60 + 90 + 30 days in the four classes, three moves, one upload, one scan."""
    bill = costs.life(10 * GIB, 210, QUIET)
    by_hand = 10 * (0.023 * 30 + 0.0125 * 60 + 0.004 * 90 + 0.00099 * 30) / MONTH_DAYS
    assert bill.lines[CostLine.STORAGE] == pytest.approx(by_hand)
    assert bill.lines[CostLine.TRANSITIONS] == pytest.approx((0.01 + 0.02 + 0.05) / 1000)
    overhead = (32 * KIB * 0.00099 + 8 * KIB * 0.023) / GIB * 30 / MONTH_DAYS
    assert bill.lines[CostLine.OVERHEAD] == pytest.approx(overhead)
    parts = math.ceil(10 * GIB / costs.PART_BYTES)
    assert bill.lines[CostLine.REQUESTS] == pytest.approx(((parts + 2) * 0.005 + 0.0004) / 1000)


def test_who_deletes_early_pays_for_the_days_that_are_left() -> None:
    early = costs.life(10 * GIB, 200, QUIET, is_deleted=True).lines[CostLine.MINIMUM_DURATION]
    assert early == pytest.approx(costs.keeping(10 * GIB, StorageTier.DEEP_ARCHIVE, 160).total_usd)
    assert costs.life(10 * GIB, 360, QUIET, is_deleted=True).lines[CostLine.MINIMUM_DURATION] == 0


def test_what_is_small_costs_more_in_a_rule_that_does_not_look_at_sizes() -> None:
    """So the rules do: at 128 KiB and below nothing moves."""
    steps = (Transition(StorageTier.STANDARD_IA, 30), Transition(StorageTier.GLACIER_IR, 90))
    careless = (LifecycleRule("all", "files/", 0, None, steps),)
    small = 16 * KIB
    assert costs.life(small, 1095, QUIET, rules=careless).total_usd > costs.life(small, 1095, QUIET, rules=()).total_usd
    assert costs.life(small, 1095, QUIET) == costs.life(small, 1095, QUIET, rules=())


@pytest.mark.parametrize("size_bytes", [2 * MIB + 1, 3 * MIB, 10 * MIB, GIB])
def test_each_step_of_a_file_is_paid_back_by_its_own_stay(size_bytes: int) -> None:
    """Where nobody reads it: what one step saves until the next is more than the step costs."""
    for at in range(len(RULES[0].transitions)):
        steps = RULES[0].transitions
        until = steps[at + 1].after_days if at + 1 < len(steps) else 3 * 365
        with_it = (LifecycleRule("with", "files/", 0, None, steps[: at + 1]),)
        without = (LifecycleRule("without", "files/", 0, None, steps[:at]),) if at else ()
        saved = costs.life(size_bytes, until, QUIET, rules=without).total_usd
        assert costs.life(size_bytes, until, QUIET, rules=with_it).total_usd < saved


def test_a_hot_file_costs_more_where_reading_is_dear() -> None:
    hot = Use(30, 30, cached=0.9)
    assert costs.life(10 * MIB, 1095, hot).total_usd > costs.life(10 * MIB, 1095, hot, rules=()).total_usd


def test_keys_are_cheaper_with_a_bucket_key_and_a_cache() -> None:
    dear = costs.life(MIB, 30, Use(100, bucket_key=False)).lines[CostLine.KEYS]
    cheap = costs.life(MIB, 30, Use(100, cached=0.99)).lines[CostLine.KEYS]
    assert cheap < dear / 20
    assert dear == pytest.approx(
        (costs.KEY_CALLS + 3 + 100 * 30 / MONTH_DAYS * 2) * PRICES.kms_per_10000 / 10_000, rel=0.02
    )
