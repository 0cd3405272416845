"""What an entry holds comes back as it was, opens in its own place only, and says when it is over."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from vaultstream import dependencies
from vaultstream.adapters.cache import entries
from vaultstream.adapters.cache.seal import Seal
from vaultstream.adapters.records.moments import moment

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LEAF = st.none() | st.booleans() | st.integers(-(2**53), 2**63 - 1) | TEXT | st.binary(max_size=40)
ITEM = st.dictionaries(
    TEXT,
    st.recursive(LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)),
    max_size=5,
)
VALUE = st.none() | ITEM | st.lists(ITEM, max_size=4)
MOMENTS = st.lists(st.integers(-(10**9), 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds)), max_size=5)
SEAL = Seal("a secret")


@given(VALUE)
@example({"\0b": ""})
@example([{"\0p": [], "a": {"\0b": b"\0"}}])
def test_a_value_comes_back_as_it_was(value: object) -> None:
    assert entries.read(entries.written(value, NOW), NOW)[1] == value


@given(MOMENTS, st.integers(0, 10**9))
def test_an_entry_names_the_next_moment_that_any_item_of_it_names(moments: list[datetime], passed: int) -> None:
    value = [{"at": moment(at), "terms": {"expires_at": [moment(at)]}} for at in moments]
    for later in (NOW, NOW + timedelta(seconds=passed)):
        to_come = [at.timestamp() for at in moments if at > later]
        assert entries.read(entries.written(value, NOW), later)[0] == min(to_come, default=float("inf"))


@given(st.binary(max_size=100), st.integers(0), st.integers(1, 255))
def test_a_damaged_entry_does_not_open(plain: bytes, at: int, flip: int) -> None:
    sealed = SEAL.closed("e:1", "world", b"token", plain)
    assert SEAL.opened("e:1", "world", b"token", sealed) == plain
    damaged = bytearray(sealed)
    damaged[at % len(sealed)] ^= flip
    assert SEAL.opened("e:1", "world", b"token", bytes(damaged)) is None
    assert SEAL.opened("e:1", "world", b"token", sealed[: at % len(sealed)]) is None


@given(
    st.tuples(TEXT, TEXT, st.binary(max_size=20)), st.tuples(TEXT, TEXT, st.binary(max_size=20)), st.binary(max_size=9)
)
def test_an_entry_opens_in_its_own_place_only(
    own: tuple[str, str, bytes], other: tuple[str, str, bytes], plain: bytes
) -> None:
    opened = SEAL.opened(*other, SEAL.closed(*own, plain))
    assert opened == (plain if own == other else None)


def test_a_collection_that_changed_while_an_answer_was_made_leaves_it_untraceable() -> None:
    for second, is_traceable in (("w", b"t"), True), (("w", b"u"), False), (("x", b"t"), False):
        with dependencies.recorded() as seen:
            dependencies.saw("w", "FOLDER#1", b"t")
            with dependencies.unrecorded():
                dependencies.untraceable()
            dependencies.saw(second[0], "FOLDER#1", second[1])
        dependencies.untraceable()  # nobody records
        assert seen.is_traceable is is_traceable
