"""Names: what may be one, and when two are the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultstream import names
from vaultstream.errors import Code, VaultError


@given(st.text())
def test_folding_twice_is_folding_once(name: str) -> None:
    assert names.fold(names.fold(name)) == names.fold(name)


@given(st.text(max_size=300))
def test_a_name_is_kept_in_nfc_or_refused_with_a_reason(name: str) -> None:
    try:
        kept = names.lawful(name)
    except VaultError as error:
        assert error.code is Code.INVALID
        assert error.message.startswith("Choose another name")
    else:
        assert kept == unicodedata.normalize("NFC", name)
        assert names.lawful(kept) == kept
        assert len(names.fold(kept).encode()) <= names.FOLDED_BYTES_MAX
        assert "/" not in kept
        assert kept.strip() == kept != ""


@given(st.text(min_size=1, max_size=40))
def test_names_that_differ_only_in_form_are_the_same(name: str) -> None:
    assert names.fold(unicodedata.normalize("NFD", name)) == names.fold(unicodedata.normalize("NFC", name))


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "a/b", "a\\b", "a\x00", "a\n", " a", "a ", "\u202egpj.exe", "a" * 256, "\ud800"]
)
def test_what_may_not_be_a_name(name: str) -> None:
    with pytest.raises(VaultError):
        names.lawful(name)


def is_lawful(name: str) -> bool:
    try:
        return bool(names.lawful(name))
    except VaultError:
        return False


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=255).filter(is_lawful), st.integers(2, 999))
def test_a_numbered_name_is_lawful_and_told_from_its_like(name: str, number: int) -> None:
    numbered = names.numbered(names.lawful(name), number)
    assert names.lawful(numbered) == numbered
    assert names.fold(numbered) != names.fold(names.numbered(names.lawful(name), number + 1))


def test_the_number_stands_before_the_ending() -> None:
    assert names.numbered("plan.tar.gz", 2) == "plan.tar (2).gz"
    assert names.numbered(".profile", 2) == ".profile (2)"
    assert names.numbered("plan", 12) == "plan (12)"
    assert names.numbered("x" * 255, 2) == "x" * 251 + " (2)"
