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
