"""A plan that falls back is tried less often, and never more than its bound."""

from hypothesis import given
from hypothesis import strategies as st

from vaultstream.breadth.patience import BURST, REQUESTS_A_TRY, Patience


def tries(outcomes: list[bool]) -> list[bool]:
    """For each request, whether the plan was tried in vain; an outcome of True would be a success."""
    patience = Patience()
    in_vain = []
    for succeeds in outcomes:
        tried = patience.allows()
        if tried and not succeeds:
            patience.fell_back()
        in_vain.append(tried and not succeeds)
    return in_vain


@given(st.lists(st.booleans(), max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_of_any_requests_in_a_row_few_fall_back(outcomes: list[bool], start: int, length: int) -> None:
    row = tries(outcomes)[start : start + length]
    assert sum(row) <= BURST + len(row) / REQUESTS_A_TRY


def test_a_plan_that_always_fails_is_tried_five_times_and_then_every_fourth_time() -> None:
    in_vain = tries([False] * 25)
    assert in_vain[:5] == [True] * 5  # the burst, and the one that those requests poured in
    assert [n for n, vain in enumerate(in_vain) if vain][5:] == [8, 12, 16, 20, 24]


def test_a_plan_that_succeeds_is_always_tried() -> None:
    patience = Patience()
    assert all(patience.allows() for _ in range(100))


def test_a_plan_that_recovers_is_trusted_again() -> None:
    patience = Patience()
    for _ in range(20):
        if patience.allows():
            patience.fell_back()
    for _ in range(BURST * REQUESTS_A_TRY):
        patience.allows()
    assert all(patience.allows() for _ in range(100))
