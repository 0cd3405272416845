"""Tags: the same words in any spelling are the same tags, and what is kept is lawful."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import tags
from vaultstream.errors import Code, VaultError
from vaultstream.tags import TAG_CHARACTERS_MAX, TAGS_MAX

words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=12).filter(str.strip)


@given(wanted=st.lists(words, max_size=TAGS_MAX))
def test_what_is_kept_is_kept_again_as_it_is(wanted: list[str]) -> None:
    kept = tags.lawful(wanted)
    assert tags.lawful(kept) == kept
    assert list(kept) == sorted(set(kept))


@given(wanted=st.lists(words, max_size=TAGS_MAX), data=st.data())
def test_spelling_spaces_and_order_make_no_difference(wanted: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*wanted, *wanted]))
    assert tags.lawful(f"  {unicodedata.normalize('NFD', tag)} " for tag in shuffled) == tags.lawful(wanted)


@given(wanted=st.lists(st.text(max_size=80), max_size=30))
def test_anything_else_is_refused_as_tags(wanted: list[str]) -> None:
    try:
        kept = tags.lawful(wanted)
    except VaultError as error:
        assert (error.code, error.path) == (Code.INVALID, ("tags",))
    else:
        assert len(kept) <= TAGS_MAX
        assert all(0 < len(tag) <= TAG_CHARACTERS_MAX and tag.isprintable() for tag in kept)


@pytest.mark.parametrize("tag", ["", " ", "x" * 51, "a\x00", "a\u200bb", "\u202e", "\ud800"])
def test_what_cannot_be_seen_is_no_tag(tag: str) -> None:
    with pytest.raises(VaultError):
        tags.lawful([tag])
