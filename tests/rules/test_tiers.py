"""The lifecycle table holds what S3 asks of it, and an object is always where its age says."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import tiers
from vaultstream.ids import FileId, FolderId, UserId, version_id
from vaultstream.tiers import KIB, MIB, PRICES, RULES, TERMS, LifecycleRule, StorageTier, Transition
from vaultstream.uploads import Target, object_key

FILES = RULES[0]
A_KEY = "files/file_1/version_1/1"
transitions = st.lists(st.builds(Transition, st.sampled_from(StorageTier), st.integers(0, 400)), max_size=4).map(tuple)


def rule(*steps: Transition, over: int = MIB, up_to: int | None = None) -> LifecycleRule:
    return LifecycleRule("test", "files/", over, up_to, steps)


def test_each_class_stays_its_minimum_before_the_next() -> None:
    for each in RULES:
        assert each.transitions
        days = [step.after_days for step in each.transitions]
        assert days == sorted(set(days))
        assert days[0] >= 30
        for step, following in pairwise(each.transitions):
            assert following.after_days - step.after_days >= TERMS[step.to].days_min
            assert following.to.rank > step.to.rank


def test_what_s3_would_bill_for_more_than_it_holds_does_not_move() -> None:
    floor = max(terms.billed_bytes_min for terms in TERMS.values())
    assert floor == 128 * KIB
    assert tiers.rule_for(A_KEY, floor) is None
    assert tiers.rule_for(A_KEY, floor + 1) is RULES[1]
    assert tiers.rule_for(A_KEY, 2 * MIB) is RULES[1]
    assert tiers.rule_for(A_KEY, 2 * MIB + 1) is FILES


@given(st.integers(0, 50 * 2**30))
def test_no_object_is_under_two_rules(size_bytes: int) -> None:
    assert sum(each.covers(A_KEY, size_bytes) for each in RULES) <= 1


def test_sealed_versions_move_while_thumbnails_and_tails_stay() -> None:
    assert tiers.rule_for("thumbnails/file_1/version_1/256-x", 10 * MIB) is None
    assert tiers.rule_for("tails/upload_1/1", 10 * MIB) is None
    file_id = FileId("file_1")
    target = Target(file_id, version_id(file_id, "1"), FolderId("folder_1"), UserId("user_1"), "n", "text/plain", True)
    assert tiers.rule_for(object_key(target, 1), 10 * MIB) is FILES


@given(st.integers(0, 4000), st.integers(0, 4000), st.sampled_from(RULES))
def test_an_object_never_gets_warmer(days: int, more: int, each: LifecycleRule) -> None:
    assert each.tier_after(days).rank <= each.tier_after(days + more).rank


@given(transitions)
def test_a_rule_is_refused_exactly_where_a_stay_is_too_short_or_goes_back(steps: tuple[Transition, ...]) -> None:
    stays = [(StorageTier.STANDARD, 0), *((step.to, step.after_days) for step in steps)]
    minimum = {tier: max(terms.days_min, 30) for tier, terms in TERMS.items()}
    lawful = all(
        colder.rank > tier.rank and until - since >= minimum[tier] for (tier, since), (colder, until) in pairwise(stays)
    )
    try:
        rule(*steps)
    except ValueError:
        assert not lawful
    else:
        assert lawful


def test_a_rule_for_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="no object is of such a size"):
        rule(over=MIB, up_to=MIB)


def test_colder_is_cheaper_to_keep_and_dearer_to_read() -> None:
    for warm, cold in pairwise(StorageTier):
        warmer, colder = PRICES.tiers[warm], PRICES.tiers[cold]
        assert colder.gb_month < warmer.gb_month
        assert colder.transition_per_1000 > warmer.transition_per_1000
    assert [PRICES.tiers[tier].retrieval_gb > 0 for tier in StorageTier] == [False, True, True, True]
    assert PRICES.as_of.year >= 2025
    assert PRICES.source
